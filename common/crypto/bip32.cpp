#include <algorithm>

#include "common/crypto/bip39.h"
#include "common/crypto/curve.h"
#include "common/crypto/hash.h"

namespace manastr::crypto {
namespace {

ByteView left(const Secret<64>& node) { return ByteView(node.reveal()).first(32); }

Secret<32> right(const Secret<64>& node) {
  Secret<32> out;
  std::copy(node.reveal().begin() + 32, node.reveal().end(), out.reveal_mutable().begin());
  return out;
}

}  // namespace

// A derived scalar is unusable with probability 2^-127 (BIP-32 would have us take the next index); must_hold
// it is.

ExtendedKey ExtendedKey::master(ByteView seed) {
  const Secret<64> node(hmac_sha512(as_bytes("Bitcoin seed"), seed));
  auto key = SecretKey::parse(left(node));
  must_hold(key.has_value());
  return {*std::move(key), right(node)};
}

ExtendedKey ExtendedKey::child(std::uint32_t index) const {
  Secret<37> data;
  auto& bytes = data.reveal_mutable();
  if (index >= kHardened) {
    std::copy(key.reveal().begin(), key.reveal().end(), bytes.begin() + 1);
  } else {
    const auto point = key.public_key();
    std::copy(point.bytes().begin(), point.bytes().end(), bytes.begin());
  }
  for (std::size_t i = 0; i < 4; ++i) bytes[33 + i] = static_cast<Byte>(index >> (24 - 8 * i));
  const Secret<64> node(hmac_sha512(chain_code.reveal(), bytes));
  Secret<32> scalar(key.reveal());
  must_hold(secp256k1_ec_seckey_tweak_add(curve(), scalar.reveal_mutable().data(), left(node).data()) == 1);
  auto derived = SecretKey::parse(scalar.reveal());
  must_hold(derived.has_value());
  return {*std::move(derived), right(node)};
}

}  // namespace manastr::crypto
