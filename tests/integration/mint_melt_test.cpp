// Melts whose payment does what real nodes do: fails, hangs for hours, fails and then succeeds, is a part of
// an invoice. Rooms: common/mintclient common/cashu
// Databases: both
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "common/json/reader.h"
#include "mint_house.h"

namespace manastr::test {
namespace {

using Proofs = std::vector<cashu::Proof>;
using mintclient::HttpReply;

constexpr const char* kMelt = "/v1/melt/bolt11";
constexpr const char* kQuote = "/v1/melt/quote/bolt11";

std::string script(const std::string& pay, const std::string& check, bool pay_err = false,
                   bool check_err = false, const std::string& more = "") {
  return fmt::format(
      R"({{"pay_invoice_state":"{}","check_payment_state":"{}","pay_err":{},"check_err":{}{}}})", pay, check,
      pay_err, check_err, more);
}

class MintMelts : public testing::Test {
 protected:
  Proofs sats(const std::vector<cashu::Amount>& amounts) { return mint_.buy("sat", amounts); }
  HttpReply quote(const std::string& invoice, const std::string& options = "") {
    return mint_.post(kQuote, fmt::format(R"({{"unit":"sat","request":"{}"{}}})", invoice, options));
  }
  std::string quote_id(const std::string& invoice, const std::string& options = "") {
    return member(quote(invoice, options).body, "quote");
  }
  HttpReply melt(const std::string& description, const Proofs& inputs) {
    last_quote_ = quote_id(MintHouse::foreign_invoice(2, description));
    return mint_.post(kMelt, melt_body(last_quote_, inputs));
  }
  std::string state() { return member(mint_.get(kQuote + ("/" + last_quote_)).body, "state"); }
  int swap(const Proofs& inputs) {
    cashu::Amount sum = 0;
    for (const auto& each : inputs) sum += each.amount;
    return MintHouse::code_of(mint_.post("/v1/swap", swap_body(inputs, mint_.drafts("sat", {sum}))));
  }

  MintHouse mint_{{.toml = "payment_timeout_seconds = 1\n[currencies.sat]\n", .auth = "", .environment = {}}};
  std::string last_quote_;
};

TEST_F(MintMelts, ADefiniteFailureGivesTheInputsBack) {
  for (const auto& description :
       {script("FAILED", "FAILED"), script("UNPAID", "UNPAID"), script("UNKNOWN", "FAILED"),
        script("FAILED", "FAILED", true), script("PENDING", "FAILED")}) {
    const Proofs inputs = sats({4});
    const auto reply = melt(description, inputs);
    EXPECT_EQ(MintHouse::code_of(reply), 20004) << description << reply.body;
    EXPECT_EQ(mint_.unspent(inputs), 4U) << description;
    EXPECT_EQ(state(), "UNPAID") << description;
    EXPECT_EQ(swap(inputs), 0) << description;
  }
}

TEST_F(MintMelts, WhatSucceedsAfterAllIsPaid) {
  for (const auto& description : {script("FAILED", "PAID"), script("UNKNOWN", "PAID"),
                                  script("PENDING", "PAID"), script("FAILED", "PAID", true)}) {
    const Proofs inputs = sats({4});
    const auto reply = melt(description, inputs);
    EXPECT_EQ(member(reply.body, "state"), "PAID") << description << reply.body;
    EXPECT_EQ(mint_.unspent(inputs), 0U) << description;
    EXPECT_EQ(swap(inputs), 11001) << description;
  }
}

TEST_F(MintMelts, WhatIsUnknownStaysLockedAlsoAfterARestart) {
  for (const auto& description : {script("UNKNOWN", "UNKNOWN"), script("PENDING", "PENDING"),
                                  script("FAILED", "UNKNOWN"), script("UNKNOWN", "FAILED", true, true)}) {
    const Proofs inputs = sats({4});
    const auto reply = melt(description, inputs);
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(member(reply.body, "state"), "PENDING") << description << reply.body;
    EXPECT_EQ(swap(inputs), 11002) << description;
    mint_.restart();
    EXPECT_EQ(state(), "PENDING") << description;
    EXPECT_EQ(swap(inputs), 11002) << description;
    EXPECT_EQ(MintHouse::code_of(mint_.post(kMelt, melt_body(last_quote_, sats({4})))), 20005) << description;
  }
}

TEST_F(MintMelts, APaymentUnderWayForHoursHoldsUpNothing) {
  const Proofs inputs = sats({4});
  const auto reply = melt(script("PAID", "PAID", false, false, R"(,"in_flight_ms":18000000)"), inputs);
  EXPECT_EQ(member(reply.body, "state"), "PENDING") << reply.body;
  const auto begun = std::chrono::steady_clock::now();
  mint_.restart();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(5)) << "the start waits for it";
  EXPECT_EQ(state(), "PENDING");
  EXPECT_EQ(swap(inputs), 11002);
  EXPECT_EQ(member(melt("", sats({4})).body, "state"), "PAID") << "others go on meanwhile";
  mint_.daemon().process().signal(SIGTERM);
  EXPECT_EQ(mint_.daemon().process().wait(std::chrono::seconds(6)), 0);
}

TEST_F(MintMelts, APaymentThatTakesAMomentIsWaitedFor) {
  const Proofs inputs = sats({4});
  const auto reply = melt(script("PAID", "PAID", false, false, R"(,"in_flight_ms":120)"), inputs);
  EXPECT_EQ(member(reply.body, "state"), "PAID") << reply.body;
}

TEST_F(MintMelts, AnAsyncOneIsAnsweredAtOnceAndEndsByItself) {
  const Proofs inputs = sats({4});
  last_quote_ =
      quote_id(MintHouse::foreign_invoice(2, script("PAID", "PAID", false, false, R"(,"in_flight_ms":300)")));
  std::string body = melt_body(last_quote_, inputs);
  body.insert(1, R"("prefer_async":true,)");
  EXPECT_EQ(member(mint_.post(kMelt, body).body, "state"), "PENDING");
  EXPECT_TRUE(eventually([&] { return state() == "PAID"; }));
  EXPECT_EQ(mint_.unspent(inputs), 0U);
}

TEST_F(MintMelts, TheFeeComesOutOfTheReserveAndTheRestComesBack) {
  mint_.configure("[currencies.sat]\nfee_reserve = 10.0\n");
  mint_.restart();
  const std::string id =
      quote_id(MintHouse::foreign_invoice(20, script("PAID", "PAID", false, false, R"(,"fee_msat":1000)")));
  const auto blanks = mint_.drafts("sat", {1, 1, 1, 1});
  const auto reply = mint_.post(kMelt, melt_body(id, sats({16, 8}), blanks));
  ASSERT_EQ(member(reply.body, "state"), "PAID") << reply.body;
  EXPECT_EQ(mint_.unspent(mint_.unblind(reply.body, blanks, "sat")), 3U) << "24 less 20 less 1";
  const std::string dear =
      quote_id(MintHouse::foreign_invoice(20, script("PAID", "PAID", false, false, R"(,"fee_msat":3000)")));
  const Proofs kept = sats({16, 8});
  EXPECT_EQ(MintHouse::code_of(mint_.post(kMelt, melt_body(dear, kept))), 20004) << "above the reserve of 2";
  EXPECT_EQ(mint_.unspent(kept), 24U);
}

TEST_F(MintMelts, TwoMintsPayOneInvoiceInParts) {
  MintHouse other({.toml = "[currencies.sat]\n", .auth = "", .environment = {}});
  const std::string invoice = MintHouse::foreign_invoice(10);
  const auto pay_part = [&](MintHouse& mint, std::uint64_t sat, const std::vector<cashu::Amount>& amounts) {
    const auto got = mint.post(
        kQuote, fmt::format(R"({{"unit":"sat","request":"{}","options":{{"mpp":{{"amount":{}}}}}}})", invoice,
                            sat * 1000));
    EXPECT_EQ(member(got.body, "amount"), std::to_string(sat)) << got.body;
    const auto paid = mint.post(kMelt, melt_body(member(got.body, "quote"), mint.buy("sat", amounts)));
    EXPECT_EQ(member(paid.body, "state"), "PAID") << paid.body;
    EXPECT_EQ(mint.book().sent, sat * 1000);
  };
  pay_part(mint_, 6, {4, 2});
  pay_part(other, 4, {4});
  EXPECT_EQ(MintHouse::code_of(mint_.post(
                kMelt, melt_body(quote_id(invoice, R"(,"options":{"mpp":{"amount":4000}})"), sats({4})))),
            20006)
      << "a mint pays one part of an invoice";
  const auto info = *json::parse(mint_.get("/v1/info").body);
  const json::Value* parts = info.find("nuts")->find("15");
  ASSERT_NE(parts, nullptr);
  EXPECT_EQ(parts->find("methods")->dump(), R"([{"method":"bolt11","unit":"sat"}])");
}

TEST_F(MintMelts, APartIsOfAnAmountThatTheInvoiceNames) {
  const std::string invoice = MintHouse::foreign_invoice(10);
  const auto code = [&](const std::string& options) {
    return MintHouse::code_of(quote(invoice, R"(,"options":)" + options));
  };
  EXPECT_EQ(code(R"({"mpp":{"amount":10001}})"), 11012);
  EXPECT_EQ(code(R"({"mpp":{"amount":0}})"), 11012);
  EXPECT_EQ(code(R"({"mpp":{}})"), 10000);
  EXPECT_EQ(code(R"({"mpp":{"amount":1000},"amountless":{"amount_msat":1000}})"), 11011);
  EXPECT_EQ(code(R"({"amountless":{"amount_msat":1000}})"), 11012);
  EXPECT_EQ(code(R"({"mpp":{"amount":10000}})"), 0) << "the whole is a part too";
  EXPECT_EQ(code(R"({"mpp":null,"amountless":null})"), 0);
}

TEST_F(MintMelts, APartOfItsOwnInvoicePaysNothing) {
  const Proofs inputs = sats({8});
  mint_.configure("auto_pay = false\n[currencies.sat]\n");
  mint_.restart();
  const auto own = mint_.post("/v1/mint/quote/bolt11", R"({"unit":"sat","amount":16})");
  const std::string id = quote_id(member(own.body, "request"), R"(,"options":{"mpp":{"amount":8000}})");
  EXPECT_EQ(MintHouse::code_of(mint_.post(kMelt, melt_body(id, inputs))), 20004);
  EXPECT_EQ(mint_.unspent(inputs), 8U);
  EXPECT_EQ(member(mint_.get("/v1/mint/quote/bolt11/" + member(own.body, "quote")).body, "state"), "UNPAID");
}

}  // namespace
}  // namespace manastr::test
