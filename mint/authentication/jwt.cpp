#include "mint/authentication/jwt.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "common/json/reader.h"

namespace manastr::mint {
namespace {

constexpr std::size_t kMaxSubject = 255;  // OpenID Connect Core, section 2
constexpr std::size_t kMaxKeyId = 256;
constexpr json::Limits kLimits{.bytes = Jwt::kMaxBytes, .depth = 8, .values = 1'000, .string_bytes = 4'096};

/// Unpadded, as RFC 7515 section 2 wants it.
std::optional<Bytes> decoded(std::string_view text) {
  return text.empty() || text.ends_with('=') ? std::nullopt : from_base64url(text);
}

Result<json::Value> decoded_object(std::string_view text, const char* what) {
  const auto bytes = decoded(text);
  if (!bytes) return invalid(std::string("the token's ") + what + " is not base64url");
  auto value = json::parse(as_text(*bytes), kLimits);
  if (!value || !value->is_object())
    return invalid(std::string("the token's ") + what + " is not a JSON object");
  return *std::move(value);
}

bool same_word(std::string_view a, std::string_view lower) {
  return std::ranges::equal(
      a, lower, [](char x, char y) { return (x >= 'A' && x <= 'Z' ? static_cast<char>(x + 32) : x) == y; });
}

bool is_access_token_type(std::string_view type) {
  return same_word(type, "jwt") || same_word(type, "at+jwt") || same_word(type, "application/jwt") ||
         same_word(type, "application/at+jwt");
}

/// RFC 7519 section 2: seconds since 1970, perhaps with a fraction. nullopt if the claim is absent.
Result<std::optional<double>> date(const json::Value& claims, std::string_view name) {
  const json::Value* value = claims.find(name);
  if (value == nullptr) return std::nullopt;
  double out = 0;
  const std::string text = value->dump();
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(out))
    return invalid("the token's " + std::string(name) + " is no time");
  return out;
}

bool names(const json::Value* audience, std::string_view whom) {
  if (audience == nullptr || whom.empty()) return false;
  const auto is = [&](const json::Value& each) {
    const std::string* text = each.if_string();
    return text != nullptr && *text == whom;
  };
  const json::Array* list = audience->if_array();
  return list == nullptr ? is(*audience) : std::ranges::any_of(*list, is);
}

Status check_times(const json::Value& claims, UnixSeconds now) {
  const auto leeway = static_cast<double>(kClockLeeway.count());
  const auto at = static_cast<double>(count(now));
  TRY(const auto expires, date(claims, "exp"));
  TRY(const auto begins, date(claims, "nbf"));
  TRY(const auto issued, date(claims, "iat"));
  if (!expires) return invalid("the token has no exp: it must end some day");
  if (*expires + leeway <= at) return invalid("the token has expired: get a fresh one from the provider");
  if ((begins && *begins - leeway > at) || (issued && *issued - leeway > at))
    return invalid("the token is not valid yet: compare the provider's clock with the mint's");
  return {};
}

/// Whether the token was made for this mint's clients.
Status check_audience(const json::Value& claims, const TokenRules& rules) {
  const json::Value* audience = claims.find("aud");
  if (!rules.audience.empty() && !names(audience, rules.audience))
    return invalid("the token is for another audience than this mint");
  bool client_named = false;
  for (const char* claim : {"azp", "client_id"}) {
    const json::Value* client = claims.find(claim);
    if (client == nullptr) continue;
    const std::string* id = client->if_string();
    if (id == nullptr || *id != rules.client_id)
      return invalid("the token was issued to another client: use the client_id of /v1/info");
    client_named = true;
  }
  if (client_named || !rules.audience.empty() || names(audience, rules.client_id) ||
      names(audience, rules.mint_key)) {
    return {};
  }
  return invalid("the token names neither this mint's client nor this mint as its audience");
}

}  // namespace

Result<Jwt> Jwt::parse(std::string_view text) {
  if (text.size() > kMaxBytes) return invalid("the token is longer than 8 KiB");
  const auto first = text.find('.');
  const auto second = first == std::string_view::npos ? first : text.find('.', first + 1);
  if (second == std::string_view::npos || text.find('.', second + 1) != std::string_view::npos)
    return invalid("the token is no JWT of three parts");
  TRY(const json::Value header, decoded_object(text.substr(0, first), "header"));
  Jwt out;
  const json::Value* name = header.find("alg");
  const auto algorithm =
      name != nullptr && name->is_string() ? jws_algorithm(*name->if_string()) : std::nullopt;
  if (!algorithm) return invalid("the token is not signed by ES256 or RS256");
  out.algorithm = *algorithm;
  if (header.find("crit") != nullptr) return invalid("the token has critical extensions");
  if (const json::Value* type = header.find("typ")) {
    if (!type->is_string() || !is_access_token_type(*type->if_string()))
      return invalid("the token is no access token by its type");
  }
  if (const json::Value* id = header.find("kid")) {
    if (!id->is_string() || id->if_string()->empty() || id->if_string()->size() > kMaxKeyId)
      return invalid("the token's key id is none");
    out.key_id = *id->if_string();
  }
  TRY(out.claims, decoded_object(text.substr(first + 1, second - first - 1), "payload"));
  auto signature = decoded(text.substr(second + 1));
  if (!signature) return invalid("the token's signature is not base64url");
  out.signature = *std::move(signature);
  out.signed_part = text.substr(0, second);
  return out;
}

Result<std::string> check_claims(const json::Value& claims, const TokenRules& rules, UnixSeconds now) {
  const json::Value* issuer = claims.find("iss");
  if (issuer == nullptr || !issuer->is_string() || rules.issuer.empty() ||
      *issuer->if_string() != rules.issuer)
    return invalid("the token is of another issuer than the provider of /v1/info");
  TRY_STATUS(check_times(claims, now));
  TRY_STATUS(check_audience(claims, rules));
  const json::Value* subject = claims.find("sub");
  const std::string* name = subject == nullptr ? nullptr : subject->if_string();
  if (name == nullptr || name->empty() || name->size() > kMaxSubject)
    return invalid("the token has no subject (sub)");
  return *name;
}

}  // namespace manastr::mint
