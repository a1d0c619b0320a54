// A mint whose Lightning node makes and pays no offers: it says so, and mints what was paid to former ones.
// Rooms: common/mintclient common/cashu common/crypto lightning
// Databases: both
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "common/cashu/quote_signature.h"
#include "lightning/play_invoice.h"
#include "mint_house.h"
#include "tests/support/eventually.h"

namespace manastr::test {
namespace {

constexpr const char* kWithout = "offers = false\n[currencies.sat]\n";

class MintWithoutOffers : public testing::Test {
 protected:
  mintclient::HttpReply ask() {
    return mint_.post("/v1/mint/quote/bolt12",
                      R"({"unit":"sat","amount":2,"pubkey":")" + key_.public_key().hex() + "\"}");
  }
  mintclient::HttpReply ask_melt() {
    const auto offer =
        *lightning::make_play_offer(key_, lightning::Network::regtest, {2'000, "tea", std::nullopt, false},
                                    system_clock().now_seconds(), system_random());
    return mint_.post("/v1/melt/quote/bolt12", R"({"unit":"sat","request":")" + offer.text + "\"}");
  }
  static std::string detail(const mintclient::HttpReply& reply) { return member(reply.body, "detail"); }

  const crypto::SecretKey key_ = crypto::SecretKey::generate(system_random());
  MintHouse mint_{{.toml = kWithout, .auth = "", .environment = {}}};
};

TEST_F(MintWithoutOffers, SaysSoAndRefusesThem) {
  const std::string info = mint_.get("/v1/info").body;
  EXPECT_EQ(info.find("bolt12"), std::string::npos) << info;
  EXPECT_EQ(info.find("\"25\""), std::string::npos) << info;
  for (const auto& reply : {ask(), ask_melt()}) {
    EXPECT_EQ(reply.status, 400);
    EXPECT_EQ(MintHouse::code_of(reply), 10000) << reply.body;
  }
  EXPECT_NE(detail(ask()).find("makes no offers: ask for a bolt11 quote"), std::string::npos);
  EXPECT_NE(detail(ask_melt()).find("pays no offers: ask the payee for a BOLT11 invoice"), std::string::npos);
  EXPECT_EQ(MintHouse::code_of(mint_.get("/v1/mint/quote/bolt12/none")), 20000);
  EXPECT_EQ(mint_.book().offer_payments, 0U);
  EXPECT_EQ(mint_.unspent(mint_.buy("sat", std::vector<cashu::Amount>{4})), 4U) << "invoices as ever";
}

TEST_F(MintWithoutOffers, WhatWasPaidToOffersOfBeforeIsMinted) {
  mint_.configure("[currencies.sat]\n");
  mint_.restart();
  const std::string quote = member(ask().body, "quote");
  const auto paid = [&] {
    return member(mint_.get("/v1/mint/quote/bolt12/" + quote).body, "amount_paid") == "2";
  };
  ASSERT_TRUE(eventually(paid));
  const std::string melt = member(ask_melt().body, "quote");
  const auto inputs = mint_.buy("sat", std::vector<cashu::Amount>{2});

  mint_.configure(kWithout);
  mint_.restart();
  EXPECT_TRUE(paid());
  const auto outputs = mint_.drafts("sat", {2});
  const auto minted =
      mint_.post("/v1/mint/bolt12",
                 mint_body(quote, outputs, cashu::sign_quote(key_, quote, {outputs.front().message})));
  ASSERT_EQ(minted.status, 200) << minted.body;
  EXPECT_EQ(mint_.unspent(mint_.unblind(minted.body, outputs, "sat")), 2U);
  // A quote to pay one is worth nothing any more, and costs nothing.
  EXPECT_EQ(MintHouse::code_of(mint_.post("/v1/melt/bolt12", melt_body(melt, inputs))), 20004);
  EXPECT_EQ(mint_.unspent(inputs), 2U);
  EXPECT_EQ(mint_.book().sent, 0U);
}

}  // namespace
}  // namespace manastr::test
