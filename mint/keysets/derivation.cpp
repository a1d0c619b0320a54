#include "mint/keysets/derivation.h"

#include <memory>

#include "common/crypto/hash.h"

namespace manastr::mint {
namespace {

constexpr std::uint32_t kPurpose = 129372;

}  // namespace

std::uint32_t unit_index(std::string_view unit) {
  std::string upper(unit);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  const Hash32 hash = crypto::sha256(as_bytes(upper));
  const std::uint32_t word = static_cast<std::uint32_t>(hash[0]) << 24 |
                             static_cast<std::uint32_t>(hash[1]) << 16 |
                             static_cast<std::uint32_t>(hash[2]) << 8 | hash[3];
  return word & ~crypto::kHardened;
}

DenominationKeys derive_own_keys(const crypto::ExtendedKey& master, const KeysetRecord& record) {
  const crypto::ExtendedKey branch = master.child(kPurpose | crypto::kHardened)
                                         .child(unit_index(record.unit) | crypto::kHardened)
                                         .child(record.position | crypto::kHardened);
  DenominationKeys out;
  out.reserve(record.denominations);
  for (std::uint32_t i = 0; i < record.denominations; ++i) {
    crypto::ExtendedKey leaf = branch.child(i | crypto::kHardened);
    crypto::PublicKey key = leaf.key.public_key();
    out.push_back({std::move(leaf.key), key});
  }
  return out;
}

Derivations::Derivations(const crypto::Secret<64>& seed)
    : root_(crypto::ExtendedKey::master(seed.reveal()).key.public_key()) {
  const auto master = std::make_shared<const crypto::ExtendedKey>(crypto::ExtendedKey::master(seed.reveal()));
  add(std::string(kOwnDerivation),
      [master](const KeysetRecord& record) { return derive_own_keys(*master, record); });
}

void Derivations::add(std::string scheme, Derive derive) {
  schemes_.emplace(std::move(scheme), std::move(derive));
}

Result<DenominationKeys> Derivations::keys(const KeysetRecord& record) const {
  const std::string_view scheme = std::string_view(record.derivation).substr(0, record.derivation.find(':'));
  const auto found = schemes_.find(scheme);
  if (found == schemes_.end()) {
    return invalid("the keys of the ledger's " + record.unit + " keyset " + record.id.hex() +
                   " come from \"" + record.derivation + "\", which this mint can't derive");
  }
  return found->second(record);
}

}  // namespace manastr::mint
