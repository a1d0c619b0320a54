// Restores and imports in the PostgreSQL ledger (Ledger::origins and its neighbours).
#pragma once
#include "common/postgres/connection.h"
#include "mint/ledger/records.h"

namespace manastr::mint {

Result<std::vector<Origin>> read_origins(postgres::Connection& connection);
/// As the owner of the tables, like the next.
Status add_origin(postgres::Connection& connection, const Origin& origin);
Status settle_origins(postgres::Connection& connection, UnixSeconds now);

}  // namespace manastr::mint
