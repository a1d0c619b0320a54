#include "mint/keysets/journal_key.h"

namespace manastr::mint {

crypto::SecretKey journal_key(const crypto::Secret<64>& seed) {
  constexpr std::uint32_t kPurpose = 0x6d6a726e;
  return crypto::ExtendedKey::master(seed.reveal())
      .child(kPurpose | crypto::kHardened)
      .child(0 | crypto::kHardened)
      .key;
}

}  // namespace manastr::mint
