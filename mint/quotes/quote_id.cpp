#include "mint/quotes/quote_id.h"

namespace manastr::mint {

std::string make_quote_id(UnixMillis now, Random& random) {
  constexpr Byte kVersion7 = 0x70;
  constexpr Byte kVariant = 0x80;
  ByteArray<16> bytes = random.bytes<16>();
  const auto millis = static_cast<std::uint64_t>(count(now));
  for (int i = 0; i < 6; ++i) bytes[i] = static_cast<Byte>(millis >> (8 * (5 - i)));
  bytes[6] = static_cast<Byte>((bytes[6] & 0x0f) | kVersion7);
  bytes[8] = static_cast<Byte>((bytes[8] & 0x3f) | kVariant);
  std::string out = to_hex(bytes);
  for (const std::size_t at : {8U, 13U, 18U, 23U}) out.insert(at, 1, '-');
  return out;
}

}  // namespace manastr::mint
