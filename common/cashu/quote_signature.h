// NUT-20: the signature that a locked mint quote asks for.
#pragma once
#include "common/cashu/types.h"

namespace manastr::cashu {

/// Hash to sign, domain-separated form ("Cashu_MintQuoteSig_v1").
Hash32 quote_signature_hash(std::string_view quote_id, const std::vector<BlindedMessage>& outputs);
/// Hash to sign, legacy form: SHA256(quote ‖ hex B_0 ‖ …).
Hash32 quote_signature_hash_legacy(std::string_view quote_id, const std::vector<BlindedMessage>& outputs);
/// True if `signature` (128 hex digits) is valid under `pubkey` for either form, the new one tried first.
bool verify_quote_signature(const crypto::PublicKey& pubkey, std::string_view signature_hex,
                            std::string_view quote_id, const std::vector<BlindedMessage>& outputs);
/// The `signature` member of POST /v1/mint/{method}, 128 hex digits; the same inputs give the same signature.
/// The legacy form is for mints that answer 20008 to the new one.
std::string sign_quote(const crypto::SecretKey& key, std::string_view quote_id,
                       const std::vector<BlindedMessage>& outputs, bool legacy = false);

}  // namespace manastr::cashu
