// NIP-44 v2 encryption between two Nostr keys.
#pragma once
#include "common/base/random.h"
#include "common/crypto/keys.h"

namespace manastr::nostr {

using ConversationKey = crypto::Secret<32>;
/// nullopt if the public key is not on the curve.
std::optional<ConversationKey> conversation_key(const crypto::SecretKey& key, const crypto::XOnlyKey& peer);
/// Plaintext of 1..65535 bytes (the longer form of 2025 is neither written nor read: no event of ours is that
/// long); `nonce` fresh and random for each message.
Result<std::string> nip44_encrypt(const ConversationKey& key, std::string_view plaintext,
                                  const ByteArray<32>& nonce);
/// The text as it was encrypted, not checked to be UTF-8.
Result<std::string> nip44_decrypt(const ConversationKey& key, std::string_view payload);

}  // namespace manastr::nostr
