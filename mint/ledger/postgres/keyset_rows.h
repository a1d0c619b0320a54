// The rows of keysets in PostgreSQL.
#pragma once
#include "common/postgres/connection.h"
#include "mint/keysets/signing_keyset.h"

namespace manastr::mint {

/// Ascending by number.
Result<std::vector<KeysetRecord>> read_keysets(postgres::Connection& connection);
/// New ones, and what may change of those that are there; in the caller's transaction. Refused if a number is
/// taken by another keyset.
Status write_keysets(postgres::Connection& connection, const std::vector<KeysetRecord>& records);

}  // namespace manastr::mint
