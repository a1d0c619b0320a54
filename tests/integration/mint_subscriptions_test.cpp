// NUT-17 over the real socket: states at once and after each commit, and what a hostile client can't do.
// Rooms: common/mintclient common/cashu
// Databases: both
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "common/cashu/conditions.h"
#include "common/crypto/hash.h"
#include "common/json/reader.h"
#include "mint_house.h"
#include "tests/support/postgres_cluster.h"
#include "tests/support/websocket_client.h"

namespace manastr::test {
namespace {

class MintTells : public testing::Test {
 protected:
  WebSocketClient connect() { return WebSocketClient(mint_.url() + "/v1/ws"); }
  static std::string request(const std::string& method, const std::string& params, int id = 1) {
    return fmt::format(R"({{"jsonrpc":"2.0","method":"{}","params":{},"id":{}}})", method, params, id);
  }
  static std::string filters(const std::string& kind, const std::vector<std::string>& list,
                             const std::string& sub_id = "s") {
    std::string out;
    for (const std::string& each : list) out += (out.empty() ? "\"" : ",\"") + each + "\"";
    return fmt::format(R"({{"kind":"{}","subId":"{}","filters":[{}]}})", kind, sub_id, out);
  }
  /// Subscribes and reads the acceptance.
  static void subscribe(WebSocketClient& client, const std::string& kind,
                        const std::vector<std::string>& list, const std::string& sub_id = "s") {
    client.send(request("subscribe", filters(kind, list, sub_id)));
    EXPECT_EQ(client.text(),
              fmt::format(R"({{"jsonrpc":"2.0","result":{{"status":"OK","subId":"{}"}},"id":1}})", sub_id));
  }
  /// The payload of the next notification, as JSON; "" if none comes.
  static std::string payload(WebSocketClient& client) {
    const auto message = json::parse(client.text());
    const json::Value* params = message ? message->find("params") : nullptr;
    return params == nullptr ? "" : params->find("payload")->dump();
  }
  static std::string state(WebSocketClient& client) { return member(payload(client), "state"); }
  static int error_of(const std::string& text) {
    const auto message = json::parse(text);
    const json::Value* error = message ? message->find("error") : nullptr;
    return error == nullptr ? 0 : static_cast<int>(*error->find("code")->if_int64());
  }

  MintHouse mint_{{.toml = "payment_timeout_seconds = 1\n[currencies.sat]\n[currencies.loot]\n",
                   .auth = "",
                   .environment = {}}};
};

TEST_F(MintTells, OfAQuoteFromUnpaidToIssued) {
  const auto quote = mint_.post("/v1/mint/quote/bolt11", R"({"unit":"sat","amount":8})");
  const std::string id = member(quote.body, "quote");
  WebSocketClient client = connect();
  subscribe(client, "bolt11_mint_quote", {id});
  std::string first = payload(client);
  EXPECT_EQ(member(first, "quote"), id);
  if (member(first, "state") == "UNPAID") first = payload(client);
  EXPECT_EQ(member(first, "state"), "PAID");
  EXPECT_EQ(first, mint_.get("/v1/mint/quote/bolt11/" + id).body) << "as NUT-04 says it";
  ASSERT_EQ(mint_.post("/v1/mint/bolt11", mint_body(id, mint_.drafts("sat", {8}))).status, 200);
  EXPECT_EQ(state(client), "ISSUED");
}

TEST_F(MintTells, OfProofsAndOfTheMeltThatSpendsThem) {
  const auto proofs = mint_.buy("sat", std::vector<cashu::Amount>{4});
  const std::string y = proofs[0].y().hex();
  const std::string invoice = MintHouse::foreign_invoice(
      4, R"({"pay_invoice_state":"PAID","check_payment_state":"PAID","pay_err":false,"check_err":false,)"
         R"("in_flight_ms":200})");
  const std::string quote = member(
      mint_.post("/v1/melt/quote/bolt11", R"({"unit":"sat","request":")" + invoice + "\"}").body, "quote");
  WebSocketClient proof_client = connect();
  WebSocketClient quote_client = connect();
  subscribe(proof_client, "proof_state", {y});
  subscribe(quote_client, "bolt11_melt_quote", {quote});
  EXPECT_EQ(payload(proof_client), R"({"Y":")" + y + R"(","state":"UNSPENT","witness":null})");
  EXPECT_EQ(state(quote_client), "UNPAID");
  EXPECT_EQ(member(mint_.post("/v1/melt/bolt11", melt_body(quote, proofs)).body, "state"), "PAID");
  EXPECT_EQ(state(proof_client), "PENDING");
  EXPECT_EQ(state(proof_client), "SPENT");
  EXPECT_EQ(state(quote_client), "PENDING");
  EXPECT_EQ(state(quote_client), "PAID");
}

TEST_F(MintTells, EveryoneWhoWaitsAndNobodyWhoLeft) {
  const auto proofs = mint_.buy("sat", std::vector<cashu::Amount>{4, 2});
  WebSocketClient one = connect();
  WebSocketClient two = connect();
  {
    WebSocketClient gone = connect();
    subscribe(gone, "proof_state", {proofs[0].y().hex()});
  }
  subscribe(one, "proof_state", {proofs[0].y().hex(), proofs[1].y().hex()}, "both");
  subscribe(two, "proof_state", {proofs[0].y().hex()}, "first");
  EXPECT_EQ(state(one), "UNSPENT");
  EXPECT_EQ(state(one), "UNSPENT");
  EXPECT_EQ(state(two), "UNSPENT");
  two.send(request("unsubscribe", R"({"subId":"first"})", 9));
  EXPECT_EQ(two.text(), R"({"jsonrpc":"2.0","result":{"status":"OK","subId":"first"},"id":9})");
  ASSERT_EQ(mint_.post("/v1/swap", swap_body(proofs, mint_.drafts("sat", {4, 2}))).status, 200);
  for (const char* expected : {"PENDING", "SPENT", "PENDING", "SPENT"}) EXPECT_EQ(state(one), expected);
  two.send(request("unsubscribe", R"({"subId":"first"})"));
  EXPECT_EQ(error_of(two.text()), -32602) << "the next that it hears is this";
}

TEST_F(MintTells, AWitnessOnlyOnceItIsSpent) {
  const crypto::SecretKey key = crypto::SecretKey::generate(system_random());
  const std::string secret = fmt::format(R"(["P2PK",{{"nonce":"{}","data":"{}"}}])",
                                         to_hex(system_random().bytes<16>()), key.public_key().hex());
  auto proofs = mint_.buy("sat", std::vector<Draft>{mint_.draft("sat", 4, secret)});
  WebSocketClient client = connect();
  subscribe(client, "proof_state", {proofs[0].y().hex()});
  EXPECT_EQ(state(client), "UNSPENT");
  proofs[0].witness = cashu::p2pk_witness(
      {crypto::sign_schnorr(key, crypto::sha256(as_bytes(secret)), system_random().bytes<32>())});
  ASSERT_EQ(mint_.post("/v1/swap", swap_body(proofs, mint_.drafts("sat", {4}))).status, 200);
  const std::string pending = payload(client);
  EXPECT_EQ(member(pending, "state"), "PENDING");
  EXPECT_EQ(member(pending, "witness"), "null");
  EXPECT_EQ(member(payload(client), "witness"), *proofs[0].witness);
}

TEST_F(MintTells, OffWhatIsNoRequest) {
  WebSocketClient client = connect();
  const auto error = [&](const std::string& text) {
    client.send(text);
    return error_of(client.text());
  };
  EXPECT_EQ(error("{"), -32700);
  EXPECT_EQ(error("[]"), -32600);
  EXPECT_EQ(error(request("mint", "{}")), -32601);
  EXPECT_EQ(error(request("subscribe", filters("bolt12_mint_quote", {"a"}))), -32602);
  EXPECT_EQ(error(request("subscribe", filters("bolt11_mint_quote", {"nothing"}))), -32602);
  EXPECT_EQ(error(request("unsubscribe", R"({"subId":"none"})")), -32602);
  EXPECT_EQ(mint_.get("/v1/ws").status, 426);
  client.send("\x01\x02", WebSocketClient::kBinary);
  EXPECT_EQ(client.receive()->close_code(), 1003);
  WebSocketClient talker = connect();
  talker.send(std::string(200'000, ' '));
  const auto closed = talker.receive();
  EXPECT_TRUE(!closed || closed->close_code() == 1009);
}

TEST_F(MintTells, WhoReadsTooSlowlyIsCutOffAndNobodyElseNotices) {
  std::vector<std::string> ys;
  for (int i = 0; i < 1'000; ++i) ys.push_back("02" + to_hex(system_random().bytes<32>()));
  const std::string again = request("subscribe", filters("proof_state", ys)),
                    off = request("unsubscribe", R"({"subId":"s"})");
  WebSocketClient slow = connect();
  WebSocketClient other = connect();
  constexpr int kRounds = 30, kAtOnce = 10;
  for (int round = 0; round < kRounds; ++round) {
    for (int i = 0; i < kAtOnce; ++i) {
      slow.send(again);
      slow.send(off);
    }
    other.send(off);  // messages are answered in the order they came
    EXPECT_EQ(error_of(other.text()), -32602);
  }
  std::size_t heard = 0;
  while (const auto message = slow.receive()) heard += message->payload.size();
  EXPECT_LT(heard, kRounds * kAtOnce * 150'000U) << "it ended before all was said";
  subscribe(other, "proof_state", {ys[0]});
  EXPECT_EQ(state(other), "UNSPENT");
}

TEST_F(MintTells, WhatAnotherMintOnTheSameDatabaseDid) {
  const std::map<std::string, std::string> environment{
      {"DATABASE_URL", PostgresCluster::instance().make_database()},
      {"MINT_MNEMONIC",
       "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon "
       "abandon about"}};
  MintHouse here({.toml = "[currencies.sat]\n", .auth = "", .environment = environment});
  MintHouse there({.toml = "[currencies.sat]\n", .auth = "", .environment = environment});
  const auto proofs = here.buy("sat", std::vector<cashu::Amount>{4});
  WebSocketClient client(here.url() + "/v1/ws");
  subscribe(client, "proof_state", {proofs[0].y().hex()});
  EXPECT_EQ(state(client), "UNSPENT");
  ASSERT_EQ(there.post("/v1/swap", swap_body(proofs, there.drafts("sat", {4}))).status, 200);
  EXPECT_EQ(state(client), "PENDING");
  EXPECT_EQ(state(client), "SPENT");
}

TEST_F(MintTells, GoodbyeWhenItStops) {
  WebSocketClient client = connect();
  subscribe(client, "proof_state", {"02" + std::string(64, 'a')});
  EXPECT_EQ(state(client), "UNSPENT");
  mint_.daemon().process().signal(SIGTERM);
  const auto closed = client.receive();
  ASSERT_TRUE(closed);
  EXPECT_EQ(closed->close_code(), 1001);
}

TEST_F(MintTells, InInfoWhatItHas) {
  const auto info = *json::parse(mint_.get("/v1/info").body);
  EXPECT_EQ(info.find("nuts")->find("17")->dump(),
            R"({"supported":[{"method":"bolt11","unit":"sat","commands":["bolt11_mint_quote",)"
            R"("bolt11_melt_quote","proof_state"]},{"method":"bolt11","unit":"loot",)"
            R"("commands":["bolt11_melt_quote","proof_state"]},)"
            R"({"method":"bolt12","unit":"sat","commands":["bolt12_mint_quote",)"
            R"("bolt12_melt_quote","proof_state"]},{"method":"bolt12","unit":"loot",)"
            R"("commands":["bolt12_melt_quote","proof_state"]}]})");
}

}  // namespace
}  // namespace manastr::test
