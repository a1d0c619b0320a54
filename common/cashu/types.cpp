#include "common/cashu/types.h"

#include <algorithm>
#include <limits>

#include "common/crypto/hash.h"

namespace manastr::cashu {
namespace {

constexpr std::size_t kKeysetIdV1Bytes = 8;
constexpr std::size_t kKeysetIdV2Bytes = 33;

void append_text(Bytes& out, std::string_view text) { append(out, as_bytes(text)); }

}  // namespace

std::optional<Amount> add(Amount a, Amount b) {
  Amount sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

bool is_unit(std::string_view text) {
  if (text.empty() || text.size() > 32) return false;
  return std::ranges::all_of(
      text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'; });
}

std::optional<KeysetId> KeysetId::from_hex(std::string_view hex) {
  const bool v1 = hex.size() == 2 * kKeysetIdV1Bytes && hex.starts_with("00");
  const bool v2 = hex.size() == 2 * kKeysetIdV2Bytes && hex.starts_with("01");
  if (!v1 && !v2) return std::nullopt;
  KeysetId id;
  id.size_ = static_cast<std::uint8_t>(hex.size() / 2);
  if (!from_hex_into(hex, {id.bytes_.data(), id.size_})) return std::nullopt;
  return id;
}

std::optional<KeysetId> KeysetId::from_bytes(ByteView bytes) { return from_hex(to_hex(bytes)); }

std::string KeysetId::hex() const { return to_hex(bytes()); }

KeysetId derive_keyset_id_v1(const Keys& keys) {
  crypto::Sha256 hash;
  for (const auto& [amount, key] : keys) hash.update(key.bytes());
  const Hash32 digest = hash.finish();
  return *KeysetId::from_hex("00" + to_hex({digest.data(), 7}));
}

KeysetId derive_keyset_id_v2(const Keys& keys, std::string_view unit, std::uint64_t input_fee_ppk,
                             std::optional<UnixSeconds> final_expiry) {
  Bytes preimage;
  for (const auto& [amount, key] : keys) {
    if (!preimage.empty()) append_text(preimage, ",");
    append_text(preimage, std::to_string(amount) + ":" + key.hex());
  }
  append_text(preimage, "|unit:");
  append_text(preimage, unit);
  if (input_fee_ppk != 0) append_text(preimage, "|input_fee_ppk:" + std::to_string(input_fee_ppk));
  if (final_expiry && count(*final_expiry) != 0) {
    append_text(preimage, "|final_expiry:" + std::to_string(count(*final_expiry)));
  }
  return *KeysetId::from_hex("01" + to_hex(crypto::sha256(preimage)));
}

bool id_matches(const Keyset& keyset) {
  const ByteView id = keyset.id.bytes();
  if (id.size() == kKeysetIdV1Bytes) return derive_keyset_id_v1(keyset.keys) == keyset.id;
  return derive_keyset_id_v2(keyset.keys, keyset.unit, keyset.input_fee_ppk, keyset.final_expiry) ==
         keyset.id;
}

std::optional<Amount> fee_of_ppk_sum(std::uint64_t ppk_sum) {
  const auto rounded = add(ppk_sum, 999);
  if (!rounded) return std::nullopt;
  return *rounded / 1000;
}

std::vector<Amount> split_amount(Amount amount) {
  std::vector<Amount> parts;
  for (int bit = 0; bit < std::numeric_limits<Amount>::digits; ++bit) {
    if (amount >> bit & 1) parts.push_back(Amount{1} << bit);
  }
  return parts;
}

}  // namespace manastr::cashu
