// A SQLite ledger for verification, on a connection of its own.
#pragma once
#include "mint/audit/ledger_view.h"

namespace manastr::mint {

/// An error if there is no such file, or it is of another schema than this program's.
Result<std::unique_ptr<LedgerView>> view_sqlite_ledger(const std::string& file);

}  // namespace manastr::mint
