#include "common/cashu/quote_signature.h"

#include "common/crypto/hash.h"

namespace manastr::cashu {
namespace {

constexpr std::string_view kDomain = "Cashu_MintQuoteSig_v1";

/// Big-endian without leading zeros; empty for 0.
Bytes minimal_big_endian(Amount amount) {
  Bytes out;
  for (int shift = 56; shift >= 0; shift -= 8) {
    const auto byte = static_cast<Byte>(amount >> shift);
    if (!out.empty() || byte != 0) out.push_back(byte);
  }
  return out;
}

void append_with_length(Bytes& out, ByteView field) {
  append_be32(out, static_cast<std::uint32_t>(field.size()));
  append(out, field);
}

}  // namespace

Hash32 quote_signature_hash(std::string_view quote_id, const std::vector<BlindedMessage>& outputs) {
  Bytes message;
  append(message, as_bytes(kDomain));
  append_with_length(message, as_bytes(quote_id));
  for (const BlindedMessage& output : outputs) {
    append_with_length(message, minimal_big_endian(output.amount));
    append_with_length(message, output.b_blinded.bytes());
  }
  return crypto::sha256(message);
}

Hash32 quote_signature_hash_legacy(std::string_view quote_id, const std::vector<BlindedMessage>& outputs) {
  std::string message(quote_id);
  for (const BlindedMessage& output : outputs) message += output.b_blinded.hex();
  return crypto::sha256(as_bytes(message));
}

bool verify_quote_signature(const crypto::PublicKey& pubkey, std::string_view signature_hex,
                            std::string_view quote_id, const std::vector<BlindedMessage>& outputs) {
  const auto signature = array_from_hex<64>(signature_hex, HexCase::any);
  if (!signature) return false;
  const crypto::XOnlyKey key = pubkey.x_only();
  return crypto::verify_schnorr(key, quote_signature_hash(quote_id, outputs), *signature) ||
         crypto::verify_schnorr(key, quote_signature_hash_legacy(quote_id, outputs), *signature);
}

std::string sign_quote(const crypto::SecretKey& key, std::string_view quote_id,
                       const std::vector<BlindedMessage>& outputs, bool legacy) {
  const Hash32 hash =
      legacy ? quote_signature_hash_legacy(quote_id, outputs) : quote_signature_hash(quote_id, outputs);
  return to_hex(crypto::sign_schnorr(key, hash, ByteArray<32>{}));
}

}  // namespace manastr::cashu
