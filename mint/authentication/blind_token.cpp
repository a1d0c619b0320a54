#include "mint/authentication/blind_token.h"

#include "common/cashu/conditions.h"
#include "common/json/reader.h"

namespace manastr::mint {
namespace {

constexpr std::string_view kPrefix = "authA";
constexpr json::Limits kLimits{
    .bytes = BlindToken::kMaxBytes, .depth = 4, .values = 50, .string_bytes = cashu::kMaxSecretBytes};

std::unexpected<Error> no_token(const std::string& why) {
  return refused(cashu::kBlindAuthFailed, "Blind-auth: " + why + " (NUT-22)");
}

}  // namespace

Result<BlindToken> BlindToken::parse(std::string_view header) {
  if (header.size() > kMaxBytes) return no_token("longer than 4 KiB");
  if (!header.starts_with(kPrefix)) return no_token("expected authA and a base64url proof");
  const auto text = from_base64url(header.substr(kPrefix.size()));
  if (!text) return no_token("what follows authA is not base64url");
  auto proof = json::parse(as_text(*text), kLimits);
  if (!proof || !proof->is_object()) return no_token("the proof is not a JSON object");
  BlindToken out;
  const auto id = json::get_string(*proof, "id");
  const auto known = id ? cashu::KeysetId::from_hex(*id) : std::nullopt;
  if (!known) return no_token("the proof's id is no keyset id");
  out.id = *known;
  auto secret = json::get_string(*proof, "secret");
  if (!secret || secret->empty()) return no_token("the proof has no secret");
  out.secret = *std::move(secret);
  const auto c = json::get_string(*proof, "C");
  if (!c || !from_hex_into(*c, out.c, HexCase::any) || (out.c[0] != 2 && out.c[0] != 3))
    return no_token("the proof's C is no compressed point");
  const auto amount = json::get_optional_uint64(*proof, "amount");
  if (!amount || amount->value_or(1) != 1) return no_token("a token's amount is 1");
  if (cashu::parse_condition(out.secret).kind != cashu::ConditionKind::none)
    return no_token("a token's secret has no spending condition");
  return out;
}

std::string BlindToken::header() const {
  json::Value proof;
  proof.set("id", id.hex()).set("secret", secret).set("C", to_hex(c));
  return std::string(kPrefix) + to_base64url(as_bytes(proof.dump()));
}

}  // namespace manastr::mint
