// NUT-29: several mint quotes asked for and issued at once, all or none.
// Rooms: common/mintclient common/cashu
// Databases: both
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "common/cashu/quote_signature.h"
#include "common/json/reader.h"
#include "mint_house.h"

namespace manastr::test {
namespace {

constexpr const char* kUnits =
    "[limits]\nmax_batch_quotes = 3\n[currencies.sat]\n[currencies.mana]\n[currencies.loot]\n";

class MintBatch : public testing::Test {
 protected:
  static std::string body(const std::vector<std::string>& quotes, const std::vector<Draft>& outputs,
                          const std::string& more = "") {
    return fmt::format(R"({{"quotes":["{}"],"outputs":{}{}}})", fmt::join(quotes, "\",\""),
                       outputs_json(outputs), more);
  }
  mintclient::HttpReply mint(const std::string& text) { return mint_.post("/v1/mint/bolt11/batch", text); }
  int code(const std::string& text) { return MintHouse::code_of(mint(text)); }
  std::string quote(const crypto::SecretKey& key, cashu::Amount amount) {
    const auto reply = mint_.post(
        "/v1/mint/quote/bolt11",
        fmt::format(R"({{"unit":"sat","amount":{},"pubkey":"{}"}})", amount, key.public_key().hex()));
    const std::string id = member(reply.body, "quote");
    EXPECT_TRUE(
        eventually([&] { return member(mint_.get("/v1/mint/quote/bolt11/" + id).body, "state") == "PAID"; }));
    return id;
  }

  MintHouse mint_{{.toml = kUnits, .auth = "", .environment = {}}};
};

TEST_F(MintBatch, IssuesAllQuotesInOneReplyThatARetryGetsAgain) {
  const std::vector<std::string> quotes{mint_.paid_quote("sat", 100), mint_.paid_quote("sat", 50)};
  const auto outputs = mint_.drafts("sat", {128, 16, 4, 2});
  const auto minted = mint(body(quotes, outputs, R"(,"quote_amounts":[100,50],"signatures":null)"));
  ASSERT_EQ(minted.status, 200) << minted.body;
  EXPECT_EQ(mint_.unspent(mint_.unblind(minted.body, outputs, "sat")), 150U);
  EXPECT_EQ(mint(body(quotes, outputs)).body, minted.body);
  mint_.restart();
  EXPECT_EQ(mint(body(quotes, outputs)).body, minted.body) << "also after a restart";
  for (const std::string& id : quotes) {
    EXPECT_EQ(member(mint_.get("/v1/mint/quote/bolt11/" + id).body, "state"), "ISSUED");
  }
  EXPECT_EQ(code(body(quotes, mint_.drafts("sat", {128, 16, 4, 2}))), 20002);
}

TEST_F(MintBatch, RefusesTheWholeBatchForAnyOfItsQuotes) {
  const std::string paid = mint_.paid_quote("sat", 8);
  const auto eight = mint_.drafts("sat", {8});
  EXPECT_EQ(code(body({paid, paid}, mint_.drafts("sat", {16}))), 11016);
  EXPECT_EQ(code(body({"a", "b", "c", "d"}, eight)), 11017);
  EXPECT_EQ(code(R"({"quotes":[],"outputs":)" + outputs_json(eight) + "}"), 10000);
  EXPECT_EQ(code(R"({"quotes":[7],"outputs":)" + outputs_json(eight) + "}"), 10000);
  EXPECT_EQ(code(body({paid, "nothing"}, eight)), 20000);
  EXPECT_EQ(code(body({paid, mint_.paid_quote("mana", 8)}, mint_.drafts("sat", {16}))), 11009);
  EXPECT_EQ(code(body({paid}, mint_.drafts("mana", {8}))), 11010);
  EXPECT_EQ(code(body({paid}, mint_.drafts("sat", {4}))), 11005) << "a batch takes all";
  EXPECT_EQ(code(body({paid}, mint_.drafts("sat", {16}))), 11005);
  EXPECT_EQ(code(body({paid}, eight, R"(,"quote_amounts":[4])")), 11005);
  EXPECT_EQ(code(body({paid}, eight, R"(,"quote_amounts":[8,8])")), 10000);
  EXPECT_EQ(code(body({paid}, eight, R"(,"quote_amounts":[-8])")), 10000);
  EXPECT_EQ(code(body({paid}, eight, R"(,"signatures":[])")), 20008);
  EXPECT_EQ(code(body({paid}, eight, R"(,"signatures":[1])")), 10000);
  EXPECT_EQ(code(body({paid}, eight, R"(,"signatures":[")" + std::string(128, 'a') + "\"]")), 20008)
      << "a signature where none belongs";
  EXPECT_EQ(code(body({paid}, eight, R"(,"signatures":[null])")), 0);
  EXPECT_EQ(code(body({paid, mint_.paid_quote("sat", 8)}, mint_.drafts("sat", {16}))), 20002);
}

TEST_F(MintBatch, WantsASignatureForEachLockedQuote) {
  const auto one = crypto::SecretKey::generate(system_random());
  const auto two = crypto::SecretKey::generate(system_random());
  const std::vector<std::string> quotes{quote(one, 8), mint_.paid_quote("sat", 4), quote(two, 2)};
  const auto outputs = mint_.drafts("sat", {8, 4, 2});
  std::vector<cashu::BlindedMessage> messages;
  for (const Draft& each : outputs) messages.push_back(each.message);
  const auto signatures = [&](const std::string& first, const std::string& third) {
    return body(quotes, outputs, fmt::format(R"(,"signatures":["{}",null,"{}"])", first, third));
  };
  const std::string by_one = cashu::sign_quote(one, quotes[0], messages);
  const std::string by_two = cashu::sign_quote(two, quotes[2], messages);
  EXPECT_EQ(code(body(quotes, outputs)), 20008);
  EXPECT_EQ(code(signatures(by_one, by_one)), 20008);
  EXPECT_EQ(code(signatures(by_one, cashu::sign_quote(two, quotes[0], messages))), 20008)
      << "over another quote's id";
  EXPECT_EQ(code(signatures(by_one, cashu::sign_quote(two, quotes[2], messages, true))), 0)
      << "either form of the message";
  EXPECT_EQ(code(signatures(by_one, by_two)), 0) << "a retry";
}

TEST_F(MintBatch, ChecksSeveralQuotesInTheOrderAsked) {
  const std::string first = mint_.paid_quote("sat", 8);
  const std::string second = mint_.paid_quote("mana", 4);
  const auto check = [&](const std::string& quotes) {
    return mint_.post("/v1/mint/quote/bolt11/check", R"({"quotes":[)" + quotes + "]}");
  };
  const auto both = check("\"" + second + "\",\"" + first + "\"");
  ASSERT_EQ(both.status, 200) << both.body;
  const auto list = *json::parse(both.body);
  ASSERT_EQ(list.if_array()->size(), 2U);
  EXPECT_EQ(*(*list.if_array())[0].find("quote"), json::Value(second));
  EXPECT_EQ(*(*list.if_array())[1].find("quote"), json::Value(first));
  EXPECT_EQ(*(*list.if_array())[1].find("state"), json::Value("PAID"));
  EXPECT_EQ((*list.if_array())[0].dump(), mint_.get("/v1/mint/quote/bolt11/" + second).body);
  EXPECT_EQ(MintHouse::code_of(check("\"" + first + "\",\"" + first + "\"")), 11016);
  EXPECT_EQ(MintHouse::code_of(check(R"("a","b","c","d")")), 11017);
  EXPECT_EQ(MintHouse::code_of(check("\"" + first + "\",\"nothing\"")), 20000);
  EXPECT_EQ(MintHouse::code_of(check("")), 10000);
}

TEST_F(MintBatch, OneQuoteIsIssuedOnceAmongBatchesAtOnce) {
  const std::string shared = mint_.paid_quote("sat", 8);
  std::vector<std::string> bodies;
  std::vector<std::vector<Draft>> outputs;
  for (int i = 0; i < 8; ++i) {
    outputs.push_back(mint_.drafts("sat", {16}));
    bodies.push_back(body({mint_.paid_quote("sat", 8), shared}, outputs.back()));
  }
  int done = 0;
  for (const auto& reply : mint_.post_at_once("/v1/mint/bolt11/batch", bodies)) {
    if (reply.status == 200) {
      ++done;
    } else {
      EXPECT_TRUE(MintHouse::code_of(reply) == 20002 || MintHouse::code_of(reply) == 20005) << reply.body;
    }
  }
  EXPECT_EQ(done, 1);
}

TEST_F(MintBatch, SaysSoInInfo) {
  const auto info = *json::parse(mint_.get("/v1/info").body);
  const json::Value* batch = info.find("nuts")->find("29");
  ASSERT_NE(batch, nullptr);
  EXPECT_EQ(*batch->find("max_batch_size"), json::Value(3));
  EXPECT_EQ(batch->find("methods")->dump(), R"(["bolt11","bolt12"])");
}

}  // namespace
}  // namespace manastr::test
