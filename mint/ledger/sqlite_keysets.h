// The rows of keysets in SQLite.
#pragma once
#include "common/storage/database.h"
#include "mint/keysets/signing_keyset.h"

namespace manastr::mint {

/// Ascending by number.
Result<std::vector<KeysetRecord>> read_keysets(storage::Database& database);
/// New ones, and what may change of those that are there; in the caller's transaction.
Status write_keysets(storage::Database& database, const std::vector<KeysetRecord>& records);

}  // namespace manastr::mint
