#include "common/nostr/nip49.h"

#include <openssl/evp.h>
#include <sodium.h>

#include "common/nostr/bech32.h"

namespace manastr::nostr {
namespace {

constexpr std::string_view kPrefix = "ncryptsec";
constexpr Byte kVersion = 2;
constexpr Byte kOriginNotTracked = 2;
constexpr std::size_t kSalt = 16;
constexpr std::size_t kNonce = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kSealed = 32 + crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr std::size_t kSize = 2 + kSalt + kNonce + 1 + kSealed;
constexpr std::size_t kTextLength = 9 + 1 + (kSize * 8 + 4) / 5 + 6;
constexpr std::uint64_t kBlockSize = 8;  // scrypt's r
constexpr unsigned kMaxLogN = 22;

Result<crypto::Secret<32>> stretch(std::string_view password, ByteView salt, unsigned log_n) {
  if (log_n < 1 || log_n > kMaxLogN)
    return invalid("ncryptsec: log_n is 1 to 22, not " + std::to_string(log_n));
  if (!is_utf8(password)) return invalid("password: not UTF-8");
  crypto::Secret<32> out;
  const std::uint64_t rounds = std::uint64_t{1} << log_n;
  const std::uint64_t memory = 128 * kBlockSize * (rounds + 8);
  if (EVP_PBE_scrypt(password.data(), password.size(), salt.data(), salt.size(), rounds, kBlockSize, 1,
                     memory, out.reveal_mutable().data(), 32) != 1) {
    return broken("scrypt failed: it needs " + std::to_string(memory >> 20) + " MiB of memory");
  }
  return out;
}

}  // namespace

Result<std::string> nip49_encrypt(const crypto::SecretKey& key, std::string_view password, std::uint8_t log_n,
                                  Random& random) {
  const auto salt = random.bytes<kSalt>();
  const auto nonce = random.bytes<kNonce>();
  TRY(const auto stretched, stretch(password, salt, log_n));
  ByteArray<kSealed> sealed;
  crypto_aead_xchacha20poly1305_ietf_encrypt(sealed.data(), nullptr, key.reveal().data(), 32,
                                             &kOriginNotTracked, 1, nullptr, nonce.data(),
                                             stretched.reveal().data());
  Bytes out{kVersion, log_n};
  append(out, salt);
  append(out, nonce);
  out.push_back(kOriginNotTracked);
  append(out, sealed);
  return bech32_encode(kPrefix, to_words(out));
}

Result<crypto::SecretKey> nip49_decrypt(std::string_view ncryptsec, std::string_view password) {
  TRY(const Bech32 decoded, bech32_decode(ncryptsec, kTextLength));
  if (decoded.prefix != kPrefix) return invalid("expected an encrypted key that starts with ncryptsec1");
  const auto bytes = from_words(decoded.words);
  if (!bytes || bytes->size() != kSize)
    return invalid("ncryptsec: expected " + std::to_string(kSize) + " bytes");
  const ByteView view = *bytes;
  if (view[0] != kVersion) return invalid("ncryptsec: version " + std::to_string(view[0]) + " is not known");
  TRY(const auto stretched, stretch(password, view.subspan(2, kSalt), view[1]));
  const ByteView nonce = view.subspan(2 + kSalt, kNonce);
  const ByteView origin = view.subspan(2 + kSalt + kNonce, 1);
  const ByteView sealed = view.last(kSealed);
  crypto::Secret<32> scalar;
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(scalar.reveal_mutable().data(), nullptr, nullptr,
                                                 sealed.data(), sealed.size(), origin.data(), origin.size(),
                                                 nonce.data(), stretched.reveal().data()) != 0) {
    return invalid("ncryptsec: the password is wrong, or the text was changed");
  }
  auto key = crypto::SecretKey::parse(scalar.reveal());
  if (!key) return invalid("ncryptsec: holds no secret key of the curve");
  return *std::move(key);
}

}  // namespace manastr::nostr
