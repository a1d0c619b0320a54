#include "common/crypto/ecdsa.h"

#include <secp256k1_recovery.h>

#include "common/crypto/curve.h"

namespace manastr::crypto {

RecoverableSignature sign_recoverable(const SecretKey& key, const Hash32& message) {
  secp256k1_ecdsa_recoverable_signature signature;
  must_hold(secp256k1_ecdsa_sign_recoverable(curve(), &signature, message.data(), key.reveal().data(),
                                             nullptr, nullptr) == 1);
  RecoverableSignature out;
  int recovery_id = 0;
  secp256k1_ecdsa_recoverable_signature_serialize_compact(curve(), out.data(), &recovery_id, &signature);
  out[64] = static_cast<Byte>(recovery_id);
  return out;
}

std::optional<PublicKey> recover(const Hash32& message, const RecoverableSignature& signature) {
  if (signature[64] > 3) return std::nullopt;  // the library aborts on others
  secp256k1_ecdsa_recoverable_signature parsed;
  secp256k1_pubkey key;
  if (secp256k1_ecdsa_recoverable_signature_parse_compact(curve(), &parsed, signature.data(),
                                                          signature[64]) != 1 ||
      secp256k1_ecdsa_recover(curve(), &key, &parsed, message.data()) != 1) {
    return std::nullopt;
  }
  return PublicPoint::key(key);
}

bool verify_ecdsa(const PublicKey& key, const Hash32& message, const RecoverableSignature& signature) {
  secp256k1_ecdsa_signature parsed;
  if (secp256k1_ecdsa_signature_parse_compact(curve(), &parsed, signature.data()) != 1) return false;
  secp256k1_ecdsa_signature_normalize(curve(), &parsed, &parsed);
  const secp256k1_pubkey point = PublicPoint::of(key);
  return secp256k1_ecdsa_verify(curve(), &parsed, message.data(), &point) == 1;
}

}  // namespace manastr::crypto
