// The keysets of blind authentication tokens (NUT-22): unit `auth`, one key, of amount 1. They derive from
// the mint's own mnemonic like those of money, but are no part of its ring: no endpoint that moves money can
// find them. Made once at start, read by all threads after that.
#pragma once
#include <vector>

#include "mint/keysets/signing_keyset.h"

namespace manastr::mint {

class AuthKeysets {
 public:
  /// Of `rotations` + 1 keysets the newest is active, and those before it are listed, the latest first: a
  /// rotation ends the tokens of earlier keysets. KeysetRecord::number is the position in the derivation
  /// path.
  static AuthKeysets derive(const crypto::Secret<64>& seed, std::uint32_t rotations, int id_version);

  const SigningKeyset& active() const { return keysets_.front(); }
  /// nullptr if there is none.
  const SigningKeyset* find(const cashu::KeysetId& id) const;
  const std::vector<SigningKeyset>& all() const { return keysets_; }

 private:
  std::vector<SigningKeyset> keysets_;
};

}  // namespace manastr::mint
