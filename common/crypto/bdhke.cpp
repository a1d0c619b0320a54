#include "common/crypto/bdhke.h"

#include <algorithm>

#include "common/crypto/curve.h"
#include "common/crypto/hash.h"

namespace manastr::crypto {
namespace {

using Point = secp256k1_pubkey;

ByteArray<33> compressed(const Uncompressed& point) {
  ByteArray<33> out;
  out[0] = 2 | (point[64] & 1);
  std::copy(point.begin() + 1, point.begin() + 33, out.begin() + 1);
  return out;
}

/// NUT-12 hash_e: over the lower-case hex of the uncompressed points.
Hash32 challenge(const Uncompressed& r1, const Uncompressed& r2, const Uncompressed& a,
                 const Uncompressed& c) {
  static constexpr char kDigits[] = "0123456789abcdef";
  ByteArray<4 * 130> text;
  std::size_t at = 0;
  for (const Uncompressed* point : {&r1, &r2, &a, &c}) {
    for (const Byte byte : *point) {
      text[at++] = static_cast<Byte>(kDigits[byte >> 4]);
      text[at++] = static_cast<Byte>(kDigits[byte & 15]);
    }
  }
  return sha256(text);
}

/// a + b; nullopt at infinity.
std::optional<Point> sum(const Point& a, const Point& b) {
  const Point* terms[] = {&a, &b};
  Point out;
  if (secp256k1_ec_pubkey_combine(curve(), &out, terms, 2) != 1) return std::nullopt;
  return out;
}

Point negated(Point point) {
  must_hold(secp256k1_ec_pubkey_negate(curve(), &point) == 1);
  return point;
}

/// scalar·point for public scalars: quick, not constant time. nullopt if the scalar is 0 or not below n.
std::optional<Point> public_multiple(const ByteArray<32>& scalar, Point point) {
  if (secp256k1_ec_pubkey_tweak_mul(curve(), &point, scalar.data()) != 1) return std::nullopt;
  return point;
}

Point generator_multiple(const SecretKey& scalar) {
  Point out;
  must_hold(secp256k1_ec_pubkey_create(curve(), &out, scalar.reveal().data()) == 1);
  return out;
}

/// `base` + r·`other` for a secret r, both sides known to be unrelated points.
std::optional<Point> plus_secret_multiple(const Point& base, const SecretKey& r, const Point& other) {
  return sum(base, point_of(multiply(r.reveal(), other)));
}

bool verify(const Point& a, const Point& b, const Point& c, const Dleq& dleq) {
  Point sg;
  if (secp256k1_ec_pubkey_create(curve(), &sg, dleq.s.data()) != 1) return false;
  const auto ea = public_multiple(dleq.e, a);
  const auto sb = public_multiple(dleq.s, b);
  const auto ec = public_multiple(dleq.e, c);
  if (!ea || !sb || !ec) return false;
  const auto r1 = sum(sg, negated(*ea));
  const auto r2 = sum(*sb, negated(*ec));
  return r1 && r2 &&
         challenge(uncompressed(*r1), uncompressed(*r2), uncompressed(a), uncompressed(c)) == dleq.e;
}

}  // namespace

PublicKey hash_to_curve(ByteView secret) {
  static constexpr std::string_view kDomain = "Secp256k1_HashToCurve_Cashu_";
  const Hash32 message = sha256({as_bytes(kDomain), secret});
  ByteArray<36> input{};  // message ‖ counter, little-endian
  std::copy(message.begin(), message.end(), input.begin());
  for (std::uint32_t counter = 0; counter < 0x10000; ++counter) {
    input[32] = static_cast<Byte>(counter), input[33] = static_cast<Byte>(counter >> 8);
    const Hash32 x = sha256(input);
    ByteArray<33> candidate;
    candidate[0] = 2;
    std::copy(x.begin(), x.end(), candidate.begin() + 1);
    if (auto point = PublicKey::parse(candidate)) return *std::move(point);
  }
  std::abort();
}

SignedBlind sign_blinded(const SecretKey& mint_key, const PublicKey& mint_public,
                         const PublicKey& b_blinded) {
  static constexpr std::string_view kNonceTag = "Cashu_DLEQ_R_v1";
  const ByteArray<32>& k = mint_key.reveal();
  const Point b = PublicPoint::of(b_blinded);
  const Uncompressed b_bytes = uncompressed(b);
  const Uncompressed a_bytes = uncompressed(PublicPoint::of(mint_public));
  const Uncompressed c_bytes = multiply(k, b);
  for (unsigned counter = 0; counter < 256; ++counter) {
    const auto counter_byte = static_cast<Byte>(counter);
    const Secret<32> nonce(
        hmac_sha256(k, {as_bytes(kNonceTag), a_bytes, b_bytes, c_bytes, ByteView(&counter_byte, 1)}));
    const ByteArray<32>& r = nonce.reveal();
    Point r1;
    if (secp256k1_ec_pubkey_create(curve(), &r1, r.data()) != 1) continue;
    const Hash32 e = challenge(uncompressed(r1), multiply(r, b), a_bytes, c_bytes);
    ByteArray<32> s = k;  // s = e·k + r
    if (secp256k1_ec_seckey_tweak_mul(curve(), s.data(), e.data()) != 1) continue;
    if (secp256k1_ec_seckey_tweak_add(curve(), s.data(), r.data()) != 1) continue;
    return {PublicPoint::key(point_of(c_bytes)), {e, s}};
  }
  std::abort();
}

bool verify_unblinded(const SecretKey& mint_key, const PublicKey& y, const ByteArray<33>& c) {
  Uncompressed expected = multiply(mint_key.reveal(), PublicPoint::of(y));
  auto point = compressed(expected);
  const bool equal = equal_constant_time(point, c);
  wipe(point);
  wipe(expected);
  return equal;
}

PublicKey blind(const PublicKey& y, const SecretKey& r) {
  const auto out = sum(PublicPoint::of(y), generator_multiple(r));
  must_hold(out.has_value());  // Y = -r·G would mean that the caller knows Y's discrete logarithm
  return PublicPoint::key(*out);
}

std::optional<PublicKey> unblind(const PublicKey& c_blinded, const SecretKey& r,
                                 const PublicKey& mint_public) {
  const Point rk = point_of(multiply(r.reveal(), PublicPoint::of(mint_public)));
  const auto out = sum(PublicPoint::of(c_blinded), negated(rk));
  if (!out) return std::nullopt;
  return PublicPoint::key(*out);
}

bool verify_dleq(const PublicKey& mint_public, const PublicKey& b_blinded, const PublicKey& c_blinded,
                 const Dleq& dleq) {
  return verify(PublicPoint::of(mint_public), PublicPoint::of(b_blinded), PublicPoint::of(c_blinded), dleq);
}

bool verify_dleq_unblinded(const PublicKey& mint_public, const PublicKey& y, const PublicKey& c,
                           const SecretKey& r, const Dleq& dleq) {
  const Point a = PublicPoint::of(mint_public);
  const auto c_blinded = plus_secret_multiple(PublicPoint::of(c), r, a);
  const auto b_blinded = sum(PublicPoint::of(y), generator_multiple(r));
  return c_blinded && b_blinded && verify(a, *b_blinded, *c_blinded, dleq);
}

}  // namespace manastr::crypto
