// NIP-44: arbitrary payloads; arbitrary padded text under a right MAC, as a hostile peer can make it; the
// round trip.
#include <cstdlib>

#include "common/crypto/hash.h"
#include "common/nostr/nip44.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace manastr;
  const ByteView input(data, size);
  const nostr::ConversationKey key;
  const ByteArray<32> nonce{};
  (void)nostr::nip44_decrypt(key, as_text(input));

  const Bytes keys = crypto::hkdf_expand_sha256(key.reveal(), nonce, 76);
  Bytes payload{2};
  append(payload, nonce);
  append(payload, input);
  append(payload, crypto::hmac_sha256(ByteView(keys).subspan(44), {nonce, input}));
  const std::string text = to_base64(payload);
  // Padding bytes are not looked at, so the text may be encrypted again to other bytes, never to another
  // size.
  if (const auto plain = nostr::nip44_decrypt(key, text)) {
    if (nostr::nip44_encrypt(key, *plain, nonce)->size() != text.size()) std::abort();
  }

  if (const auto encrypted = nostr::nip44_encrypt(key, as_text(input), nonce)) {
    if (nostr::nip44_decrypt(key, *encrypted).value() != as_text(input)) std::abort();
  }
  return 0;
}
