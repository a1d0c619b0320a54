// NUT-21 and NUT-22: who may use which endpoint, and that a blind token is spent with its request or not.
// Rooms: common/mintclient common/cashu lightning mint/authentication
// Databases: both
#include "mint_auth.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "common/json/reader.h"
#include "tests/support/websocket_client.h"

namespace manastr::test {
namespace {

using Amounts = std::vector<cashu::Amount>;

TEST_F(MintAuth, IsAnnounced) {
  const auto info = json::parse(mint().get("/v1/info").body);
  const json::Value& nuts = *info->find("nuts");
  const json::Value& clear_part = *nuts.find("21");
  EXPECT_EQ(*clear_part.find("openid_discovery"), json::Value(provider_.discovery()));
  EXPECT_EQ(*clear_part.find("client_id"), json::Value("wallet"));
  EXPECT_EQ(clear_part.find("protected_endpoints")->dump(),
            R"([{"method":"POST","path":"/v1/restore"},{"method":"POST","path":"/v1/auth/blind/mint"}])");
  EXPECT_EQ(*nuts.find("22")->find("bat_max_mint"), json::Value(10));
  EXPECT_EQ(nuts.find("22")->find("protected_endpoints")->if_array()->size(), 6U);
  EXPECT_EQ(mint().get("/v1/auth/blind/keysets").status, 200);
  const cashu::Keyset keyset = token_keyset();
  EXPECT_EQ(keyset.unit, "auth");
  EXPECT_TRUE(cashu::id_matches(keyset));
  EXPECT_EQ(keyset.keys.size(), 1U);
  EXPECT_EQ(mint().get("/v1/auth/blind/keys/" + keyset.id.hex()).status, 200);
  EXPECT_EQ(MintHouse::code_of(mint().get("/v1/auth/blind/keys/00d0a1b24d1c1a53")), cashu::kKeysetUnknown);
}

TEST_F(MintAuth, AClearTokenIsAskedFor) {
  EXPECT_EQ(code(post("/v1/restore", R"({"outputs":[]})")), cashu::kClearAuthRequired);
  EXPECT_EQ(code(post("/v1/restore", R"({"outputs":[]})", token())), cashu::kClearAuthRequired);
  EXPECT_EQ(code(post("/v1/restore", R"({"outputs":[]})", "Clear-auth: x")), cashu::kClearAuthFailed);
  EXPECT_EQ(post("/v1/restore", R"({"outputs":[]})", clear()).status, 200);
  EXPECT_EQ(post("/v1/restore", R"({"outputs":[]})", clear()).status, 200) << "as often as one likes";
  const auto header = [&](const json::Value& claims) { return "Clear-auth: " + provider_.token(claims); };
  EXPECT_EQ(code(post("/v1/restore", "{}", header(provider_.claims("alice", in(-60))))),
            cashu::kClearAuthFailed);
  EXPECT_EQ(code(post("/v1/restore", "{}", header(provider_.claims("alice", in(60), "shop")))),
            cashu::kClearAuthFailed);
  EXPECT_EQ(code(post("/v1/restore", "{}",
                      "Clear-auth: " + ProviderKey::es256("first").token(provider_.claims("alice", in(60))))),
            cashu::kClearAuthFailed)
      << "by another key under the same id";
  EXPECT_EQ(code(post("/v1/restore", "{}", clear())), 10000) << "who may ask is told what is wrong";
}

TEST_F(MintAuth, TokensAreIssuedToWhomTheProviderKnows) {
  const std::vector<Draft> drafts = token_drafts(3);
  const std::string body = "{\"outputs\":" + outputs_json(drafts) + "}";
  EXPECT_EQ(code(post(kMintTokens, body)), cashu::kClearAuthRequired);
  const auto first = post(kMintTokens, body, clear());
  ASSERT_EQ(first.status, 200) << first.body;
  EXPECT_EQ(post(kMintTokens, body, clear()).body, first.body) << "a retry gets the same reply";
  EXPECT_EQ(code(post(kMintTokens, body)), cashu::kClearAuthRequired) << "but not without a token";
  mint().restart();
  EXPECT_EQ(post(kMintTokens, body, clear()).body, first.body);

  const auto ask = [&](const std::vector<Draft>& outputs) {
    return code(post(kMintTokens, "{\"outputs\":" + outputs_json(outputs) + "}", clear()));
  };
  EXPECT_EQ(ask({drafts[0], token_drafts(1)[0]}), cashu::kOutputsAlreadySigned);
  EXPECT_EQ(ask({drafts[0], drafts[0]}), cashu::kDuplicateOutputs);
  EXPECT_EQ(ask(token_drafts(11)), cashu::kTooManyBlindTokens);
  EXPECT_EQ(ask({}), 10000);
  EXPECT_EQ(ask(mint().drafts("sat", {1})), cashu::kKeysetUnknown) << "money is not given away here";
  std::vector<Draft> two = token_drafts(1);
  two[0].message.amount = 2;
  EXPECT_EQ(ask(two), cashu::kAmountOutsideLimit);
}

TEST_F(MintAuth, ASubjectGetsSoManyTokensInAnHour) {
  for (int i = 0; i < 6; ++i) tokens(10, "greedy");
  const auto refused =
      post(kMintTokens, "{\"outputs\":" + outputs_json(token_drafts(1)) + "}", clear("greedy"));
  // A new hour may have begun in between.
  if (refused.status != 200) {
    EXPECT_EQ(code(refused), cashu::kBlindTokensTooOften);
    EXPECT_NE(refused.headers.find("Retry-After: "), std::string::npos);
  }
  tokens(1, "another");
}

TEST_F(MintAuth, TokensAreNoMoney) {
  const auto has_auth = [&](const std::string& path) {
    return mint().get(path).body.find("\"auth\"") != std::string::npos;
  };
  EXPECT_FALSE(has_auth("/v1/keysets"));
  EXPECT_FALSE(has_auth("/v1/keys"));
  const auto proofs = mint().buy("sat", Amounts{1});
  EXPECT_EQ(code(post("/v1/swap", swap_body(proofs, token_drafts(1)), token())), cashu::kKeysetUnknown);
  cashu::Proof as_money = proofs[0];
  as_money.id = token_keyset().id;
  EXPECT_EQ(code(post("/v1/swap", swap_body({as_money}, mint().drafts("sat", {1})), token())),
            cashu::kKeysetUnknown);
  EXPECT_EQ(code(post("/v1/mint/quote/bolt11", R"({"unit":"auth","amount":1})")), cashu::kUnitUnsupported);
  const std::string quote = mint().paid_quote("sat", 1);
  EXPECT_EQ(code(post("/v1/mint/bolt11", mint_body(quote, token_drafts(1)))), cashu::kKeysetUnknown);
}

TEST_F(MintAuth, ATokenIsSpentWithItsSwap) {
  const auto proofs = mint().buy("sat", Amounts{8, 8, 8});
  const std::string body = swap_body({proofs[0]}, mint().drafts("sat", {8}));
  EXPECT_EQ(code(post("/v1/swap", body)), cashu::kBlindAuthRequired);
  EXPECT_EQ(code(post("/v1/swap", body, "Blind-auth: authAxyz")), cashu::kBlindAuthFailed);
  EXPECT_EQ(code(post("/v1/swap", body, clear())), cashu::kBlindAuthRequired);
  const std::vector<std::string> mine = tokens(3, "alice", true);
  EXPECT_EQ(code(post("/v1/swap", swap_body({proofs[0]}, mint().drafts("sat", {4})), mine[0])),
            cashu::kNotBalanced);
  EXPECT_EQ(code(post("/v1/swap", "{", mine[0])), 10000) << "errors spend no token";
  const auto done = post("/v1/swap", body, mine[0]);
  ASSERT_EQ(done.status, 200) << done.body;
  EXPECT_EQ(post("/v1/swap", body, mine[0]).body, done.body)
      << "the same token lets the same request in again";
  EXPECT_EQ(code(post("/v1/swap", body)), cashu::kBlindAuthRequired) << "a kept reply is not for everyone";

  const std::string other = swap_body({proofs[1]}, mint().drafts("sat", {8}));
  EXPECT_EQ(code(post("/v1/swap", other, mine[0])), cashu::kBlindAuthFailed);
  EXPECT_EQ(state(proofs[1]), "UNSPENT");
  EXPECT_EQ(code(post("/v1/checkstate", R"({"Ys":[]})", mine[0])), cashu::kBlindAuthFailed);
  mint().restart();
  EXPECT_EQ(post("/v1/swap", body, mine[0]).body, done.body);
  EXPECT_EQ(code(post("/v1/swap", other, mine[0])), cashu::kBlindAuthFailed);

  // A fresh token for what is done gets the reply too, and is spent by it.
  EXPECT_EQ(post("/v1/swap", body, mine[1]).body, done.body);
  EXPECT_EQ(code(post("/v1/swap", other, mine[1])), cashu::kBlindAuthFailed);
  EXPECT_EQ(post("/v1/swap", other, mine[2]).status, 200);
}

TEST_F(MintAuth, AnAnswerIsPaidForOnce) {
  const std::vector<std::string> mine = tokens(2);
  const std::string body = R"({"Ys":[]})";
  EXPECT_EQ(code(post("/v1/checkstate", "{}", mine[0])), 10000);
  EXPECT_EQ(post("/v1/checkstate", body, mine[0]).status, 200);
  EXPECT_EQ(code(post("/v1/checkstate", body, mine[0])), cashu::kBlindAuthFailed)
      << "this endpoint keeps no replies, so a token is good for one";
  const std::string keys = "/v1/keys/" + mint().keyset("sat").id.hex();
  EXPECT_EQ(MintHouse::code_of(mint().get(keys)), cashu::kBlindAuthRequired);
  EXPECT_EQ(http_exchange("HEAD", mint().url() + keys, {}).status, 400);
  EXPECT_EQ(http_exchange("GET", mint().url() + "/v1/keys/00d0a1b24d1c1a53", {mine[1]}).status, 400);
  EXPECT_EQ(http_exchange("GET", mint().url() + keys, {mine[1]}).status, 200);
  EXPECT_EQ(http_exchange("GET", mint().url() + keys, {mine[1]}).status, 400);
}

TEST_F(MintAuth, OfManyRequestsWithOneTokenOneIsDone) {
  constexpr std::size_t kRequests = 12;
  const auto proofs = mint().buy("sat", std::vector<cashu::Amount>(kRequests, 1));
  const std::vector<std::string> mine = tokens(2);
  std::atomic<int> done = 0;
  std::atomic<int> refused = 0;
  const auto at_once = [&](const std::function<HttpAnswer(std::size_t)>& request) {
    done = refused = 0;
    std::vector<std::thread> clients;
    for (std::size_t i = 0; i < kRequests; ++i) {
      clients.emplace_back([&, i] {
        const auto answer = request(i);
        if (answer.status == 200) ++done;
        if (code(answer) == cashu::kBlindAuthFailed) ++refused;
      });
    }
    for (auto& each : clients) each.join();
  };
  std::vector<std::string> swaps;
  for (const cashu::Proof& proof : proofs) swaps.push_back(swap_body({proof}, mint().drafts("sat", {1})));
  at_once([&](std::size_t i) { return post("/v1/swap", swaps[i], mine[0]); });
  EXPECT_EQ(done, 1);
  EXPECT_EQ(refused, static_cast<int>(kRequests) - 1);
  at_once([&](std::size_t) { return post("/v1/checkstate", R"({"Ys":[]})", mine[1]); });
  EXPECT_EQ(done, 1);
  EXPECT_EQ(refused, static_cast<int>(kRequests) - 1);
}

TEST_F(MintAuth, TheSameRequestAtOnceIsDoneAndPaidForOnce) {
  const auto proofs = mint().buy("sat", Amounts{8});
  const std::string body = swap_body(proofs, mint().drafts("sat", {8}));
  const std::vector<std::string> mine = tokens(4);
  std::vector<HttpAnswer> answers(8);
  std::vector<std::thread> clients;
  for (std::size_t i = 0; i < answers.size(); ++i)
    clients.emplace_back([&, i] { answers[i] = post("/v1/swap", body, mine[i % 4]); });
  for (auto& each : clients) each.join();
  for (const HttpAnswer& answer : answers) {
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, answers[0].body);
  }
  for (const std::string& each : mine)
    EXPECT_EQ(code(post("/v1/checkstate", R"({"Ys":[]})", each)), cashu::kBlindAuthFailed) << "all are spent";
}

TEST_F(MintAuth, ATokenOfAMeltThatFailedIsGoodAgain) {
  const auto proofs = mint().buy("sat", Amounts{2, 2});
  const std::string fails =
      R"({"pay_invoice_state":"FAILED","check_payment_state":"FAILED","pay_err":false,"check_err":false})";
  const std::string mine = token();
  const std::string body = melt_body(melt_quote(fails), {proofs[0]});
  EXPECT_EQ(code(post("/v1/melt/bolt11", body)), cashu::kBlindAuthRequired);
  EXPECT_EQ(code(post("/v1/melt/bolt11", body, mine)), cashu::kLightningFailed);
  const std::string paying = melt_body(melt_quote(), {proofs[0]});
  const auto paid = post("/v1/melt/bolt11", paying, mine);
  EXPECT_EQ(member(paid.body, "state"), "PAID") << paid.body;
  EXPECT_EQ(post("/v1/melt/bolt11", paying, mine).body, paid.body);
  EXPECT_EQ(code(post("/v1/melt/bolt11", melt_body(melt_quote(), {proofs[1]}), mine)),
            cashu::kBlindAuthFailed);
}

TEST_F(MintAuth, ASocketIsPaidForWithItsOpening) {
  const std::string mine = token();
  const std::vector<std::string> upgrade{"Upgrade: websocket", "Connection: Upgrade",
                                         "Sec-WebSocket-Version: 13",
                                         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="};
  EXPECT_EQ(code(http_exchange("GET", mint().url() + "/v1/ws", upgrade)), cashu::kBlindAuthRequired);
  EXPECT_THROW(WebSocketClient(mint().url() + "/v1/ws"), std::runtime_error);
  WebSocketClient client(mint().url() + "/v1/ws", mine + "\r\n");
  client.send(
      R"({"jsonrpc":"2.0","method":"subscribe","params":{"kind":"proof_state","subId":"s","filters":[]},"id":1})");
  EXPECT_NE(client.text(), "");
  EXPECT_THROW(WebSocketClient(mint().url() + "/v1/ws", mine + "\r\n"), std::runtime_error);
}

TEST_F(MintAuth, TheProvidersNewKeysAreFound) {
  EXPECT_EQ(post("/v1/restore", R"({"outputs":[]})", clear()).status, 200);
  provider_.add(ProviderKey::rs256("second"));
  provider_.forget_old();
  EXPECT_TRUE(eventually([&] { return post("/v1/restore", R"({"outputs":[]})", clear()).status == 200; }));
  provider_.set_away(true);
  EXPECT_EQ(post("/v1/restore", R"({"outputs":[]})", clear()).status, 200)
      << "those that are known stay in force";
}

TEST_F(MintAuth, WithoutAProviderItIsNotTheUsersFault) {
  provider_.set_away(true);
  const auto refused = post("/v1/restore", R"({"outputs":[]})", clear());
  EXPECT_EQ(refused.status, 503);
  EXPECT_NE(refused.headers.find("Retry-After: "), std::string::npos);
  EXPECT_EQ(mint().get("/v1/keysets").status, 200) << "the rest goes on";
  EXPECT_NE(mint().get("/health").body.find("degraded"), std::string::npos);
  provider_.set_away(false);
  EXPECT_TRUE(eventually([&] { return post("/v1/restore", R"({"outputs":[]})", clear()).status == 200; }));
}

TEST_F(MintAuth, PassesTheConformanceSuite) {
  const std::string token = clear("suite").substr(std::string_view("Clear-auth: ").size());
  const std::string out = mint().folder() + "/out";
  Process suite(std::string(MANASTR_BINARY_DIR) + "/tests/conformance/mint-conformance",
                {{"--mint", mint().url(), "--only", "auth-"}, {{"MINT_CLEAR_TOKEN", token}}, out});
  EXPECT_EQ(suite.wait(), 0);
  EXPECT_NE(read_file(out).find("6 passed, 0 failed, 0 skipped"), std::string::npos) << read_file(out);
}

class MintAuthOverTls : public MintAuth {
 protected:
  MintAuthOverTls() : MintAuth(OpenIdServer::Over::https) {}
};

TEST_F(MintAuthOverTls, TheProviderIsAskedOverTls) {
  EXPECT_EQ(post("/v1/restore", R"({"outputs":[]})", clear()).status, 200);
  EXPECT_EQ(post("/v1/checkstate", R"({"Ys":[]})", token()).status, 200);
}

}  // namespace
}  // namespace manastr::test
