#include "common/crypto/keys.h"

#include <secp256k1_ecdh.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>

#include <algorithm>
#include <cstring>

#include "common/crypto/curve.h"

namespace manastr::crypto {

std::optional<XOnlyKey> XOnlyKey::from_hex(std::string_view hex) {
  XOnlyKey key;
  if (!from_hex_into(hex, key.bytes)) return std::nullopt;
  return key;
}

bool XOnlyKey::on_curve() const {
  secp256k1_xonly_pubkey point;
  return secp256k1_xonly_pubkey_parse(curve(), &point, bytes.data()) == 1;
}

std::optional<PublicKey> PublicKey::parse(ByteView compressed) {
  if (compressed.size() != 33) return std::nullopt;  // the library would take 65 bytes too
  secp256k1_pubkey point;
  if (secp256k1_ec_pubkey_parse(curve(), &point, compressed.data(), compressed.size()) != 1)
    return std::nullopt;
  return PublicPoint::key(point);
}

std::optional<PublicKey> PublicKey::from_hex(std::string_view hex, HexCase hex_case) {
  ByteArray<33> bytes;
  if (!from_hex_into(hex, bytes, hex_case)) return std::nullopt;
  return parse(bytes);
}

XOnlyKey PublicKey::x_only() const {
  XOnlyKey out;
  std::copy(bytes_.begin() + 1, bytes_.end(), out.bytes.begin());
  return out;
}

std::optional<SecretKey> SecretKey::parse(ByteView bytes32) {
  if (bytes32.size() != 32 || secp256k1_ec_seckey_verify(curve(), bytes32.data()) != 1) return std::nullopt;
  SecretKey key{ByteArray<32>{}};
  std::copy(bytes32.begin(), bytes32.end(), key.scalar_.reveal_mutable().begin());
  return key;
}

std::optional<SecretKey> SecretKey::from_hex(std::string_view hex) {
  Secret<32> bytes;
  if (!from_hex_into(hex, bytes.reveal_mutable())) return std::nullopt;
  return parse(bytes.reveal());
}

SecretKey SecretKey::generate(Random& random) {
  for (;;) {
    Secret<32> bytes;
    random.fill(bytes.reveal_mutable());
    if (auto key = parse(bytes.reveal())) return *std::move(key);
  }
}

PublicKey SecretKey::public_key() const {
  secp256k1_pubkey point;
  must_hold(secp256k1_ec_pubkey_create(curve(), &point, scalar_.reveal().data()) == 1);
  return PublicPoint::key(point);
}

XOnlyKey SecretKey::x_only() const { return public_key().x_only(); }

Signature sign_schnorr(const SecretKey& key, const Hash32& message, const ByteArray<32>& aux) {
  secp256k1_keypair pair;
  Signature signature;
  must_hold(secp256k1_keypair_create(curve(), &pair, key.reveal().data()) == 1);
  must_hold(secp256k1_schnorrsig_sign32(curve(), signature.data(), message.data(), &pair, aux.data()) == 1);
  wipe(pair.data);
  return signature;
}

bool verify_schnorr(const XOnlyKey& key, const Hash32& message, const Signature& signature) {
  secp256k1_xonly_pubkey point;
  return secp256k1_xonly_pubkey_parse(curve(), &point, key.bytes.data()) == 1 &&
         secp256k1_schnorrsig_verify(curve(), signature.data(), message.data(), message.size(), &point) == 1;
}

Secret<32> ecdh_x(const SecretKey& key, const PublicKey& point) {
  Secret<32> x;
  const auto copy_x = [](unsigned char* out, const unsigned char* from, const unsigned char*, void*) {
    std::memcpy(out, from, 32);
    return 1;
  };
  const secp256k1_pubkey peer = PublicPoint::of(point);
  must_hold(secp256k1_ecdh(curve(), x.reveal_mutable().data(), &peer, key.reveal().data(), copy_x, nullptr) ==
            1);
  return x;
}

}  // namespace manastr::crypto
