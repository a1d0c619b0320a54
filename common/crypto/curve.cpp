#include "common/crypto/curve.h"

#include <secp256k1_ecdh.h>

#include <cstdlib>
#include <cstring>

namespace manastr::crypto {
namespace {

secp256k1_context* randomised_context() {
  secp256k1_context* context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
  ByteArray<32> seed = system_random().bytes<32>();
  must_hold(secp256k1_context_randomize(context, seed.data()) == 1);
  wipe(seed);
  return context;
}

/// secp256k1_ecdh's "hash": the point itself.
int write_uncompressed(unsigned char* out, const unsigned char* x, const unsigned char* y, void*) {
  out[0] = 4;
  std::memcpy(out + 1, x, 32);
  std::memcpy(out + 33, y, 32);
  return 1;
}

}  // namespace

void must_hold(bool ok) {
  if (!ok) std::abort();
}

const secp256k1_context* curve() {
  static const secp256k1_context* const context = randomised_context();
  return context;
}

secp256k1_pubkey PublicPoint::of(const PublicKey& key) {
  secp256k1_pubkey point;
  static_assert(sizeof point.data == sizeof key.point_);
  if (key.point_ == ByteArray<64>{}) {
    must_hold(secp256k1_ec_pubkey_parse(curve(), &point, key.bytes_.data(), key.bytes_.size()) == 1);
  } else {
    std::memcpy(point.data, key.point_.data(), sizeof point.data);
  }
  return point;
}

PublicKey PublicPoint::key(const secp256k1_pubkey& point) {
  ByteArray<33> bytes;
  std::size_t size = bytes.size();
  secp256k1_ec_pubkey_serialize(curve(), bytes.data(), &size, &point, SECP256K1_EC_COMPRESSED);
  ByteArray<64> coordinates;
  std::memcpy(coordinates.data(), point.data, sizeof point.data);
  return PublicKey(bytes, coordinates);
}

Uncompressed uncompressed(const secp256k1_pubkey& point) {
  Uncompressed out;
  std::size_t size = out.size();
  secp256k1_ec_pubkey_serialize(curve(), out.data(), &size, &point, SECP256K1_EC_UNCOMPRESSED);
  return out;
}

secp256k1_pubkey point_of(const Uncompressed& bytes) {
  secp256k1_pubkey point;
  must_hold(secp256k1_ec_pubkey_parse(curve(), &point, bytes.data(), bytes.size()) == 1);
  return point;
}

Uncompressed multiply(const ByteArray<32>& scalar, const secp256k1_pubkey& point) {
  Uncompressed out;
  must_hold(secp256k1_ecdh(curve(), out.data(), &point, scalar.data(), write_uncompressed, nullptr) == 1);
  return out;
}

}  // namespace manastr::crypto
