#include "common/cashu/deterministic.h"

#include "common/crypto/bip39.h"
#include "common/crypto/hash.h"

namespace manastr::cashu {
namespace {

using crypto::kHardened;

constexpr std::string_view kDomain = "Cashu_KDF_HMAC_SHA256";
constexpr ByteArray<32> kCurveOrder = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                       0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48,
                                       0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41};

/// A 256-bit number is below twice the order, so one subtraction reduces it.
ByteArray<32> reduce(const ByteArray<32>& number) {
  if (number < kCurveOrder) return number;
  ByteArray<32> out;
  int borrow = 0;
  for (int i = 31; i >= 0; --i) {
    const int difference = number[i] - kCurveOrder[i] - borrow;
    borrow = difference < 0 ? 1 : 0;
    out[i] = static_cast<Byte>(difference + 256 * borrow);
  }
  return out;
}

Result<DerivedSecret> derive_v1(const crypto::Secret<64>& seed, const KeysetId& keyset,
                                std::uint64_t counter) {
  if (counter >= kHardened) return broken("the wallet has used up the counters of keyset " + keyset.hex());
  std::uint64_t id = 0;
  for (const Byte byte : keyset.bytes()) id = id << 8 | byte;
  const auto keyset_index = static_cast<std::uint32_t>(id % (kHardened - 1));
  const auto node = crypto::ExtendedKey::master(seed.reveal())
                        .child(129372 | kHardened)
                        .child(kHardened)
                        .child(keyset_index | kHardened)
                        .child(static_cast<std::uint32_t>(counter) | kHardened);
  return DerivedSecret{to_hex(node.child(0).key.reveal()), node.child(1).key};
}

Result<DerivedSecret> derive_v2(const crypto::Secret<64>& seed, const KeysetId& keyset,
                                std::uint64_t counter) {
  Bytes message;
  append(message, as_bytes(kDomain));
  append(message, keyset.bytes());
  append_be64(message, counter);
  constexpr Byte kSecret[] = {0};
  constexpr Byte kBlinding[] = {1};
  const Hash32 secret = crypto::hmac_sha256(seed.reveal(), {message, kSecret});
  const auto r = crypto::SecretKey::parse(reduce(crypto::hmac_sha256(seed.reveal(), {message, kBlinding})));
  if (!r) return broken("the blinding factor is zero; use the next counter");
  return DerivedSecret{to_hex(secret), *r};
}

}  // namespace

Result<DerivedSecret> derive_secret(const crypto::Secret<64>& seed, const KeysetId& keyset,
                                    std::uint64_t counter) {
  return keyset.bytes().size() == 8 ? derive_v1(seed, keyset, counter) : derive_v2(seed, keyset, counter);
}

}  // namespace manastr::cashu
