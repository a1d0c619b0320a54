#include "mint/keysets/auth_keysets.h"

#include <algorithm>

namespace manastr::mint {
namespace {

constexpr std::uint32_t kListed = 16;

}  // namespace

AuthKeysets AuthKeysets::derive(const crypto::Secret<64>& seed, std::uint32_t rotations, int id_version) {
  const crypto::ExtendedKey master = crypto::ExtendedKey::master(seed.reveal());
  AuthKeysets out;
  for (std::uint32_t back = 0; back <= std::min(rotations, kListed); ++back) {
    KeysetRecord record;
    record.position = rotations + 1 - back;
    record.number = record.position;
    record.unit = kAuthUnit;
    record.denominations = 1;
    record.state = back == 0 ? KeysetState::signing : KeysetState::verifying;
    DenominationKeys keys = derive_own_keys(master, record);
    out.keysets_.emplace_back(std::move(record), std::move(keys), id_version);
  }
  return out;
}

const SigningKeyset* AuthKeysets::find(const cashu::KeysetId& id) const {
  const auto found = std::ranges::find(keysets_, id, &SigningKeyset::id);
  return found == keysets_.end() ? nullptr : &*found;
}

}  // namespace manastr::mint
