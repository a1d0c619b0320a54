// NUT-21 and NUT-22, tried with a clear token that the environment variable MINT_CLEAR_TOKEN holds.
#include <algorithm>
#include <cstdlib>

#include "common/json/reader.h"
#include "tests/conformance/mint.h"
#include "tests/support/http_exchange.h"

namespace manastr::conformance {
namespace {

constexpr const char* kMintTokens = "/v1/auth/blind/mint";

std::string clear_header() {
  const char* token = std::getenv("MINT_CLEAR_TOKEN");
  return "Clear-auth: " + std::string(token == nullptr ? "" : token);
}

mintclient::HttpReply send(Mint& mint, const std::string& method, const std::string& path,
                           const std::string& body, const std::string& header = "Accept: */*") {
  const auto answer = test::http_exchange(method, mint.options().url + path,
                                          {header, "Content-Type: application/json"}, body);
  return {answer.status, answer.body};
}

bool is_protected(Mint& mint, const std::string& number, const std::string& method, const std::string& path) {
  const json::Value* nut = mint.nut(number);
  const json::Value* list = nut == nullptr ? nullptr : nut->find("protected_endpoints");
  if (list == nullptr || !list->is_array()) return false;
  return std::ranges::any_of(*list->if_array(), [&](const json::Value& each) {
    const std::string pattern = json::get_string(each, "path").value_or("");
    if (json::get_string(each, "method").value_or("") != method) return false;
    if (!pattern.ends_with('*')) return pattern == path;
    return path.starts_with(std::string_view(pattern).substr(0, pattern.size() - 1));
  });
}

cashu::Keyset token_keyset(Mint& mint) {
  const auto reply = mint.get("/v1/auth/blind/keys");
  require_ok(reply, "GET /v1/auth/blind/keys");
  const json::Value body = parsed(reply);
  const json::Value* list = body.find("keysets");
  require(list != nullptr && list->is_array() && !list->if_array()->empty(), "no keyset of tokens");
  auto keyset = cashu::keyset_from_json((*list->if_array())[0]);
  require(keyset.has_value(), "a keyset of tokens that is none");
  return *std::move(keyset);
}

Drafts token_drafts(Mint& mint, std::size_t n) {
  const cashu::Keyset keyset = token_keyset(mint);
  Drafts out;
  for (std::size_t i = 0; i < n; ++i) {
    const std::string secret = fresh_secret();
    const auto r = crypto::SecretKey::generate(system_random());
    out.push_back({{1, keyset.id, crypto::blind(crypto::hash_to_curve(as_bytes(secret)), r)}, secret, r});
  }
  return out;
}
std::string outputs_body(const Drafts& drafts) { return "{\"outputs\":" + outputs_json(drafts) + "}"; }

/// A header Blind-auth, DLEQ verified; base64 padded or not.
std::string token(Mint& mint, bool padded = true) {
  const Drafts drafts = token_drafts(mint, 1);
  const auto reply = send(mint, "POST", kMintTokens, outputs_body(drafts), clear_header());
  require_ok(reply, "POST /v1/auth/blind/mint");
  const json::Value body = parsed(reply);
  const json::Value* list = body.find("signatures");
  require(list != nullptr && list->is_array() && list->if_array()->size() == 1, "not one signature");
  const auto signature = cashu::blind_signature_from_json((*list->if_array())[0]);
  require(signature && signature->dleq, "a signature without DLEQ proof");
  const crypto::PublicKey key = token_keyset(mint).keys.begin()->second;
  require(crypto::verify_dleq(key, drafts[0].message.b_blinded, signature->c_blinded, *signature->dleq),
          "a DLEQ proof that is wrong");
  json::Value proof;
  proof.set("id", signature->id.hex()).set("secret", drafts[0].secret);
  proof.set("C", crypto::unblind(signature->c_blinded, drafts[0].r, key)->hex());
  std::string encoded = to_base64url(as_bytes(proof.dump()));
  while (padded && encoded.size() % 4 != 0) encoded += '=';
  return "Blind-auth: authA" + encoded;
}

void info(Mint& mint) {
  mint.need("21");
  mint.need("22");
  const json::Value& clear = *mint.nut("21");
  for (const char* name : {"openid_discovery", "client_id"})
    require(json::get_string(clear, name).has_value(), std::string("nuts.21 lacks ") + name);
  require(json::get_uint64(*mint.nut("22"), "bat_max_mint").value_or(0) > 0, "nuts.22 lacks bat_max_mint");
  for (const char* number : {"21", "22"}) {
    const json::Value* list = mint.nut(number)->find("protected_endpoints");
    require(list != nullptr && list->is_array(), std::string(number) + " lacks protected_endpoints");
  }
}

void keysets(Mint& mint) {
  mint.need("22");
  const cashu::Keyset keyset = token_keyset(mint);
  require(keyset.unit == "auth", "the unit is " + keyset.unit);
  require(keyset.keys.size() == 1 && keyset.keys.contains(1), "other amounts than 1");
  require(cashu::id_matches(keyset), "not the id of its keys");
  require_ok(mint.get("/v1/auth/blind/keysets"), "GET /v1/auth/blind/keysets");
  require_ok(mint.get("/v1/auth/blind/keys/" + keyset.id.hex()), "GET /v1/auth/blind/keys/{id}");
  for (const cashu::KeysetInfo& each : mint.keysets())
    require(each.unit != "auth", "/v1/keysets lists a keyset of tokens");
}

void clear_tokens(Mint& mint) {
  mint.need("21");
  if (!is_protected(mint, "21", "POST", kMintTokens)) throw Skipped("tokens are issued to everybody");
  const std::string body = outputs_body(token_drafts(mint, 1));
  require_code(send(mint, "POST", kMintTokens, body), {30001}, "no clear token");
  require_code(send(mint, "POST", kMintTokens, body, "Clear-auth: e30.e30.AAAA"), {30002}, "a forged token");
  std::string changed = clear_header();
  changed[changed.size() - 8] = changed[changed.size() - 8] == 'A' ? 'B' : 'A';
  require_code(send(mint, "POST", kMintTokens, body, changed), {30002}, "a token with another signature");
}

void issue(Mint& mint) {
  mint.need("22");
  const Drafts drafts = token_drafts(mint, 2);
  const auto first = send(mint, "POST", kMintTokens, outputs_body(drafts), clear_header());
  require_ok(first, "POST /v1/auth/blind/mint");
  const Drafts mixed{drafts[0], token_drafts(mint, 1)[0]};
  require_code(send(mint, "POST", kMintTokens, outputs_body(mixed), clear_header()), {11003},
               "an output again");
  const auto most = json::get_uint64(*mint.nut("22"), "bat_max_mint").value_or(0);
  require_code(send(mint, "POST", kMintTokens, outputs_body(token_drafts(mint, most + 1)), clear_header()),
               {31003}, "more than bat_max_mint");
  Drafts money = mint.drafts({1});
  require_refused(send(mint, "POST", kMintTokens, outputs_body(money), clear_header()), "outputs of money");
}

void no_money(Mint& mint) {
  mint.need("22");
  const Drafts outputs = token_drafts(mint, 1);
  cashu::Proof proof;
  proof.amount = 1;
  proof.id = outputs[0].message.id;
  proof.secret = fresh_secret();
  proof.c = outputs[0].message.b_blinded.bytes();
  const bool blind = is_protected(mint, "22", "POST", "/v1/swap");
  const std::string header = blind ? token(mint) : clear_header();
  require_code(send(mint, "POST", "/v1/swap", swap_body({proof}, outputs), header), {12001, 11013},
               "tokens as inputs of a swap");
}

/// A protected endpoint whose answer needs no money.
void spend(Mint& mint) {
  mint.need("22");
  if (!is_protected(mint, "22", "POST", "/v1/checkstate"))
    throw Skipped("/v1/checkstate wants no blind token");
  const std::string body = R"({"Ys":[")" + std::string("02") + std::string(64, '1') + "\"]}";
  const auto ask = [&](const std::string& header, const std::string& text) {
    return send(mint, "POST", "/v1/checkstate", text, header);
  };
  require_code(ask("Accept: */*", body), {31001}, "no blind token");
  require_code(ask("Blind-auth: authAe30", body), {31002}, "a token that is none");
  for (const bool padded : {true, false}) {
    const std::string mine = token(mint, padded);
    require_refused(ask(mine, "{}"), "a malformed request");
    require_ok(ask(mine, body),
               padded ? "a padded token" : "a token without padding, after a request that failed");
    require_code(ask(mine, body), {31002}, "a token that is spent");
  }
}

}  // namespace

std::vector<Case> auth_cases() {
  if (std::getenv("MINT_CLEAR_TOKEN") == nullptr) return {};
  return {
      {"auth-info", "NUT-21, 22", "/v1/info says whom to ask and what is protected", &info},
      {"auth-keys", "NUT-22", "the keyset of tokens is of unit auth and amount 1, and in no list of money",
       &keysets},
      {"auth-clear", "NUT-21", "tokens are issued to whom the provider knows: 30001, 30002", &clear_tokens},
      {"auth-issue", "NUT-22", "each output is signed once (11003), at most bat_max_mint at once (31003)",
       &issue},
      {"auth-money", "NUT-22", "tokens are no money", &no_money},
      {"auth-spend", "NUT-22", "a token, padded or not, is good for one request that succeeds: 31001, 31002",
       &spend},
  };
}

}  // namespace manastr::conformance
