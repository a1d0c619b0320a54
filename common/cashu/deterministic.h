// NUT-13: secrets and blinding factors from a BIP-39 seed, so that a wallet can be restored from twelve
// words.
#pragma once
#include "common/cashu/types.h"
#include "common/crypto/secret.h"

namespace manastr::cashu {

struct DerivedSecret {
  std::string secret;   ///< 64 hex digits
  crypto::SecretKey r;  ///< blinding factor
};

/// Keysets of version 00: BIP-32 m/129372'/0'/(id mod 2^31-1)'/counter'/{0,1}, counter below 2^31. Version
/// 01: HMAC-SHA256(seed, "Cashu_KDF_HMAC_SHA256" ‖ id ‖ u64be counter ‖ {0,1}), r reduced modulo the curve
/// order. ErrorKind::broken for a counter out of range (no wallet gets there).
Result<DerivedSecret> derive_secret(const crypto::Secret<64>& seed, const KeysetId& keyset,
                                    std::uint64_t counter);

}  // namespace manastr::cashu
