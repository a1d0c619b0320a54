#include "common/cashu/conditions.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "common/crypto/hash.h"
#include "common/json/reader.h"
#include "common/json/writer.h"

namespace manastr::cashu {
namespace {

constexpr json::Limits kSecretLimits{
    .bytes = kMaxSecretBytes, .depth = 4, .values = 512, .string_bytes = kMaxSecretBytes};
constexpr json::Limits kWitnessLimits{
    .bytes = kMaxWitnessBytes, .depth = 8, .values = 256, .string_bytes = kMaxWitnessBytes};
// A secret of 1024 bytes has room for 14 keys; more signatures than this can only cost time.
constexpr std::size_t kMaxSignatures = 16;

/// Decimal digits without sign, leading zero or anything behind.
std::optional<std::uint64_t> parse_decimal(std::string_view text) {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Condition unspendable(std::string why) {
  Condition out;
  out.kind = ConditionKind::unspendable;
  out.why_unspendable = std::move(why);
  return out;
}

/// Fills `condition` from the tags that NUT-11 defines; returns what is wrong with them, or "".
class TagReader {
 public:
  explicit TagReader(Condition& condition) : condition_(condition) {}

  std::string read() {
    for (const auto& tag : condition_.tags) {
      if (std::string why = read_tag(tag); !why.empty()) return why;
    }
    if (std::string why = duplicate_key(condition_.pubkeys, "data and pubkeys"); !why.empty()) return why;
    if (std::string why = duplicate_key(condition_.refund, "refund"); !why.empty()) return why;
    return check_thresholds();
  }

 private:
  std::string read_tag(const std::vector<std::string>& tag) {
    static const std::set<std::string_view> kKnown = {"sigflag",  "n_sigs",  "n_sigs_refund",
                                                      "locktime", "pubkeys", "refund"};
    const std::string& name = tag.front();
    if (!kKnown.contains(name)) return "";
    if (!seen_.insert(name).second) return "tag " + name + " appears twice";
    if (name == "pubkeys") return read_keys(tag, condition_.pubkeys);
    if (name == "refund") {
      if (tag.size() < 2) return "tag refund names no key";
      return read_keys(tag, condition_.refund);
    }
    if (tag.size() != 2) return "tag " + name + " has not exactly one value";
    const std::string& value = tag[1];
    if (name == "sigflag") {
      if (value != "SIG_INPUTS" && value != "SIG_ALL") return "its sigflag is unknown";
      condition_.sig_all = value == "SIG_ALL";
      return "";
    }
    const auto number = parse_decimal(value);
    if (name == "locktime") {  // NUT-11: no valid time means a permanent lock
      if (number && *number <= kMaxTime)
        condition_.locktime = unix_seconds(static_cast<std::int64_t>(*number));
      return "";
    }
    if (!number || *number == 0 || *number > kMaxThreshold)
      return "its " + name + " is not a positive integer";
    (name == "n_sigs" ? n_sigs_ : n_sigs_refund_) = static_cast<std::uint32_t>(*number);
    return "";
  }

  static std::string read_keys(const std::vector<std::string>& tag, std::vector<crypto::PublicKey>& keys) {
    for (std::size_t i = 1; i < tag.size(); ++i) {
      const auto key = crypto::PublicKey::from_hex(tag[i], HexCase::any);
      if (!key) return "tag " + tag.front() + " holds no compressed public key";
      keys.push_back(*key);
    }
    return "";
  }

  static std::string duplicate_key(const std::vector<crypto::PublicKey>& keys, std::string_view pathway) {
    std::set<crypto::XOnlyKey> seen;
    for (const auto& key : keys) {
      if (!seen.insert(key.x_only()).second) return "a key appears twice in " + std::string(pathway);
    }
    return "";
  }

  std::string check_thresholds() {
    // An HTLC without keys needs the preimage alone (NUT-14).
    const std::uint32_t least = condition_.pubkeys.empty() ? 0 : 1;
    condition_.n_sigs = n_sigs_.value_or(least);
    condition_.n_sigs_refund = n_sigs_refund_.value_or(1);
    if (condition_.n_sigs > condition_.pubkeys.size()) return "its n_sigs exceeds its keys";
    if (n_sigs_refund_ && *n_sigs_refund_ > condition_.refund.size()) {
      return "its n_sigs_refund exceeds its refund keys";
    }
    return "";
  }

  static constexpr std::uint64_t kMaxTime = std::uint64_t{1} << 53;
  static constexpr std::uint64_t kMaxThreshold = 1000;
  Condition& condition_;
  std::set<std::string_view> seen_;
  std::optional<std::uint32_t> n_sigs_;
  std::optional<std::uint32_t> n_sigs_refund_;
};

/// NUT-10 tags: an optional array of arrays of one or more non-empty strings.
bool read_tags(const json::Value* member, std::vector<std::vector<std::string>>& tags) {
  if (member == nullptr || member->is_null()) return true;
  if (!member->is_array()) return false;
  for (const json::Value& item : *member->if_array()) {
    if (!item.is_array() || item.if_array()->empty()) return false;
    std::vector<std::string> tag;
    for (const json::Value& text : *item.if_array()) {
      if (!text.is_string() || text.if_string()->empty()) return false;
      tag.push_back(*text.if_string());
    }
    tags.push_back(std::move(tag));
  }
  return true;
}

Condition read_well_known(const json::Array& parts) {
  const std::string& kind = *parts[0].if_string();
  Condition out;
  if (kind == "P2PK") {
    out.kind = ConditionKind::p2pk;
  } else if (kind == "HTLC") {
    out.kind = ConditionKind::htlc;
  } else {
    return unspendable("its kind is none of P2PK and HTLC");
  }
  if (parts.size() != 2 || !parts[1].is_object()) return unspendable("it is not [kind, {nonce, data, tags}]");
  const json::Value& body = parts[1];
  const auto nonce = json::get_string(body, "nonce");
  auto data = json::get_string(body, "data");
  if (!nonce || !data) return unspendable("its nonce or data is not a string");
  out.data = *std::move(data);
  if (!read_tags(body.find("tags"), out.tags)) {
    return unspendable("its tags are not arrays of one or more non-empty strings");
  }
  if (out.kind == ConditionKind::p2pk) {
    const auto key = crypto::PublicKey::from_hex(out.data, HexCase::any);
    if (!key) return unspendable("its data is no compressed public key");
    out.pubkeys.push_back(*key);
  } else if (!array_from_hex<32>(out.data, HexCase::any)) {
    return unspendable("its data is no SHA-256 hash");
  }
  if (std::string why = TagReader(out).read(); !why.empty()) return unspendable(std::move(why));
  return out;
}

struct Witness {
  std::vector<crypto::Signature> signatures;
  std::optional<ByteArray<32>> preimage;
};

void read_signature(const json::Value& item, Witness& out) {
  if (out.signatures.size() == kMaxSignatures || !item.is_string()) return;
  const auto signature = array_from_hex<64>(*item.if_string(), HexCase::any);
  if (signature) out.signatures.push_back(*signature);
}

/// Reads what it can: what is no signature or preimage counts as absent. Wallets leave `preimage` out, or
/// send null or "", where they have none; older ones send one `signature`.
Witness parse_witness(const std::optional<std::string>& text) {
  Witness out;
  if (!text) return out;
  const auto value = json::parse(*text, kWitnessLimits);
  if (!value) return out;
  if (const json::Value* list = value->find("signatures"); list != nullptr && list->is_array()) {
    for (const json::Value& item : *list->if_array()) read_signature(item, out);
  }
  if (const json::Value* one = value->find("signature")) read_signature(*one, out);
  if (const json::Value* preimage = value->find("preimage"); preimage != nullptr && preimage->is_string()) {
    out.preimage = array_from_hex<32>(*preimage->if_string(), HexCase::any);
  }
  return out;
}

/// True if `threshold` of `keys`, unique by x, have a valid signature. Other signatures don't count and don't
/// harm.
bool enough_signatures(const std::vector<crypto::PublicKey>& keys, std::uint32_t threshold,
                       const std::vector<crypto::Signature>& signatures, const Hash32& message) {
  std::uint32_t valid = 0;
  for (const auto& key : keys) {
    if (valid >= threshold) return true;
    const crypto::XOnlyKey x = key.x_only();
    if (std::ranges::any_of(signatures, [&](const auto& s) { return crypto::verify_schnorr(x, message, s); }))
      ++valid;
  }
  return valid >= threshold;
}

/// "" if the witness fulfils the condition, else what lacks.
std::string unfulfilled(const Condition& condition, const Witness& witness, const Hash32& message,
                        UnixSeconds now) {
  const bool expired = condition.locktime && now > *condition.locktime;
  if (expired && condition.refund.empty()) return "";
  const bool preimage_fits = condition.kind != ConditionKind::htlc ||
                             (witness.preimage && crypto::sha256(*witness.preimage) ==
                                                      *array_from_hex<32>(condition.data, HexCase::any));
  if (preimage_fits && enough_signatures(condition.pubkeys, condition.n_sigs, witness.signatures, message))
    return "";
  if (expired && enough_signatures(condition.refund, condition.n_sigs_refund, witness.signatures, message))
    return "";
  if (!preimage_fits) return "the witness lacks the preimage of its hash";
  return "the witness lacks valid signatures of " + std::to_string(condition.n_sigs) + " of its " +
         std::to_string(condition.pubkeys.size()) + " keys" +
         (condition.refund.empty() ? ""
          : expired                ? " or of its refund keys"
                                   : " (its refund keys count after the locktime)");
}

std::unexpected<Error> failed(std::size_t input, const std::string& why) {
  return invalid("inputs[" + std::to_string(input) + "]: " + why, kProofInvalid);
}

}  // namespace

std::optional<std::string> Condition::foreign_tag(std::string_view name) const {
  for (const auto& tag : tags) {
    if (tag.front() == name && tag.size() > 1) return tag[1];
  }
  return std::nullopt;
}

bool may_hold_condition(std::string_view secret) {
  const auto start = secret.find_first_not_of(" \t\r\n");
  return start != std::string_view::npos && secret[start] == '[';
}

Condition parse_condition(std::string_view secret) {
  if (!may_hold_condition(secret)) return {};
  const auto value = json::parse(secret, kSecretLimits);
  // What a laxer reader may take for a condition (a duplicate key, a comment) must not become anyone's money.
  if (!value) return unspendable("it starts like a NUT-10 secret and is not strict JSON");
  const json::Array& parts = *value->if_array();
  if (parts.empty() || !parts[0].is_string()) return {};
  const std::string& kind = *parts[0].if_string();
  if (parts.size() != 2 && kind != "P2PK" && kind != "HTLC") return {};
  return read_well_known(parts);
}

std::string sig_all_message(const std::vector<Proof>& inputs, const std::vector<BlindedMessage>& outputs,
                            std::string_view melt_quote_id) {
  std::string message;
  for (const Proof& input : inputs) message += input.secret + to_hex(input.c);
  for (const BlindedMessage& output : outputs)
    message += std::to_string(output.amount) + output.b_blinded.hex();
  message += melt_quote_id;
  return message;
}

Status check_conditions(const std::vector<Proof>& inputs, const std::vector<BlindedMessage>& outputs,
                        std::string_view melt_quote_id, UnixSeconds now) {
  std::vector<Condition> conditions;
  conditions.reserve(inputs.size());
  bool sig_all = false;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    conditions.push_back(parse_condition(inputs[i].secret));
    const Condition& condition = conditions.back();
    if (condition.kind == ConditionKind::unspendable) {
      return failed(i, "nobody can spend this secret: " + condition.why_unspendable);
    }
    sig_all |= condition.sig_all;
  }
  if (!sig_all) {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (conditions[i].kind == ConditionKind::none) continue;
      const std::string why = unfulfilled(conditions[i], parse_witness(inputs[i].witness),
                                          crypto::sha256(as_bytes(inputs[i].secret)), now);
      if (!why.empty()) return failed(i, why);
    }
    return {};
  }
  const Condition& first = conditions.front();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Condition& other = conditions[i];
    if (other.kind != first.kind || other.data != first.data || other.tags != first.tags) {
      return failed(i,
                    "its condition differs from that of inputs[0]; SIG_ALL wants the same kind, data and "
                    "tags in every input");
    }
  }
  const Hash32 message = crypto::sha256(as_bytes(sig_all_message(inputs, outputs, melt_quote_id)));
  const std::string why = unfulfilled(first, parse_witness(inputs.front().witness), message, now);
  if (!why.empty()) return failed(0, why + " over all inputs and outputs (SIG_ALL)");
  return {};
}

std::string p2pk_witness(const std::vector<crypto::Signature>& signatures) {
  std::string out = R"({"signatures":[)";
  for (const auto& signature : signatures) {
    if (out.back() != '[') out += ',';
    json::append_string(out, to_hex(signature));
  }
  return out + "]}";
}

}  // namespace manastr::cashu
