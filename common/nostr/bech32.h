// BIP-173 bech32, NIP-19 npub/nsec/note/ncryptsec, and the 5-bit groups that BOLT-11 and BOLT-12 build on.
#pragma once
#include "common/crypto/keys.h"

namespace manastr::nostr {

struct Bech32 {
  std::string prefix;
  std::vector<std::uint8_t> words;  ///< 5-bit groups without the checksum
};
std::string bech32_encode(std::string_view prefix, std::span<const std::uint8_t> words);
/// `max_length` is 90 in BIP-173; NIP-19 and BOLT-11 allow more. Mixed case is refused; upper case is taken.
Result<Bech32> bech32_decode(std::string_view text, std::size_t max_length);
std::vector<std::uint8_t> to_words(ByteView bytes);
/// The characters of bech32 alone, lower case: BOLT-12 has no checksum.
std::string characters_of(std::span<const std::uint8_t> words);
/// Lower case; nullopt if one is outside of the alphabet.
std::optional<std::vector<std::uint8_t>> words_of(std::string_view characters);
/// Refuses non-zero padding and more than 4 padding bits.
std::optional<Bytes> from_words(std::span<const std::uint8_t> words);

std::string to_npub(const crypto::XOnlyKey& key);
Result<crypto::XOnlyKey> from_npub(std::string_view text);
std::string to_nsec(const crypto::SecretKey& key);
Result<crypto::SecretKey> from_nsec(std::string_view text);

}  // namespace manastr::nostr
