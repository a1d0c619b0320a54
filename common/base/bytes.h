// Bytes and their text forms. Strict: every decoder refuses what its encoder would not have written, unless
// it says so.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace manastr {

using Byte = std::uint8_t;
using Bytes = std::vector<Byte>;
using ByteView = std::span<const Byte>;
template <std::size_t N>
using ByteArray = std::array<Byte, N>;
using Hash32 = ByteArray<32>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const Byte*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Lower-case hex.
std::string to_hex(ByteView bytes);
enum class HexCase { lower, any };
/// Even length, lower case unless `any` is asked for; nullopt otherwise.
std::optional<Bytes> from_hex(std::string_view hex, HexCase hex_case = HexCase::lower);
/// As from_hex, of exactly out.size() bytes.
bool from_hex_into(std::string_view hex, std::span<Byte> out, HexCase hex_case = HexCase::lower);
template <std::size_t N>
std::optional<ByteArray<N>> array_from_hex(std::string_view hex, HexCase hex_case = HexCase::lower) {
  ByteArray<N> out;
  if (!from_hex_into(hex, out, hex_case)) return std::nullopt;
  return out;
}

/// RFC 4648 section 4, padded.
std::string to_base64(ByteView bytes);
std::optional<Bytes> from_base64(std::string_view text);
/// RFC 4648 section 5, without padding; the decoder takes padded text too.
std::string to_base64url(ByteView bytes);
std::optional<Bytes> from_base64url(std::string_view text);

void append(Bytes& out, ByteView bytes);
void append_be32(Bytes& out, std::uint32_t value);
void append_be64(Bytes& out, std::uint64_t value);

/// True for well-formed UTF-8 without surrogates or overlong forms.
bool is_utf8(std::string_view text);

/// For hash maps keyed by hashes and keys: their first eight bytes are already uniform.
struct UniformBytesHash {
  template <std::size_t N>
  std::size_t operator()(const ByteArray<N>& key) const {
    static_assert(N >= 9);
    std::size_t out = 0;
    for (std::size_t i = N - sizeof out; i < N; ++i) out = out << 8 | key[i];
    return out;
  }
};

}  // namespace manastr
