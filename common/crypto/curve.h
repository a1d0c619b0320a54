// How the sources of common/crypto reach libsecp256k1: its one context and its points. Not for other rooms.
#pragma once
#include <secp256k1.h>

#include "common/crypto/keys.h"

namespace manastr::crypto {

/// The one context of the process, randomised when first used, then shared read-only by all threads.
const secp256k1_context* curve();

/// Between PublicKey and the library's point.
struct PublicPoint {
  static secp256k1_pubkey of(const PublicKey& key);
  static PublicKey key(const secp256k1_pubkey& point);
};

using Uncompressed = ByteArray<65>;
Uncompressed uncompressed(const secp256k1_pubkey& point);
/// 65 bytes that the library wrote.
secp256k1_pubkey point_of(const Uncompressed& bytes);
/// scalar·point, constant time in the scalar, which must lie in [1, n).
Uncompressed multiply(const ByteArray<32>& scalar, const secp256k1_pubkey& point);

/// For results that fail for no valid input: going on would sign or accept something wrong.
void must_hold(bool ok);

}  // namespace manastr::crypto
