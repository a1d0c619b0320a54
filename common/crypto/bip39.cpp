#include "common/crypto/bip39.h"

#include <openssl/evp.h>

#include <algorithm>

#include "common/crypto/bip39_words.h"
#include "common/crypto/curve.h"
#include "common/crypto/hash.h"

namespace manastr::crypto {
namespace {

constexpr std::size_t kBitsPerWord = 11;
constexpr int kRounds = 2048;

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// The words, however they are spaced. They point into `mnemonic`.
std::vector<std::string_view> split(std::string_view mnemonic) {
  static constexpr std::string_view kSpace = " \t\r\n";
  std::vector<std::string_view> words;
  for (;;) {
    const auto start = mnemonic.find_first_not_of(kSpace);
    if (start == std::string_view::npos) return words;
    mnemonic.remove_prefix(start);
    const auto length = std::min(mnemonic.find_first_of(kSpace), mnemonic.size());
    words.push_back(mnemonic.substr(0, length));
    mnemonic.remove_prefix(length);
  }
}

bool bit(ByteView bytes, std::size_t index) { return bytes[index / 8] >> (7 - index % 8) & 1; }

Status check_words(const std::vector<std::string_view>& words) {
  if (words.size() % 3 != 0 || words.size() < 12 || words.size() > 24) {
    return invalid("mnemonic: " + std::to_string(words.size()) + " words, expected 12, 15, 18, 21 or 24");
  }
  ByteArray<33> bits{};  // entropy, then one checksum bit for each 32 of it
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto found = std::lower_bound(kEnglishWords.begin(), kEnglishWords.end(), words[i]);
    if (found == kEnglishWords.end() || *found != words[i]) {
      wipe(bits);
      return invalid("mnemonic: word " + std::to_string(i + 1) + " is not in the English list of BIP-39");
    }
    const auto index = static_cast<std::size_t>(found - kEnglishWords.begin());
    for (std::size_t k = 0; k < kBitsPerWord; ++k) {
      const std::size_t at = i * kBitsPerWord + k;
      if (index >> (kBitsPerWord - 1 - k) & 1) bits[at / 8] |= static_cast<Byte>(0x80 >> at % 8);
    }
  }
  const std::size_t entropy_bytes = words.size() * kBitsPerWord / 33 * 4;
  Hash32 checksum = sha256(ByteView(bits).first(entropy_bytes));
  bool matches = true;
  for (std::size_t k = 0; k < words.size() / 3; ++k) {
    matches = matches && bit(bits, entropy_bytes * 8 + k) == bit(checksum, k);
  }
  wipe(bits);
  wipe(checksum);
  if (!matches) return invalid("mnemonic: the checksum is wrong, so a word is mistaken or two are swapped");
  return {};
}

}  // namespace

SecretText generate_mnemonic(Random& random) {
  ByteArray<17> bits{};  // 128 bits of entropy and 4 of checksum
  random.fill(std::span(bits).first(16));
  Hash32 checksum = sha256(ByteView(bits).first(16));
  bits[16] = checksum[0];
  std::string text;
  text.reserve(12 * 9);  // the longest word has 8 letters: no reallocation leaves a copy behind
  for (std::size_t i = 0; i < 12; ++i) {
    std::size_t index = 0;
    for (std::size_t k = 0; k < kBitsPerWord; ++k) index = index << 1 | bit(bits, i * kBitsPerWord + k);
    if (i > 0) text.push_back(' ');
    text.append(kEnglishWords[index]);
  }
  wipe(bits);
  wipe(checksum);
  return SecretText(std::move(text));
}

Status check_mnemonic(std::string_view mnemonic) { return check_words(split(mnemonic)); }

Result<Secret<64>> mnemonic_seed(std::string_view mnemonic, std::string_view passphrase) {
  const auto words = split(mnemonic);
  TRY_STATUS(check_words(words));
  if (!is_ascii(passphrase)) {
    return invalid(
        "mnemonic passphrase: only ASCII is taken, for BIP-39 would have other text normalised first");
  }
  std::string sentence;
  sentence.reserve(mnemonic.size() + 1);
  for (const auto word : words) sentence.append(sentence.empty() ? "" : " ").append(word);
  const SecretText text(std::move(sentence));
  const SecretText salt("mnemonic" + std::string(passphrase));
  Secret<64> seed;
  must_hold(PKCS5_PBKDF2_HMAC(text.reveal().data(), static_cast<int>(text.reveal().size()),
                              as_bytes(salt.reveal()).data(), static_cast<int>(salt.reveal().size()), kRounds,
                              EVP_sha512(), 64, seed.reveal_mutable().data()) == 1);
  return seed;
}

}  // namespace manastr::crypto
