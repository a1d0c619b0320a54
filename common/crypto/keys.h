// secp256k1 keys and signatures as types. Every public key in the product has passed the curve check of
// parse().
#pragma once
#include <compare>
#include <optional>

#include "common/base/bytes.h"
#include "common/base/error.h"
#include "common/base/random.h"
#include "common/crypto/secret.h"

namespace manastr::crypto {

/// x coordinate of an even-y point (BIP-340). Nostr's public key. Only parse() checks that it is on the
/// curve; verify_schnorr refuses one that is not.
struct XOnlyKey {
  ByteArray<32> bytes{};
  auto operator<=>(const XOnlyKey&) const = default;
  std::string hex() const { return to_hex(bytes); }
  static std::optional<XOnlyKey> from_hex(
      std::string_view hex);  ///< 64 lower-case digits, not checked for the curve
  bool on_curve() const;
};

/// Compressed point, 33 bytes, checked to be on the curve. Cashu's public key, blinded message, signature
/// point.
class PublicKey {
 public:
  /// 33 bytes starting 02 or 03 that are a point; nullopt otherwise.
  static std::optional<PublicKey> parse(ByteView compressed);
  static std::optional<PublicKey> from_hex(std::string_view hex, HexCase hex_case = HexCase::any);
  const ByteArray<33>& bytes() const { return bytes_; }
  std::string hex() const { return to_hex(bytes_); }
  XOnlyKey x_only() const;
  auto operator<=>(const PublicKey& other) const { return bytes_ <=> other.bytes_; }
  bool operator==(const PublicKey& other) const { return bytes_ == other.bytes_; }
  /// For what the curve library itself wrote (its results, our own tables). Never for bytes from outside.
  static PublicKey trusted(const ByteArray<33>& bytes) { return PublicKey(bytes, {}); }

 private:
  friend struct PublicPoint;  // curve.h
  PublicKey(const ByteArray<33>& bytes, const ByteArray<64>& point) : bytes_(bytes), point_(point) {}
  ByteArray<33> bytes_;
  ByteArray<64>
      point_;  ///< both coordinates in the library's own form (saves a square root at each use), or zeros
};

/// A scalar in [1, n). Wiped on destruction. from_hex takes 64 lower-case digits.
class SecretKey {
 public:
  static std::optional<SecretKey> parse(ByteView bytes32);
  static std::optional<SecretKey> from_hex(std::string_view hex);
  static SecretKey generate(Random& random);
  PublicKey public_key() const;
  XOnlyKey x_only() const;
  const ByteArray<32>& reveal() const { return scalar_.reveal(); }

 private:
  explicit SecretKey(const ByteArray<32>& bytes) : scalar_(bytes) {}
  Secret<32> scalar_;
};

using Signature = ByteArray<64>;

/// BIP-340. `aux` is 32 random bytes, or zeros for a deterministic signature.
Signature sign_schnorr(const SecretKey& key, const Hash32& message, const ByteArray<32>& aux);
bool verify_schnorr(const XOnlyKey& key, const Hash32& message, const Signature& signature);

/// x coordinate of key·point, for NIP-44; constant time.
Secret<32> ecdh_x(const SecretKey& key, const PublicKey& point);

}  // namespace manastr::crypto
