#include "common/nostr/nip44.h"

#include <sodium.h>

#include <algorithm>
#include <bit>

#include "common/crypto/hash.h"

namespace manastr::nostr {
namespace {

constexpr Byte kVersion = 2;
constexpr std::size_t kMaxPlaintext = 65535;
constexpr std::size_t kNonce = 32;
constexpr std::size_t kMac = 32;
constexpr std::size_t kMinPayload = 1 + kNonce + 2 + 32 + kMac;
constexpr std::size_t kMaxPayload = 1 + kNonce + 2 + 65536 + kMac;

struct MessageKeys {
  crypto::Secret<76> bytes;  ///< ChaCha20 key, its nonce, HMAC key
  const Byte* chacha_key() const { return bytes.reveal().data(); }
  const Byte* chacha_nonce() const { return bytes.reveal().data() + 32; }
  ByteView hmac_key() const { return ByteView(bytes.reveal()).subspan(44, 32); }
};

MessageKeys message_keys(const ConversationKey& key, ByteView nonce) {
  Bytes expanded = crypto::hkdf_expand_sha256(key.reveal(), nonce, 76);
  MessageKeys out;
  std::copy(expanded.begin(), expanded.end(), out.bytes.reveal_mutable().begin());
  crypto::wipe(expanded);
  return out;
}

/// In place.
void chacha20(std::span<Byte> data, const MessageKeys& keys) {
  crypto_stream_chacha20_ietf_xor(data.data(), data.data(), data.size(), keys.chacha_nonce(),
                                  keys.chacha_key());
}

/// Sizes are hidden in steps of an eighth of the next power of two, at least 32 bytes.
std::size_t padded_size(std::size_t size) {
  if (size <= 32) return 32;
  const std::size_t next_power = std::bit_ceil(size);
  const std::size_t step = next_power <= 256 ? 32 : next_power / 8;
  return (size + step - 1) / step * step;
}

std::unexpected<Error> bad(const char* reason) { return invalid(std::string("NIP-44 payload: ") + reason); }

}  // namespace

std::optional<ConversationKey> conversation_key(const crypto::SecretKey& key, const crypto::XOnlyKey& peer) {
  ByteArray<33> compressed;
  compressed[0] = 2;
  std::copy(peer.bytes.begin(), peer.bytes.end(), compressed.begin() + 1);
  const auto point = crypto::PublicKey::parse(compressed);
  if (!point) return std::nullopt;
  const auto shared = crypto::ecdh_x(key, *point);
  return ConversationKey(crypto::hkdf_extract_sha256(as_bytes("nip44-v2"), shared.reveal()));
}

Result<std::string> nip44_encrypt(const ConversationKey& key, std::string_view plaintext,
                                  const ByteArray<32>& nonce) {
  if (plaintext.empty() || plaintext.size() > kMaxPlaintext) {
    return invalid("NIP-44: a text of 1 to 65535 bytes can be encrypted, not of " +
                   std::to_string(plaintext.size()));
  }
  const MessageKeys keys = message_keys(key, nonce);
  const std::size_t padded = padded_size(plaintext.size());
  Bytes payload;
  payload.reserve(1 + kNonce + 2 + padded + kMac);
  payload.push_back(kVersion);
  append(payload, nonce);
  payload.push_back(static_cast<Byte>(plaintext.size() >> 8));
  payload.push_back(static_cast<Byte>(plaintext.size()));
  append(payload, as_bytes(plaintext));
  payload.resize(1 + kNonce + 2 + padded);
  const auto ciphertext = std::span(payload).subspan(1 + kNonce);
  chacha20(ciphertext, keys);
  append(payload, crypto::hmac_sha256(keys.hmac_key(), {nonce, ciphertext}));
  return to_base64(payload);
}

Result<std::string> nip44_decrypt(const ConversationKey& key, std::string_view payload) {
  if (payload.starts_with('#')) return bad("encrypted with a version that is not supported");
  if (payload.size() < (kMinPayload + 2) / 3 * 4 || payload.size() > (kMaxPayload + 2) / 3 * 4) {
    return bad("wrong size");
  }
  auto decoded = from_base64(payload);
  if (!decoded) return bad("not base64");
  if (decoded->size() < kMinPayload || decoded->size() > kMaxPayload) return bad("wrong size");
  if (decoded->front() != kVersion) return bad("encrypted with a version that is not supported");
  const auto nonce = std::span(*decoded).subspan(1, kNonce);
  const auto ciphertext = std::span(*decoded).subspan(1 + kNonce, decoded->size() - 1 - kNonce - kMac);
  const auto mac = ByteView(*decoded).last(kMac);
  const MessageKeys keys = message_keys(key, nonce);
  if (!crypto::equal_constant_time(crypto::hmac_sha256(keys.hmac_key(), {nonce, ciphertext}), mac)) {
    return bad("not made with this conversation's key");
  }
  chacha20(ciphertext, keys);
  const std::size_t size = static_cast<std::size_t>(ciphertext[0]) << 8 | ciphertext[1];
  if (size == 0 || ciphertext.size() != 2 + padded_size(size)) return bad("wrong padding");
  std::string plaintext(as_text(ciphertext.subspan(2, size)));
  crypto::wipe(ciphertext);
  return plaintext;
}

}  // namespace manastr::nostr
