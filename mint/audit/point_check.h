// That a table of points in a SQLite ledger has each point once, and that the index in the file knows its
// rows: both rest on the committing thread alone (mint/ledger/point_index.h). For sqlite_view.cpp.
#pragma once
#include "common/storage/database.h"
#include "mint/audit/ledger_view.h"

namespace manastr::mint {

/// Of `table` with the points in `column`. Memory is bounded: of a large table some keys at a time.
Status check_points(storage::Database& database, const std::string& table, const std::string& column,
                    std::vector<std::string>& faults, std::size_t rows_at_once = 8'000'000);

}  // namespace manastr::mint
