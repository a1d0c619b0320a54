// The vocabulary of NUT-00..NUT-05 as types. Pure: no I/O, no clock, no randomness.
#pragma once
#include <compare>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/crypto/bdhke.h"
#include "common/json/value.h"

namespace manastr::cashu {

/// Codes of cashubtc/nuts error_codes.md; the number is what goes on the wire.
enum Code : int {
  kProofInvalid = 10001,
  kProofsSpent = 11001,
  kProofsPending = 11002,
  kOutputsAlreadySigned = 11003,
  kOutputsPending = 11004,
  kNotBalanced = 11005,
  kAmountOutsideLimit = 11006,
  kDuplicateInputs = 11007,
  kDuplicateOutputs = 11008,
  kMultipleUnits = 11009,
  kUnitMismatch = 11010,
  kAmountlessUnsupported = 11011,
  kInvoiceAmountMismatch = 11012,
  kUnitUnsupported = 11013,
  kTooManyInputs = 11014,
  kTooManyOutputs = 11015,
  kDuplicateQuotes = 11016,
  kBatchTooLarge = 11017,
  kKeysetUnknown = 12001,
  kKeysetInactive = 12002,
  kKeysetExpired = 12003,
  kQuoteNotPaid = 20001,
  kAlreadyIssued = 20002,
  kMintingDisabled = 20003,
  kLightningFailed = 20004,
  kQuotePending = 20005,
  kInvoiceAlreadyPaid = 20006,
  kQuoteExpired = 20007,
  kQuoteSignatureInvalid = 20008,
  kQuotePubkeyRequired = 20009,
  kClearAuthRequired = 30001,
  kClearAuthFailed = 30002,
  kBlindAuthRequired = 31001,
  kBlindAuthFailed = 31002,
  kTooManyBlindTokens = 31003,
  kBlindTokensTooOften = 31004,
};

using Amount = std::uint64_t;  ///< in the unit of the keyset beside it; sums only through add()
/// nullopt on overflow.
std::optional<Amount> add(Amount a, Amount b);
template <class Range>
std::optional<Amount> sum_amounts(const Range& items) {
  std::optional<Amount> total = 0;
  for (const auto& item : items) {
    if (total) total = add(*total, item.amount);
  }
  return total;
}

using Unit = std::string;  ///< lower case, [a-z0-9_-]{1,32}
bool is_unit(std::string_view text);

/// NUT-02 id: v1 "00" + 14 hex, v2 "01" + 64 hex, as bytes (8 or 33).
class KeysetId {
 public:
  KeysetId() = default;
  static std::optional<KeysetId> from_hex(
      std::string_view hex);                                  ///< lower case, version 00 or 01, right length
  static std::optional<KeysetId> from_bytes(ByteView bytes);  ///< 8 bytes of version 00, 33 of version 01
  std::string hex() const;
  ByteView bytes() const { return {bytes_.data(), size_}; }
  auto operator<=>(const KeysetId&) const = default;

 private:
  ByteArray<33> bytes_{};
  std::uint8_t size_ = 0;
};

using Keys = std::map<Amount, crypto::PublicKey>;  ///< amount -> public key
KeysetId derive_keyset_id_v1(const Keys& keys);
KeysetId derive_keyset_id_v2(const Keys& keys, std::string_view unit, std::uint64_t input_fee_ppk,
                             std::optional<UnixSeconds> final_expiry);

struct KeysetInfo {
  KeysetId id;
  Unit unit;
  bool active = false;
  std::uint64_t input_fee_ppk = 0;
  std::optional<UnixSeconds> final_expiry;
};
struct Keyset : KeysetInfo {
  Keys keys;
};
/// True if the id is the one that NUT-02 derives from the rest (a wallet imports no other keyset).
bool id_matches(const Keyset& keyset);

/// NUT-02: ceil(sum of ppk / 1000) over all inputs together. nullopt on overflow.
std::optional<Amount> fee_of_ppk_sum(std::uint64_t ppk_sum);

struct BlindedMessage {
  Amount amount = 0;
  KeysetId id;
  crypto::PublicKey b_blinded;
  bool operator==(const BlindedMessage&) const = default;
};
struct BlindSignature {
  Amount amount = 0;
  KeysetId id;
  crypto::PublicKey c_blinded;
  std::optional<crypto::Dleq> dleq;
};
/// NUT-12 in a proof: e, s and the blinding factor r.
struct ProofDleq {
  crypto::Dleq dleq;
  ByteArray<32> r{};
  bool operator==(const ProofDleq&) const = default;
};
struct Proof {
  Amount amount = 0;
  KeysetId id;
  std::string secret;  ///< UTF-8, as sent; at most 1024 bytes at our mint
  ByteArray<33> c{};   ///< C, starts 02 or 03; not checked for the curve (the mint never parses it)
  std::optional<std::string> witness;  ///< JSON text as sent; an object on the wire is dumped to text
  std::optional<ProofDleq> dleq;
  crypto::PublicKey y() const { return crypto::hash_to_curve(as_bytes(secret)); }
};

/// NUT-00 amounts: powers of two, ascending, whose sum is `amount`; empty for 0.
std::vector<Amount> split_amount(Amount amount);

inline constexpr std::size_t kMaxSecretBytes = 1024;
inline constexpr std::size_t kMaxWitnessBytes = 4096;

// JSON of the above: bounded, precise errors with the member's path ("inputs[3].C: ..."). Points may be
// written in any hex case. A keyset id that is none carries code 12001, all else code 0. Unknown members are
// ignored.
Result<Proof> proof_from_json(const json::Value& value, std::string_view where = "");
Result<BlindedMessage> blinded_message_from_json(const json::Value& value, std::string_view where = "");
Result<BlindSignature> blind_signature_from_json(const json::Value& value, std::string_view where = "");
/// Every element, at most `limit` of them (else code `too_many`), 0 is allowed; `where` names the array.
Result<std::vector<Proof>> proofs_from_json(const json::Array& array, std::size_t limit,
                                            std::string_view where, int too_many = kTooManyInputs);
Result<std::vector<BlindedMessage>> blinded_messages_from_json(const json::Array& array, std::size_t limit,
                                                               std::string_view where,
                                                               int too_many = kTooManyOutputs);
Result<std::vector<BlindSignature>> blind_signatures_from_json(const json::Array& array, std::size_t limit,
                                                               std::string_view where);
json::Value to_json(const Proof& proof);
json::Value to_json(const BlindedMessage& message);
json::Value to_json(const BlindSignature& signature);
json::Value to_json(const std::vector<Proof>& proofs);
json::Value to_json(const std::vector<BlindedMessage>& messages);
json::Value to_json(const std::vector<BlindSignature>& signatures);

/// NUT-01: {"1":"02...","2":"03..."}; amounts are decimal, 1..2^64-1, each once, at most 64 keys, all on the
/// curve.
Result<Keys> keys_from_json(const json::Value& value, std::string_view where = "");
json::Value to_json(const Keys& keys);
/// NUT-02 element of /v1/keysets; a missing `active` is true, a missing or null fee 0, an expiry of 0 none.
Result<KeysetInfo> keyset_info_from_json(const json::Value& value, std::string_view where = "");
/// NUT-01 element of /v1/keys. Whether the id is right is for id_matches to say.
Result<Keyset> keyset_from_json(const json::Value& value, std::string_view where = "");
json::Value to_json(const KeysetInfo& info);
json::Value to_json(const Keyset& keyset);

}  // namespace manastr::cashu
