// Where the private keys of a keyset come from: each record names a derivation, "SCHEME" or "SCHEME:more",
// and each scheme is a function from the record to its keys. Made by the daemon before the keysets are
// opened. To add one (say for keysets that came from another program with a seed of their own): give it a
// name, let whoever stores such records write that name into `derivation` (with what tells several seeds
// apart behind a colon), and call add(name, function) in mint/api/daemon.cpp. Fresh keysets are always of
// kOwnDerivation. Whatever is added, a keyset whose keys don't give its id is refused when the ring is made.
#pragma once
#include <functional>
#include <map>
#include <vector>

#include "common/base/error.h"
#include "common/crypto/bip39.h"
#include "mint/keysets/keyset_record.h"

namespace manastr::mint {

/// The key of one amount.
struct DenominationKey {
  crypto::SecretKey secret;
  crypto::PublicKey key;
};
/// [i] signs 2^i; as many as the record says.
using DenominationKeys = std::vector<DenominationKey>;

/// Path m/129372'/U'/position'/i' (cdk's), U = the first four bytes of SHA-256 of the upper-case unit
/// without the top bit, i = exponent of the amount.
DenominationKeys derive_own_keys(const crypto::ExtendedKey& master, const KeysetRecord& record);
/// U of the path above.
std::uint32_t unit_index(std::string_view unit);

class Derivations {
 public:
  using Derive = std::function<Result<DenominationKeys>(const KeysetRecord& record)>;
  /// Knows kOwnDerivation, from this seed.
  explicit Derivations(const crypto::Secret<64>& seed);

  /// `scheme` has no colon, and is not known yet.
  void add(std::string scheme, Derive derive);
  /// An error in one line if the scheme is not known.
  Result<DenominationKeys> keys(const KeysetRecord& record) const;
  /// The key of the mint itself for NUT-06: the root of the own seed's tree.
  const crypto::PublicKey& root() const { return root_; }

 private:
  std::map<std::string, Derive, std::less<>> schemes_;
  crypto::PublicKey root_;
};

}  // namespace manastr::mint
