#include "mint/keysets/keyset_store.h"

namespace manastr::mint {

Status check_change(const std::vector<KeysetRecord>& before, const std::vector<KeysetRecord>& after) {
  if (after.size() < before.size()) return broken("a keyset would vanish from the ledger");
  for (std::size_t i = 0; i < after.size(); ++i) {
    if (after[i].number != i + 1) return broken("keysets are numbered from 1 without a gap");
    if (after[i].state == KeysetState::pruned && !after[i].final_expiry)
      return broken("keyset " + std::to_string(i + 1) + " has no final expiry: its time is never over");
    if (i >= before.size()) continue;
    KeysetRecord same = after[i];
    same.state = before[i].state;
    same.overlap_until = before[i].overlap_until;
    if (same != before[i]) {
      return invalid("keyset " + std::to_string(i + 1) +
                     " of this ledger has other keys: it belongs to another mnemonic, or to mints with other "
                     "units and keyset settings");
    }
    if (before[i].state == KeysetState::pruned && after[i] != before[i])
      return invalid("keyset " + std::to_string(i + 1) + " is past its final expiry for good");
  }
  return {};
}

}  // namespace manastr::mint
