// A mint with [auth] before an OpenID provider of its own: what the tests of NUT-21 and NUT-22 stand on.
#pragma once
#include <gtest/gtest.h>

#include "common/json/reader.h"
#include "mint_house.h"
#include "tests/support/http_exchange.h"
#include "tests/support/openid_provider.h"
#include "tests/support/temporary_folder.h"

namespace manastr::test {

inline constexpr const char* kMintTokens = "/v1/auth/blind/mint";

/// Mint and provider; what a wallet does with both.
class MintAuth : public testing::Test {
 protected:
  explicit MintAuth(OpenIdServer::Over over = OpenIdServer::Over::http) : provider_(over) {
    if (!provider_.certificate().empty()) ca_file_ = folder_.write("ca.pem", provider_.certificate());
  }
  std::string toml(const std::string& more = "") const {
    return "payment_timeout_seconds = 1\n[currencies.sat]\n[auth]\nopenid_discovery = \"" +
           provider_.discovery() +
           "\"\nopenid_client_id = \"wallet\"\nbat_max_mint = 10\nbat_max_hour = 60\n" +
           (ca_file_.empty() ? "" : "openid_ca_file = \"" + ca_file_ + "\"\n") +
           "clear = [\"POST /v1/restore\"]\nblind = [\"POST /v1/swap\", \"POST /v1/checkstate\", "
           "\"POST /v1/melt/*\", \"GET /v1/ws\", \"GET /v1/keys/*\", \"POST /v1/mint/bolt11/batch\"]\n" +
           more;
  }
  MintHouse& mint() {
    if (!mint_) mint_.emplace(MintHouse::Options{.toml = toml(), .auth = "", .environment = {}});
    return *mint_;
  }

  static std::int64_t in(int seconds) { return count(system_clock().now_seconds()) + seconds; }
  std::string clear(const std::string& subject = "alice") {
    return "Clear-auth: " + provider_.token(provider_.claims(subject, in(600)));
  }
  HttpAnswer post(const std::string& path, const std::string& body, const std::string& header = "X-None: 1") {
    return http_exchange("POST", mint().url() + path, {header, "Content-Type: application/json"}, body);
  }
  static int code(const HttpAnswer& answer) { return MintHouse::code_of({answer.status, answer.body}); }

  cashu::Keyset token_keyset() {
    const auto body = json::parse(mint().get("/v1/auth/blind/keys").body);
    return *cashu::keyset_from_json((*body->find("keysets")->if_array())[0]);
  }
  std::vector<Draft> token_drafts(std::size_t n, std::string_view secret = "") {
    const cashu::Keyset keyset = token_keyset();
    std::vector<Draft> out;
    for (std::size_t i = 0; i < n; ++i) {
      const std::string own = secret.empty() ? to_hex(system_random().bytes<32>()) : std::string(secret);
      const auto r = crypto::SecretKey::generate(system_random());
      out.push_back({{1, keyset.id, crypto::blind(crypto::hash_to_curve(as_bytes(own)), r)}, own, r});
    }
    return out;
  }
  /// As headers, DLEQ verified.
  std::vector<std::string> tokens(std::size_t n, const std::string& subject = "alice", bool padded = false) {
    const std::vector<Draft> drafts = token_drafts(n);
    const auto answer = post(kMintTokens, "{\"outputs\":" + outputs_json(drafts) + "}", clear(subject));
    EXPECT_EQ(answer.status, 200) << answer.body;
    const auto body = json::parse(answer.body);
    const auto signatures =
        cashu::blind_signatures_from_json(*body->find("signatures")->if_array(), n, "signatures").value();
    const crypto::PublicKey key = token_keyset().keys.at(1);
    std::vector<std::string> out;
    for (std::size_t i = 0; i < n; ++i) {
      EXPECT_TRUE(crypto::verify_dleq(key, drafts[i].message.b_blinded, signatures[i].c_blinded,
                                      signatures[i].dleq.value()));
      json::Value proof;
      proof.set("id", signatures[i].id.hex()).set("secret", drafts[i].secret);
      proof.set("C", crypto::unblind(signatures[i].c_blinded, drafts[i].r, key)->hex());
      std::string header = "Blind-auth: authA" + to_base64url(as_bytes(proof.dump()));
      while (padded && (header.size() - std::string_view("Blind-auth: authA").size()) % 4 != 0) header += '=';
      out.push_back(std::move(header));
    }
    return out;
  }
  std::string token() { return tokens(1)[0]; }
  /// What NUT-07 says, by a clear conscience.
  std::string state(const cashu::Proof& proof) {
    const auto answer = post("/v1/checkstate", R"({"Ys":[")" + proof.y().hex() + "\"]}", token());
    const auto body = json::parse(answer.body);
    return *(*body->find("states")->if_array())[0].find("state")->if_string();
  }
  std::string melt_quote(const std::string& description = "") {
    const std::string body =
        R"({"unit":"sat","request":")" + MintHouse::foreign_invoice(2, description) + "\"}";
    return member(post("/v1/melt/quote/bolt11", body, token()).body, "quote");
  }

  const TemporaryFolder folder_;
  OpenIdServer provider_;
  std::string ca_file_;
  std::optional<MintHouse> mint_;
};

}  // namespace manastr::test
