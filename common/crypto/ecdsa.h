// ECDSA with a recoverable key, for BOLT-11 invoices alone; everything of ours is signed by BIP-340 (keys.h).
#pragma once
#include "common/crypto/keys.h"

namespace manastr::crypto {

/// 64 bytes r ‖ s (low s) and the recovery id 0..3 behind them, as BOLT-11 writes it.
using RecoverableSignature = ByteArray<65>;

/// RFC 6979, so the same message gives the same signature.
RecoverableSignature sign_recoverable(const SecretKey& key, const Hash32& message);
/// The key that made the signature; nullopt for a signature that no key made.
std::optional<PublicKey> recover(const Hash32& message, const RecoverableSignature& signature);
/// Against a known key; the recovery id is not looked at. Takes high s too, as BOLT-11 readers do.
bool verify_ecdsa(const PublicKey& key, const Hash32& message, const RecoverableSignature& signature);

}  // namespace manastr::crypto
