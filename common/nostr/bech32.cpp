#include "common/nostr/bech32.h"

#include <algorithm>

namespace manastr::nostr {
namespace {

constexpr std::string_view kAlphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr std::size_t kChecksumWords = 6;
constexpr std::size_t kKeyTextLength = 90;

constexpr std::array<std::int8_t, 128> kWordOf = [] {
  std::array<std::int8_t, 128> out{};
  out.fill(-1);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i)
    out[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::int8_t>(i);
  return out;
}();

/// The BCH code of BIP-173, fed word by word.
class Checksum {
 public:
  explicit Checksum(std::string_view prefix) {
    for (char c : prefix) feed(static_cast<std::uint8_t>(c >> 5));
    feed(0);
    for (char c : prefix) feed(static_cast<std::uint8_t>(c & 31));
  }
  void feed(std::uint8_t word) {
    static constexpr std::uint32_t kGenerator[] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                                   0x2a1462b3};
    const std::uint32_t top = state_ >> 25;
    state_ = (state_ & 0x1ffffff) << 5 ^ word;
    for (int i = 0; i < 5; ++i) {
      if (top >> i & 1) state_ ^= kGenerator[i];
    }
  }
  std::uint32_t state() const { return state_; }

 private:
  std::uint32_t state_ = 1;
};

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }

/// The 32 bytes of a NIP-19 key; wiped by the caller if they are secret.
Result<Bytes> key_bytes(std::string_view text, std::string_view prefix) {
  TRY(Bech32 decoded, bech32_decode(text, kKeyTextLength));
  auto bytes = from_words(decoded.words);
  crypto::wipe(decoded.words);
  if (decoded.prefix != prefix) {
    if (bytes) crypto::wipe(*bytes);
    return invalid("expected a key that starts with " + std::string(prefix) + "1, not " + decoded.prefix +
                   "1");
  }
  if (!bytes || bytes->size() != 32) return invalid(std::string(prefix) + ": expected 32 bytes");
  return *std::move(bytes);
}

}  // namespace

std::string bech32_encode(std::string_view prefix, std::span<const std::uint8_t> words) {
  Checksum checksum(prefix);
  std::string out;
  out.reserve(prefix.size() + 1 + words.size() + kChecksumWords);
  out.append(prefix).push_back('1');
  for (const std::uint8_t word : words) {
    checksum.feed(word);
    out.push_back(kAlphabet[word & 31]);
  }
  for (std::size_t i = 0; i < kChecksumWords; ++i) checksum.feed(0);
  const std::uint32_t state = checksum.state() ^ 1;
  for (std::size_t i = 0; i < kChecksumWords; ++i) out.push_back(kAlphabet[state >> 5 * (5 - i) & 31]);
  return out;
}

Result<Bech32> bech32_decode(std::string_view text, std::size_t max_length) {
  if (text.size() > max_length)
    return invalid("bech32: longer than " + std::to_string(max_length) + " characters");
  const bool upper = std::any_of(text.begin(), text.end(), is_upper);
  if (upper && std::any_of(text.begin(), text.end(), is_lower))
    return invalid("bech32: upper and lower case mixed");
  const auto separator = text.rfind('1');
  if (separator == std::string_view::npos || separator == 0) return invalid("bech32: no prefix before a '1'");
  const std::string_view data = text.substr(separator + 1);
  if (data.size() < kChecksumWords) return invalid("bech32: too short for a checksum");

  Bech32 out;
  out.prefix.reserve(separator);
  for (const char c : text.substr(0, separator)) {
    if (c < 33 || c > 126) return invalid("bech32: a character that is not printable in the prefix");
    out.prefix.push_back(is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c);
  }
  Checksum checksum(out.prefix);
  out.words.reserve(data.size());
  for (const char c : data) {
    const char lower = is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
    const int word = lower < 0 ? -1 : kWordOf[static_cast<unsigned char>(lower)];
    if (word < 0) return invalid("bech32: a character outside the alphabet");
    out.words.push_back(static_cast<std::uint8_t>(word));
    checksum.feed(static_cast<std::uint8_t>(word));
  }
  if (checksum.state() != 1) return invalid("bech32: the checksum is wrong, so a character is mistaken");
  out.words.resize(out.words.size() - kChecksumWords);
  return out;
}

std::vector<std::uint8_t> to_words(ByteView bytes) {
  std::vector<std::uint8_t> out;
  out.reserve((bytes.size() * 8 + 4) / 5);
  std::uint32_t group = 0;
  unsigned bits = 0;
  for (const Byte byte : bytes) {
    group = (group << 8 | byte) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) out.push_back(group >> (bits - 5) & 31);
  }
  if (bits > 0) out.push_back(static_cast<std::uint8_t>(group << (5 - bits) & 31));
  return out;
}

std::string characters_of(std::span<const std::uint8_t> words) {
  std::string out;
  out.reserve(words.size());
  for (const std::uint8_t word : words) out.push_back(kAlphabet[word & 31]);
  return out;
}

std::optional<std::vector<std::uint8_t>> words_of(std::string_view characters) {
  std::vector<std::uint8_t> out;
  out.reserve(characters.size());
  for (const char c : characters) {
    const int word = c < 0 ? -1 : kWordOf[static_cast<unsigned char>(c)];
    if (word < 0) return std::nullopt;
    out.push_back(static_cast<std::uint8_t>(word));
  }
  return out;
}

std::optional<Bytes> from_words(std::span<const std::uint8_t> words) {
  Bytes out;
  out.reserve(words.size() * 5 / 8);
  std::uint32_t group = 0;
  unsigned bits = 0;
  for (const std::uint8_t word : words) {
    if (word > 31) return std::nullopt;
    group = (group << 5 | word) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      out.push_back(static_cast<Byte>(group >> bits));
    }
  }
  if (bits > 4 || (group & ((1U << bits) - 1)) != 0) return std::nullopt;
  return out;
}

std::string to_npub(const crypto::XOnlyKey& key) { return bech32_encode("npub", to_words(key.bytes)); }

Result<crypto::XOnlyKey> from_npub(std::string_view text) {
  TRY(const Bytes bytes, key_bytes(text, "npub"));
  crypto::XOnlyKey key;
  std::copy(bytes.begin(), bytes.end(), key.bytes.begin());
  if (!key.on_curve()) return invalid("npub: not a point of the curve");
  return key;
}

std::string to_nsec(const crypto::SecretKey& key) {
  auto words = to_words(key.reveal());
  auto out = bech32_encode("nsec", words);
  crypto::wipe(words);
  return out;
}

Result<crypto::SecretKey> from_nsec(std::string_view text) {
  TRY(Bytes bytes, key_bytes(text, "nsec"));
  auto key = crypto::SecretKey::parse(bytes);
  crypto::wipe(bytes);
  if (!key) return invalid("nsec: not a secret key of the curve");
  return *std::move(key);
}

}  // namespace manastr::nostr
