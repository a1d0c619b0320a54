// NUT-25: offers that are paid again and again and minted in parts, and melts to offers that pay once.
// Rooms: common/mintclient common/cashu common/crypto lightning
// Databases: both
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "common/cashu/quote_signature.h"
#include "common/crypto/hash.h"
#include "common/json/reader.h"
#include "lightning/bolt12.h"
#include "lightning/fake_node.h"
#include "lightning/play_invoice.h"
#include "mint_house.h"
#include "tests/support/websocket_client.h"

namespace manastr::test {
namespace {

using Proofs = std::vector<cashu::Proof>;
using mintclient::HttpReply;

constexpr const char* kToml =
    "payment_timeout_seconds = 1\n[currencies.sat]\n[currencies.mana]\n[currencies.loot]\n"
    "issued_by = [\"engine\"]\nmeltable = false\n";

std::string quoted_json(const std::string& text) { return json::Value(text).dump(); }
/// A description that makes an offer pay itself.
std::string paying(const std::vector<lightning::Msat>& amounts) {
  return fmt::format(R"({{"auto_pay_msat":[{}]}})", fmt::join(amounts, ","));
}
std::string script(const std::string& pay, const std::string& check, const std::string& more = "") {
  return fmt::format(
      R"({{"pay_invoice_state":"{}","check_payment_state":"{}","pay_err":false,"check_err":false{}}})", pay,
      check, more);
}
/// An offer of a node of nobody's.
std::string foreign_offer(std::optional<lightning::Msat> amount, const std::string& description,
                          auto change) {
  auto made = *lightning::make_play_offer(
      crypto::SecretKey::generate(system_random()), lightning::Network::regtest,
      {amount, description, std::nullopt, false}, system_clock().now_seconds(), system_random());
  change(made.offer);
  return *lightning::encode_offer(made.offer);
}
std::string foreign_offer(std::optional<lightning::Msat> amount, const std::string& description = "tea") {
  return foreign_offer(amount, description, [](lightning::Offer&) {});
}

class MintOffers : public testing::Test {
 protected:
  struct Quote {
    std::string id;
    std::string offer;
    crypto::SecretKey key;
  };
  HttpReply ask(const std::string& members) {
    return mint_.post("/v1/mint/quote/bolt12", "{" + members + "}");
  }
  Quote quote(const std::string& amount, const std::string& description = "",
              const std::string& unit = "sat") {
    auto key = crypto::SecretKey::generate(system_random());
    const auto reply = ask(fmt::format(R"("unit":"{}","amount":{},"description":{},"pubkey":"{}")", unit,
                                       amount, quoted_json(description), key.public_key().hex()));
    EXPECT_EQ(reply.status, 200) << reply.body;
    return {member(reply.body, "quote"), member(reply.body, "request"), std::move(key)};
  }
  std::string of(const Quote& quote, const std::string& name) {
    return member(mint_.get("/v1/mint/quote/bolt12/" + quote.id).body, name);
  }
  bool paid(const Quote& quote, const std::string& amount) {
    return eventually([&] { return of(quote, "amount_paid") == amount; });
  }
  static std::string signature(const Quote& quote, const std::vector<Draft>& outputs) {
    std::vector<cashu::BlindedMessage> messages;
    for (const Draft& each : outputs) messages.push_back(each.message);
    return cashu::sign_quote(quote.key, quote.id, messages);
  }
  static std::string body(const Quote& quote, const std::vector<Draft>& outputs) {
    return mint_body(quote.id, outputs, signature(quote, outputs));
  }
  HttpReply mint(const Quote& quote, const std::vector<cashu::Amount>& amounts) {
    return mint_.post("/v1/mint/bolt12", body(quote, mint_.drafts("sat", amounts)));
  }
  HttpReply ask_melt(const std::string& offer, const std::string& options = "") {
    return mint_.post("/v1/melt/quote/bolt12",
                      fmt::format(R"({{"unit":"sat","request":"{}"{}}})", offer, options));
  }
  std::string melt_quote(const std::string& offer, const std::string& options = "") {
    return member(ask_melt(offer, options).body, "quote");
  }
  static std::string amountless(lightning::Msat msat) {
    return fmt::format(R"(,"options":{{"amountless":{{"amount_msat":{}}}}})", msat);
  }
  HttpReply melt(const std::string& quote, const Proofs& inputs) {
    return mint_.post("/v1/melt/bolt12", melt_body(quote, inputs));
  }
  Proofs sats(const std::vector<cashu::Amount>& amounts) { return mint_.buy("sat", amounts); }
  static int code(const HttpReply& reply) { return MintHouse::code_of(reply); }

  MintHouse mint_{{.toml = kToml, .auth = "", .environment = {}}};
};

TEST_F(MintOffers, OneQuoteIsPaidAndMintedAgainAndAgain) {
  const Quote quote = this->quote("null", paying({3'000, 5'000}));
  ASSERT_TRUE(lightning::decode_offer(quote.offer)) << quote.offer;
  ASSERT_TRUE(paid(quote, "8"));
  EXPECT_EQ(of(quote, "method"), "bolt12");
  EXPECT_EQ(of(quote, "amount"), "null");
  EXPECT_EQ(of(quote, "state"), "") << "what can be paid again has no one state";
  EXPECT_EQ(of(quote, "pubkey"), quote.key.public_key().hex());
  const auto outputs = mint_.drafts("sat", {2});
  const auto first = mint_.post("/v1/mint/bolt12", body(quote, outputs));
  ASSERT_EQ(first.status, 200) << first.body;
  EXPECT_EQ(code(mint(quote, {8})), 11005) << "6 are left";
  EXPECT_EQ(mint(quote, {4, 2}).status, 200);
  EXPECT_EQ(code(mint(quote, {1})), 20002);
  EXPECT_EQ(of(quote, "amount_issued"), "8");
  // Paid once more, by a melt at this very mint.
  const auto paid_by_melt = melt(melt_quote(quote.offer, amountless(4'000)), sats({4}));
  ASSERT_EQ(member(paid_by_melt.body, "state"), "PAID") << paid_by_melt.body;
  ASSERT_TRUE(paid(quote, "12"));
  EXPECT_EQ(mint_.post("/v1/mint/bolt12", body(quote, outputs)).body, first.body) << "a retry";
  mint_.restart();
  EXPECT_EQ(of(quote, "amount_paid"), "12");
  EXPECT_EQ(mint_.post("/v1/mint/bolt12", body(quote, outputs)).body, first.body) << "also after a restart";
  EXPECT_EQ(mint(quote, {4}).status, 200);
  EXPECT_EQ(of(quote, "amount_issued"), "12");
}

TEST_F(MintOffers, AnOfferNamesTheQuotesAmountAndTakesMore) {
  const Quote quote = this->quote("7", "seven");
  const auto offer = *lightning::decode_offer(quote.offer);
  EXPECT_EQ(offer.amount, 7'000U);
  EXPECT_EQ(offer.description, "seven");
  EXPECT_EQ(std::to_string(*offer.expires_at), of(quote, "expiry"));
  ASSERT_TRUE(paid(quote, "7")) << "it pays itself once";
  EXPECT_EQ(of(quote, "amount"), "7");
  EXPECT_EQ(member(melt(melt_quote(quote.offer), sats({4, 2, 1})).body, "state"), "PAID");
  ASSERT_TRUE(paid(quote, "14"));
  EXPECT_EQ(mint(quote, {8, 4, 2}).status, 200);
}

TEST_F(MintOffers, AreForWhoHasAKeyAndInTheUnitsLimits) {
  const std::string key =
      ",\"pubkey\":\"" + crypto::SecretKey::generate(system_random()).public_key().hex() + "\"";
  EXPECT_EQ(code(ask(R"("unit":"sat","amount":1)")), 20009);
  EXPECT_EQ(code(ask(R"("unit":"sat","amount":1,"pubkey":null)")), 20009);
  EXPECT_EQ(code(ask(R"("unit":"sat","amount":1,"pubkey":"02ab")")), 20009);
  EXPECT_EQ(code(ask(R"("unit":"sat","amount":0)" + key)), 11006);
  EXPECT_EQ(code(ask(R"("unit":"sat","amount":1000001)" + key)), 11006);
  EXPECT_EQ(code(ask(R"("unit":"usd","amount":1)" + key)), 11013);
  EXPECT_EQ(code(ask(R"("unit":"loot","amount":1)" + key)), 20003);
  EXPECT_EQ(code(ask(R"("unit":"sat","amount":"1")" + key)), 10000);
  EXPECT_EQ(code(ask(R"("unit":"sat")" + key)), 0) << "no amount is any amount";
  const Quote quote = this->quote("2");
  ASSERT_TRUE(paid(quote, "2"));
  const auto outputs = mint_.drafts("sat", {2});
  EXPECT_EQ(code(mint_.post("/v1/mint/bolt12", mint_body(quote.id, outputs))), 20008);
  EXPECT_EQ(code(mint_.post("/v1/mint/bolt12",
                            mint_body(quote.id, outputs, signature(quote, mint_.drafts("sat", {2}))))),
            20008);
  EXPECT_EQ(code(mint(this->quote("null"), {1})), 20001);
}

TEST_F(MintOffers, AQuoteOfOneMethodIsUnknownToTheOther) {
  const Quote offer = quote("2");
  ASSERT_TRUE(paid(offer, "2"));
  const std::string invoice = mint_.paid_quote("sat", 2);
  const auto outputs = mint_.drafts("sat", {2});
  const std::string pair = R"({"quotes":[")" + offer.id + R"("]})";
  EXPECT_EQ(code(mint_.get("/v1/mint/quote/bolt11/" + offer.id)), 20000);
  EXPECT_EQ(code(mint_.get("/v1/mint/quote/bolt12/" + invoice)), 20000);
  EXPECT_EQ(code(mint_.post("/v1/mint/quote/bolt11/check", pair)), 20000);
  EXPECT_EQ(code(mint_.post("/v1/mint/bolt11", body(offer, outputs))), 20000);
  EXPECT_EQ(code(mint_.post("/v1/mint/bolt12", mint_body(invoice, outputs))), 20000);
  EXPECT_EQ(code(mint_.post("/v1/mint/bolt12/batch", R"({"quotes":[")" + invoice +
                                                         R"("],"quote_amounts":[2],"outputs":)" +
                                                         outputs_json(outputs) + "}")),
            20000);
  const std::string melt12 = melt_quote(foreign_offer(2'000));
  const std::string melt11 =
      member(mint_
                 .post("/v1/melt/quote/bolt11",
                       R"({"unit":"sat","request":")" + MintHouse::foreign_invoice(2) + "\"}")
                 .body,
             "quote");
  const Proofs inputs = sats({2});
  EXPECT_EQ(code(mint_.get("/v1/melt/quote/bolt11/" + melt12)), 20000);
  EXPECT_EQ(code(mint_.get("/v1/melt/quote/bolt12/" + melt11)), 20000);
  EXPECT_EQ(code(mint_.post("/v1/melt/bolt11", melt_body(melt12, inputs))), 20000);
  EXPECT_EQ(code(melt(melt11, inputs)), 20000);
  EXPECT_EQ(mint_.unspent(inputs), 2U);
  WebSocketClient client(mint_.url() + "/v1/ws");
  client.send(
      R"({"jsonrpc":"2.0","method":"subscribe","id":1,"params":{"kind":"bolt11_mint_quote","subId":"s",)"
      R"("filters":[")" +
      offer.id + "\"]}}");
  EXPECT_NE(client.text().find("-32602"), std::string::npos);
}

TEST_F(MintOffers, NoMoreIsIssuedThanWasPaidHoweverManyMintAtOnce) {
  const Quote quote = this->quote("null", paying({10'000, 10'000}));
  ASSERT_TRUE(paid(quote, "20"));
  std::vector<std::string> bodies;
  for (int i = 0; i < 16; ++i) bodies.push_back(body(quote, mint_.drafts("sat", {2, 1})));
  cashu::Amount issued = 0;
  for (int round = 0; round < 3; ++round) {
    for (const auto& reply : mint_.post_at_once("/v1/mint/bolt12", bodies)) {
      const int answer = code(reply);
      EXPECT_TRUE(answer == 0 || answer == 20005 || answer == 11005) << reply.body;
    }
  }
  EXPECT_TRUE(eventually([&] {
    const auto last = mint(quote, {2, 1});
    return code(last) == 11005;
  })) << "until less than 3 are left";
  issued = std::stoull(of(quote, "amount_issued"));
  EXPECT_EQ(issued, 18U);
  EXPECT_EQ(of(quote, "amount_paid"), "20");
}

TEST_F(MintOffers, ABatchTakesOfEachQuoteWhatItSays) {
  const Quote first = quote("null", paying({8'000}));
  const Quote second = quote("4");
  ASSERT_TRUE(paid(first, "8") && paid(second, "4"));
  const auto batch = [&](const std::string& amounts, const std::vector<Draft>& outputs) {
    return mint_.post("/v1/mint/bolt12/batch",
                      fmt::format(R"({{"quotes":["{}","{}"],{}"outputs":{},"signatures":["{}","{}"]}})",
                                  first.id, second.id, amounts, outputs_json(outputs),
                                  signature(first, outputs), signature(second, outputs)));
  };
  EXPECT_EQ(code(batch("", mint_.drafts("sat", {8}))), 10000) << "quote_amounts are needed";
  EXPECT_EQ(code(batch(R"("quote_amounts":[9,1],)", mint_.drafts("sat", {8}))), 11005);
  EXPECT_EQ(code(batch(R"("quote_amounts":[4,2],)", mint_.drafts("sat", {8}))), 11005);
  EXPECT_EQ(batch(R"("quote_amounts":[5,3],)", mint_.drafts("sat", {4, 2})).status, 200) << "less is fine";
  EXPECT_EQ(of(first, "amount_issued"), "5");
  EXPECT_EQ(of(second, "amount_issued"), "1");
  EXPECT_EQ(batch(R"("quote_amounts":[3,3],)", mint_.drafts("sat", {4, 2})).status, 200);
  EXPECT_EQ(code(batch(R"("quote_amounts":[0,0],)", mint_.drafts("sat", {1}))), 20002);
  const auto list = mint_.post("/v1/mint/quote/bolt12/check",
                               fmt::format(R"({{"quotes":["{}","{}"]}})", second.id, first.id));
  EXPECT_EQ(list.body, "[" + mint_.get("/v1/mint/quote/bolt12/" + second.id).body + "," +
                           mint_.get("/v1/mint/quote/bolt12/" + first.id).body + "]");
}

TEST_F(MintOffers, AMeltPaysAnOfferOncePerQuote) {
  const std::string offer = foreign_offer(2'000);
  const auto asked = ask_melt(offer);
  EXPECT_EQ(member(asked.body, "method"), "bolt12") << asked.body;
  EXPECT_EQ(member(asked.body, "amount"), "2");
  EXPECT_EQ(member(asked.body, "state"), "UNPAID");
  const std::string id = member(asked.body, "quote");
  const Proofs inputs = sats({2});
  const auto paid = melt(id, inputs);
  EXPECT_EQ(member(paid.body, "state"), "PAID") << paid.body;
  EXPECT_EQ(member(paid.body, "payment_preimage").size(), 64U);
  EXPECT_EQ(melt(id, inputs).body, paid.body) << "a retry";
  EXPECT_EQ(code(melt(id, sats({2}))), 20006);
  EXPECT_EQ(mint_.book().sent, 2'000U);
  const auto again = melt(melt_quote(offer), sats({2}));
  EXPECT_EQ(member(again.body, "state"), "PAID") << "an offer is paid as often as one likes";
  EXPECT_NE(member(again.body, "payment_preimage"), member(paid.body, "payment_preimage"));
  EXPECT_EQ(mint_.book().sent, 4'000U);
}

TEST_F(MintOffers, WhatCantBePaidIsRefusedWithTheRightCode) {
  const std::string open = foreign_offer(std::nullopt);
  const std::string fixed = foreign_offer(2'000);
  EXPECT_EQ(code(ask_melt(open)), 11011);
  EXPECT_EQ(code(ask_melt(open, amountless(0))), 11011);
  EXPECT_EQ(code(ask_melt(open, amountless(3'000))), 0);
  EXPECT_EQ(code(ask_melt(fixed, amountless(3'000))), 11012);
  EXPECT_EQ(code(ask_melt(fixed, amountless(2'000))), 0);
  EXPECT_EQ(code(ask_melt(fixed, R"(,"options":{"mpp":{"amount":1000}})")), 10000) << "offers have no parts";
  EXPECT_EQ(code(ask_melt(open, amountless(2'000'000'000))), 11006);
  EXPECT_EQ(code(ask_melt(foreign_offer(1, "tea", [](lightning::Offer& o) { o.currency = "USD"; }))), 11013);
  EXPECT_EQ(code(ask_melt(foreign_offer(1, "tea", [](lightning::Offer& o) { o.expires_at = 1; }))), 20007);
  EXPECT_EQ(code(ask_melt(foreign_offer(1, "tea", [](lightning::Offer& o) { o.chains.clear(); }))), 10000);
  EXPECT_EQ(code(ask_melt("lno1junk")), 10000);
  EXPECT_EQ(code(ask_melt(MintHouse::foreign_invoice(2))), 10000) << "an invoice is no offer";
  EXPECT_EQ(code(mint_.post("/v1/melt/quote/bolt12", R"({"unit":"usd","request":")" + fixed + "\"}")), 11013);
}

TEST_F(MintOffers, APaymentsEndDecidesAsItDoesForInvoices) {
  const Proofs failed = sats({4});
  EXPECT_EQ(code(melt(melt_quote(foreign_offer(2'000, script("UNKNOWN", "FAILED"))), failed)), 20004);
  EXPECT_EQ(mint_.unspent(failed), 4U);
  const Proofs late = sats({4});
  EXPECT_EQ(member(melt(melt_quote(foreign_offer(2'000, script("FAILED", "PAID"))), late).body, "state"),
            "PAID");
  const Proofs unknown = sats({4});
  const std::string id = melt_quote(foreign_offer(2'000, script("UNKNOWN", "UNKNOWN")));
  EXPECT_EQ(member(melt(id, unknown).body, "state"), "PENDING");
  mint_.restart();
  EXPECT_EQ(member(mint_.get("/v1/melt/quote/bolt12/" + id).body, "state"), "PENDING");
  EXPECT_EQ(code(mint_.post("/v1/swap", swap_body(unknown, mint_.drafts("sat", {4})))), 11002);
  EXPECT_EQ(code(melt(id, sats({4}))), 20005);
}

TEST_F(MintOffers, AMintKilledInAMeltPaysTheOfferOnceOrNotAtAll) {
  for (const char* point : {"mint.before-pay", "mint.after-pay"}) {
    SCOPED_TRACE(point);
    const Proofs inputs = sats({2});
    const lightning::Msat before = mint_.book().sent;
    mint_.restart({{"MANASTR_FAILPOINT", point}});
    const std::string id = melt_quote(foreign_offer(2'000));
    EXPECT_EQ(melt(id, inputs).status, 0);
    mint_.restart();
    const bool was_sent = std::string_view(point) == "mint.after-pay";
    EXPECT_TRUE(eventually([&] {
      return member(mint_.get("/v1/melt/quote/bolt12/" + id).body, "state") == (was_sent ? "PAID" : "UNPAID");
    }));
    EXPECT_EQ(mint_.book().sent - before, was_sent ? 2'000U : 0U);
    EXPECT_EQ(member(melt(id, inputs).body, "state"), "PAID") << "the retry";
    EXPECT_EQ(mint_.book().sent - before, 2'000U);
    EXPECT_EQ(mint_.unspent(inputs), 0U);
  }
}

TEST_F(MintOffers, WhatIsPaidWhileTheMintIsDownIsThereAfterwards) {
  const Quote quote = this->quote("null", paying({1'000}));
  ASSERT_TRUE(paid(quote, "1"));
  mint_.daemon().process().signal(SIGKILL);
  mint_.daemon().process().wait(std::chrono::seconds(5));
  {
    lightning::FakeNodeOptions options;
    options.file = mint_.folder() + "/data/fake-node.sqlite";
    const auto node = *lightning::FakeNode::open(options);
    const Hash32 id = lightning::offer_id(*lightning::decode_offer(quote.offer));
    ASSERT_TRUE(node->receive_through(id, 4'000));
    ASSERT_TRUE(node->receive_through(id, 2'000));
  }
  mint_.restart();
  ASSERT_TRUE(paid(quote, "7"));
  EXPECT_EQ(mint(quote, {4, 2, 1}).status, 200);
  EXPECT_EQ(mint_.book().received, 7'000U);
}

TEST_F(MintOffers, AreToldOfOverTheSocket) {
  const Quote quote = this->quote("null");
  WebSocketClient client(mint_.url() + "/v1/ws");
  const auto subscribe = [&](const std::string& kind, const std::string& id) {
    client.send(fmt::format(
        R"({{"jsonrpc":"2.0","method":"subscribe","params":{{"kind":"{0}","subId":"{0}","filters":["{1}"]}},"id":1}})",
        kind, id));
    EXPECT_NE(client.text().find("OK"), std::string::npos);
  };
  const auto payload = [&] {
    const auto message = json::parse(client.text());
    const json::Value* params = message ? message->find("params") : nullptr;
    return params == nullptr ? std::string() : params->find("payload")->dump();
  };
  subscribe("bolt12_mint_quote", quote.id);
  EXPECT_EQ(member(payload(), "amount_paid"), "0");
  const std::string id = melt_quote(quote.offer, amountless(2'000));
  EXPECT_EQ(member(melt(id, sats({2})).body, "state"), "PAID");
  EXPECT_EQ(member(payload(), "amount_paid"), "2");
  EXPECT_EQ(mint(quote, {2}).status, 200);
  EXPECT_EQ(member(payload(), "amount_issued"), "2");
  subscribe("bolt12_melt_quote", id);
  EXPECT_EQ(member(payload(), "state"), "PAID");
}

TEST_F(MintOffers, InfoSaysSo) {
  const auto info = *json::parse(mint_.get("/v1/info").body);
  const json::Value& nuts = *info.find("nuts");
  EXPECT_NE(nuts.find("25"), nullptr);
  for (const char* nut : {"4", "5"})
    EXPECT_NE(nuts.find(nut)->dump().find(R"("method":"bolt12","unit":"sat")"), std::string::npos) << nut;
  EXPECT_NE(nuts.find("17")->dump().find(R"(["bolt12_mint_quote","bolt12_melt_quote","proof_state"])"),
            std::string::npos);
  EXPECT_NE(nuts.find("19")->dump().find("/v1/mint/bolt12/batch"), std::string::npos);
  EXPECT_EQ(nuts.find("29")->find("methods")->dump(), R"(["bolt11","bolt12"])");
}

}  // namespace
}  // namespace manastr::test
