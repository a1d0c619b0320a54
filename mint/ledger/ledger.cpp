#include "mint/ledger/ledger.h"

namespace manastr::mint {

Status Ledger::store_keysets(const std::vector<KeysetRecord>& records) {
  TRY(const std::vector<KeysetRecord> before, keysets());
  TRY(const bool stored, change_keysets(before, records));
  if (!stored) return unavailable("another mint changed the keysets at the same time: try again");
  return {};
}

}  // namespace manastr::mint
