#include "common/cashu/token.h"

#include <algorithm>

#include "common/cashu/cbor.h"
#include "common/json/reader.h"

namespace manastr::cashu {
namespace {

constexpr std::size_t kMaxText = 1 << 20;
constexpr std::size_t kMaxProofs = 1000;
constexpr std::size_t kMaxMintUrl = 1024;
constexpr std::size_t kMaxMemo = 4096;
constexpr std::size_t kShortIdBytes = 8;
constexpr std::string_view kBinaryPrefix = "crawB";

Result<KeysetId> resolve_id(ByteView bytes, const std::vector<KeysetId>& known) {
  if (const auto id = KeysetId::from_bytes(bytes)) return *id;
  std::optional<KeysetId> found;
  if (bytes.size() == kShortIdBytes) {
    for (const KeysetId& id : known) {
      if (!std::ranges::equal(id.bytes().first(kShortIdBytes), bytes)) continue;
      if (found && *found != id)
        return invalid("the token's short keyset id fits several keysets", kKeysetUnknown);
      found = id;
    }
  }
  if (!found) return invalid("the token's keyset id is none of the mint's", kKeysetUnknown);
  return *found;
}

Status set_mint(Token& token, std::string url) {
  while (url.ends_with('/')) url.pop_back();
  if (url.empty() || url.size() > kMaxMintUrl) return invalid("the token names no mint URL");
  token.mint = std::move(url);
  return {};
}

Status check_whole(const Token& token) {
  if (token.mint.empty()) return invalid("the token names no mint URL");
  if (!is_unit(token.unit)) return invalid("the token's unit is not [a-z0-9_-]{1,32}");
  if (token.proofs.empty()) return invalid("the token has no proofs");
  if (!sum_amounts(token.proofs)) return invalid("the sum of the token's amounts is above 2^64-1");
  if (token.memo.size() > kMaxMemo) return invalid("the token's memo is longer than 4096 bytes");
  return {};
}

/// A V3 proof whose id may be short.
Result<Proof> v3_proof(const json::Value& value, const std::vector<KeysetId>& known, std::string_view where) {
  TRY(const std::string id, json::get_string(value, "id", where));
  const auto bytes = from_hex(id);
  if (!bytes) return invalid(std::string(where) + ".id: no keyset id", kKeysetUnknown);
  TRY(const KeysetId full, resolve_id(*bytes, known));
  json::Value resolved;
  for (const auto& [name, member] : *value.if_object()) {
    resolved.set(name, name == "id" ? json::Value(full.hex()) : member);
  }
  return proof_from_json(resolved, where);
}

Result<Token> parse_v3(std::string_view encoded, const std::vector<KeysetId>& known) {
  const auto bytes = from_base64url(encoded);
  if (!bytes) return invalid("the token is not base64url");
  TRY(const json::Value document, json::parse(as_text(*bytes)));
  Token token;
  TRY(const auto unit, json::get_optional_string(document, "unit"));
  TRY(const auto memo, json::get_optional_string(document, "memo"));
  token.unit = unit.value_or("sat");
  token.memo = memo.value_or("");
  TRY(const json::Array* entries, json::get_array(document, "token"));
  for (const json::Value& entry : *entries) {
    TRY(const std::string mint, json::get_string(entry, "mint", "token[]"));
    const std::string earlier = token.mint;
    TRY_STATUS(set_mint(token, mint));
    if (!earlier.empty() && earlier != token.mint) {
      return invalid("the token holds proofs of several mints; redeem them one by one");
    }
    TRY(const json::Array* proofs, json::get_array(entry, "proofs", "token[]"));
    if (proofs->size() > kMaxProofs - token.proofs.size())
      return invalid("the token has more than 1000 proofs");
    for (const json::Value& value : *proofs) {
      const std::string where = "proofs[" + std::to_string(token.proofs.size()) + "]";
      TRY(Proof proof, v3_proof(value, known, where));
      token.proofs.push_back(std::move(proof));
    }
  }
  TRY_STATUS(check_whole(token));
  return token;
}

/// Reads the pairs of a map, each key by `on_key`, which returns false for a key that it doesn't know. A
/// repeated key is an error: `seen` has a bit for each known one-letter key.
template <class OnKey>
Status read_map(CborReader& reader, OnKey on_key) {
  TRY(const std::size_t pairs, reader.map());
  std::uint32_t seen = 0;
  for (std::size_t i = 0; i < pairs; ++i) {
    TRY(const std::string key, reader.text());
    if (key.size() == 1 && key[0] >= 'a' && key[0] <= 'z') {
      const std::uint32_t bit = 1U << (key[0] - 'a');
      if ((seen & bit) != 0) return invalid("the CBOR repeats key " + key);
      seen |= bit;
      TRY(const bool known, on_key(key[0]));
      if (known) continue;
    }
    TRY_STATUS(reader.skip());
  }
  return {};
}

Result<ByteArray<32>> read_scalar(CborReader& reader) {
  TRY(const ByteView bytes, reader.byte_string());
  ByteArray<32> out;
  if (bytes.size() != out.size()) return invalid("a DLEQ value of the token is not 32 bytes");
  std::ranges::copy(bytes, out.begin());
  return out;
}

Result<ProofDleq> read_dleq(CborReader& reader) {
  ProofDleq dleq;
  int members = 0;
  TRY_STATUS(read_map(reader, [&](char key) -> Result<bool> {
    if (key != 'e' && key != 's' && key != 'r') return false;
    TRY(const auto scalar, read_scalar(reader));
    (key == 'e' ? dleq.dleq.e : key == 's' ? dleq.dleq.s : dleq.r) = scalar;
    ++members;
    return true;
  }));
  if (members != 3) return invalid("a DLEQ of the token lacks e, s or r");
  return dleq;
}

Result<Proof> read_proof(CborReader& reader) {
  Proof proof;
  bool has_amount = false;
  TRY_STATUS(read_map(reader, [&](char key) -> Result<bool> {
    if (key == 'a') {
      TRY(proof.amount, reader.unsigned_integer());
      has_amount = true;
    } else if (key == 's') {
      TRY(proof.secret, reader.text());
    } else if (key == 'c') {
      TRY(const ByteView c, reader.byte_string());
      if (c.size() != proof.c.size() || (c[0] != 2 && c[0] != 3))
        return invalid("a proof's C is no compressed point");
      std::ranges::copy(c, proof.c.begin());
    } else if (key == 'd') {
      TRY(proof.dleq, read_dleq(reader));
    } else if (key == 'w') {
      TRY(proof.witness, reader.text());
      if (proof.witness->size() > kMaxWitnessBytes) return invalid("a proof's witness is too long");
    } else {
      return false;
    }
    return true;
  }));
  if (!has_amount || proof.secret.empty() || proof.c[0] == 0)
    return invalid("a proof of the token lacks a, s or c");
  if (proof.secret.size() > kMaxSecretBytes) return invalid("a proof's secret is longer than 1024 bytes");
  return proof;
}

/// One element of `t`: the keyset id may stand behind the proofs.
Status read_group(CborReader& reader, const std::vector<KeysetId>& known, std::vector<Proof>& proofs) {
  std::optional<KeysetId> id;
  const std::size_t first = proofs.size();
  TRY_STATUS(read_map(reader, [&](char key) -> Result<bool> {
    if (key == 'i') {
      TRY(const ByteView bytes, reader.byte_string());
      TRY(id, resolve_id(bytes, known));
    } else if (key == 'p') {
      TRY(const std::size_t elements, reader.array());
      if (elements > kMaxProofs - proofs.size()) return invalid("the token has more than 1000 proofs");
      for (std::size_t i = 0; i < elements; ++i) {
        TRY(Proof proof, read_proof(reader));
        proofs.push_back(std::move(proof));
      }
    } else {
      return false;
    }
    return true;
  }));
  if (!id) return invalid("proofs of the token lack their keyset id");
  for (std::size_t i = first; i < proofs.size(); ++i) proofs[i].id = *id;
  return {};
}

Result<Token> parse_v4(ByteView cbor, const std::vector<KeysetId>& known) {
  CborReader reader(cbor);
  Token token;
  TRY_STATUS(read_map(reader, [&](char key) -> Result<bool> {
    if (key == 'm') {
      TRY(const std::string mint, reader.text());
      TRY_STATUS(set_mint(token, mint));
    } else if (key == 'u') {
      TRY(token.unit, reader.text());
    } else if (key == 'd') {
      TRY(token.memo, reader.text());
    } else if (key == 't') {
      TRY(const std::size_t groups, reader.array());
      for (std::size_t i = 0; i < groups; ++i) TRY_STATUS(read_group(reader, known, token.proofs));
    } else {
      return false;
    }
    return true;
  }));
  if (!reader.at_end()) return invalid("bytes follow the token");
  TRY_STATUS(check_whole(token));
  return token;
}

void append_proof(Bytes& out, const Proof& proof) {
  cbor_map(out, 3 + (proof.dleq ? 1 : 0) + (proof.witness ? 1 : 0));
  cbor_text(out, "a");
  cbor_unsigned(out, proof.amount);
  cbor_text(out, "s");
  cbor_text(out, proof.secret);
  cbor_text(out, "c");
  cbor_bytes(out, proof.c);
  if (proof.dleq) {
    cbor_text(out, "d");
    cbor_map(out, 3);
    cbor_text(out, "e");
    cbor_bytes(out, proof.dleq->dleq.e);
    cbor_text(out, "s");
    cbor_bytes(out, proof.dleq->dleq.s);
    cbor_text(out, "r");
    cbor_bytes(out, proof.dleq->r);
  }
  if (proof.witness) {
    cbor_text(out, "w");
    cbor_text(out, *proof.witness);
  }
}

Bytes dump_cbor(const Token& token) {
  std::vector<KeysetId> order;
  std::map<KeysetId, std::vector<const Proof*>> groups;
  for (const Proof& proof : token.proofs) {
    auto& group = groups[proof.id];
    if (group.empty()) order.push_back(proof.id);
    group.push_back(&proof);
  }
  Bytes out;
  cbor_map(out, token.memo.empty() ? 3 : 4);
  cbor_text(out, "t");
  cbor_array(out, order.size());
  for (const KeysetId& id : order) {
    const auto& group = groups[id];
    cbor_map(out, 2);
    cbor_text(out, "i");
    cbor_bytes(out, id.bytes());
    cbor_text(out, "p");
    cbor_array(out, group.size());
    for (const Proof* proof : group) append_proof(out, *proof);
  }
  if (!token.memo.empty()) {
    cbor_text(out, "d");
    cbor_text(out, token.memo);
  }
  cbor_text(out, "m");
  cbor_text(out, token.mint);
  cbor_text(out, "u");
  cbor_text(out, token.unit);
  return out;
}

}  // namespace

Result<Token> parse_token(std::string_view text, const std::vector<KeysetId>& known) {
  if (text.size() > kMaxText) return invalid("the token is larger than 1 MiB");
  if (text.starts_with("cashu:")) text.remove_prefix(6);
  if (text.starts_with("cashuA")) return parse_v3(text.substr(6), known);
  if (!text.starts_with("cashuB")) return invalid("no Cashu token: it starts with neither cashuA nor cashuB");
  const auto bytes = from_base64url(text.substr(6));
  if (!bytes) return invalid("the token is not base64url");
  return parse_v4(*bytes, known);
}

Result<Token> parse_token_binary(ByteView bytes, const std::vector<KeysetId>& known) {
  if (bytes.size() > kMaxText) return invalid("the token is larger than 1 MiB");
  if (!as_text(bytes).starts_with(kBinaryPrefix))
    return invalid("no binary Cashu token: it does not start with crawB");
  return parse_v4(bytes.subspan(kBinaryPrefix.size()), known);
}

std::string dump_token_v3(const Token& token) {
  json::Value entry;
  entry.set("mint", token.mint);
  entry.set("proofs", to_json(token.proofs));
  json::Value document;
  document.set("token", json::Value(json::Array{std::move(entry)}));
  document.set("unit", token.unit);
  if (!token.memo.empty()) document.set("memo", token.memo);
  return "cashuA" + to_base64url(as_bytes(document.dump()));
}

std::string dump_token_v4(const Token& token) { return "cashuB" + to_base64url(dump_cbor(token)); }

Bytes dump_token_binary(const Token& token) {
  Bytes out;
  append(out, as_bytes(kBinaryPrefix));
  append(out, dump_cbor(token));
  return out;
}

}  // namespace manastr::cashu
