// Restores and imports in the SQLite ledger (Ledger::origins and its neighbours).
#pragma once
#include "common/storage/database.h"
#include "mint/ledger/records.h"

namespace manastr::mint {

Result<std::vector<Origin>> read_origins(storage::Database& database);
Status add_origin(storage::Database& database, const Origin& origin);
Status settle_origins(storage::Database& database, UnixSeconds now);

}  // namespace manastr::mint
