// The written form of BOLT-11 that the decoder and the encoder share. Not for other rooms.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "common/crypto/hash.h"
#include "lightning/bolt11.h"

namespace manastr::lightning {

using Words = std::vector<std::uint8_t>;  // 5-bit groups
using WordView = std::span<const std::uint8_t>;

inline constexpr std::size_t kMostCharacters = 7'089;
inline constexpr std::size_t kTimestampWords = 7;
inline constexpr std::size_t kSignatureWords = 104;
inline constexpr std::size_t kHashWords = 52;
inline constexpr std::size_t kKeyWords = 53;
inline constexpr std::size_t kMostFieldWords = 1'023;
inline constexpr std::size_t kHopBytes = 51;
inline constexpr std::size_t kMostRoutes = 10;
inline constexpr std::size_t kMostHops = 20;
inline constexpr Msat kMostMsat = 2'100'000'000'000'000'000;  // all bitcoin there can be

/// Field types by their bech32 letter.
enum Field : std::uint8_t {
  kPaymentHash = 1,       // p
  kRoute = 3,             // r
  kFeatures = 5,          // 9
  kExpiry = 6,            // x
  kFallback = 9,          // f
  kDescription = 13,      // d
  kPaymentSecret = 16,    // s
  kPayee = 19,            // n
  kDescriptionHash = 23,  // h
  kFinalCltv = 24,        // c
  kMetadata = 27,         // m
};

/// What the signature covers: SHA-256 over the prefix and the data, zero bits appended to a whole byte.
inline Hash32 signed_hash(std::string_view prefix, WordView data) {
  Bytes packed(prefix.begin(), prefix.end());
  std::uint32_t buffer = 0;
  unsigned bits = 0;
  for (const std::uint8_t word : data) {
    buffer = buffer << 5 | word;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      packed.push_back(static_cast<Byte>(buffer >> bits));
      buffer &= (1U << bits) - 1;
    }
  }
  if (bits > 0) packed.push_back(static_cast<Byte>(buffer << (8 - bits)));
  return crypto::sha256(packed);
}

/// Right-aligned bits, as the `9` field has them: bit 0 is the last. No leading zero byte.
inline Bytes right_aligned_bytes(WordView words) {
  Bytes out((words.size() * 5 + 7) / 8);
  for (std::size_t bit = 0; bit < words.size() * 5; ++bit) {
    const std::uint8_t word = words[words.size() - 1 - bit / 5];
    if ((word >> bit % 5 & 1) != 0) out[out.size() - 1 - bit / 8] |= static_cast<Byte>(1U << bit % 8);
  }
  while (!out.empty() && out.front() == 0) out.erase(out.begin());
  return out;
}
inline Words right_aligned_words(ByteView bytes) {
  Words out((bytes.size() * 8 + 4) / 5);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    const Byte byte = bytes[bytes.size() - 1 - bit / 8];
    if ((byte >> bit % 8 & 1) != 0) out[out.size() - 1 - bit / 5] |= static_cast<std::uint8_t>(1U << bit % 5);
  }
  while (!out.empty() && out.front() == 0) out.erase(out.begin());
  return out;
}

}  // namespace manastr::lightning
