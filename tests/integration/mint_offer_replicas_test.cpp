// Two mints on one PostgreSQL and one offer (NUT-25) that is paid again and again: asked for, paid and minted
// at both at once, and still each payment is counted once and issued once.
// Rooms: common/mintclient common/cashu common/crypto lightning
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

#include "common/cashu/quote_signature.h"
#include "lightning/play_invoice.h"
#include "mint_house.h"
#include "tests/support/eventually.h"
#include "tests/support/postgres_cluster.h"

namespace manastr::test {
namespace {

using mintclient::HttpReply;

constexpr const char* kToml =
    "[keysets]\nmnemonic = \"abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon "
    "abandon about\"\n[currencies.sat]\n";
constexpr std::size_t kClients = 32;

class MintOfferReplicas : public testing::Test {
 protected:
  struct Quote {
    std::string id;
    std::string offer;
    crypto::SecretKey key;
  };
  MintHouse::Options options() {
    return {.toml = kToml, .auth = "", .environment = {{"DATABASE_URL", database_}}};
  }
  /// Its offer pays itself twice, 10 sat each time.
  Quote quote_at(MintHouse& mint) {
    auto key = crypto::SecretKey::generate(system_random());
    const auto reply =
        mint.post("/v1/mint/quote/bolt12",
                  R"({"unit":"sat","description":"{\"auto_pay_msat\":[10000,10000]}","pubkey":")" +
                      key.public_key().hex() + "\"}");
    EXPECT_EQ(reply.status, 200) << reply.body;
    return {member(reply.body, "quote"), member(reply.body, "request"), std::move(key)};
  }
  static std::string of(MintHouse& mint, const Quote& quote, const std::string& name) {
    return member(mint.get("/v1/mint/quote/bolt12/" + quote.id).body, name);
  }
  /// Both mints say so, soon.
  bool both_say(const Quote& quote, const std::string& name, const std::string& value) {
    return eventually([&] { return of(a_, quote, name) == value && of(b_, quote, name) == value; });
  }
  static std::string body(const Quote& quote, const std::vector<Draft>& outputs) {
    std::vector<cashu::BlindedMessage> messages;
    for (const Draft& each : outputs) messages.push_back(each.message);
    return mint_body(quote.id, outputs, cashu::sign_quote(quote.key, quote.id, messages));
  }
  /// `count` requests for these amounts, each for outputs of its own, at both at once. Returns how many were
  /// granted; the others were refused with one of `codes`.
  std::size_t mint_at_both(const Quote& quote, const std::vector<cashu::Amount>& amounts, std::size_t count,
                           const std::set<int>& codes) {
    std::vector<std::vector<Draft>> outputs;
    std::vector<std::string> bodies;
    for (std::size_t i = 0; i < count; ++i) {
      outputs.push_back(a_.drafts("sat", amounts));
      bodies.push_back(body(quote, outputs.back()));
    }
    const auto replies = post_at_both(a_, b_, "/v1/mint/bolt12", bodies);
    std::size_t granted = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (replies[i].status != 200) {
        EXPECT_TRUE(codes.contains(MintHouse::code_of(replies[i]))) << replies[i].body;
        continue;
      }
      ++granted;
      hold(a_.unblind(replies[i].body, outputs[i], "sat"));
      // The first half went to a.
      MintHouse& other = i < count / 2 ? b_ : a_;
      EXPECT_EQ(other.post("/v1/mint/bolt12", bodies[i]).body, replies[i].body) << "a retry at the other";
    }
    return granted;
  }
  void hold(const std::vector<cashu::Proof>& proofs) {
    held_.insert(held_.end(), proofs.begin(), proofs.end());
  }
  std::vector<cashu::Proof> buy(MintHouse& mint, const std::vector<cashu::Amount>& amounts) {
    auto out = mint.buy("sat", amounts);
    hold(out);
    return out;
  }
  static std::string melt_quote(MintHouse& mint, const std::string& offer, lightning::Msat msat) {
    const auto reply = mint.post(
        "/v1/melt/quote/bolt12",
        fmt::format(R"({{"unit":"sat","request":"{}","options":{{"amountless":{{"amount_msat":{}}}}}}})",
                    offer, msat));
    EXPECT_EQ(reply.status, 200) << reply.body;
    return member(reply.body, "quote");
  }
  lightning::Msat sent() const { return a_.book().sent + b_.book().sent; }

  const std::string database_ = PostgresCluster::instance().make_database();
  MintHouse a_{options()};
  MintHouse b_{options()};
  std::vector<cashu::Proof> held_;
};

TEST_F(MintOfferReplicas, CountAndIssueEachPaymentOnce) {
  for (int round = 0; round < 3; ++round) {
    SCOPED_TRACE(round);
    const Quote quote = quote_at(a_);
    // Asked for at both while its payments come, of which a's node alone knows.
    const std::vector<std::string> asks(kClients, R"({"quotes":[")" + quote.id + "\"]}");
    for (const HttpReply& reply : post_at_both(a_, b_, "/v1/mint/quote/bolt12/check", asks))
      EXPECT_EQ(reply.status, 200) << reply.body;
    ASSERT_TRUE(both_say(quote, "amount_paid", "20"));

    std::size_t granted = 0;
    EXPECT_TRUE(eventually([&] {
      granted += mint_at_both(quote, {2, 1}, kClients, {20005, 11005, 20002});
      return granted >= 6;
    })) << "until less than 3 are left";
    EXPECT_EQ(granted, 6U);
    EXPECT_TRUE(both_say(quote, "amount_issued", "18"));
    EXPECT_EQ(mint_at_both(quote, {2}, kClients, {20005, 20002}), 1U) << "what is left";
    EXPECT_EQ(mint_at_both(quote, {1}, 2, {20002}), 0U);
    EXPECT_TRUE(both_say(quote, "amount_issued", "20"));

    // Paid twice more at once by melts at a, whose node it is, while both are asked.
    std::vector<std::string> melts;
    for (int i = 0; i < 2; ++i)
      melts.push_back(melt_body(melt_quote(a_, quote.offer, 4'000), buy(i == 0 ? a_ : b_, {4})));
    std::thread asking([&] { post_at_both(a_, b_, "/v1/mint/quote/bolt12/check", asks); });
    for (const HttpReply& reply : a_.post_at_once("/v1/melt/bolt12", melts))
      EXPECT_EQ(member(reply.body, "state"), "PAID") << reply.body;
    asking.join();
    EXPECT_TRUE(both_say(quote, "amount_paid", "28"));
    granted = 0;
    EXPECT_TRUE(eventually([&] {
      granted += mint_at_both(quote, {4}, kClients, {20005, 11005, 20002});
      return granted >= 2;
    }));
    EXPECT_EQ(granted, 2U);
    EXPECT_TRUE(both_say(quote, "amount_issued", "28"));
    EXPECT_EQ(of(b_, quote, "amount_paid"), "28");
  }
  EXPECT_EQ(static_cast<std::int64_t>(a_.unspent(held_)) * 1000, a_.book_msat() + b_.book_msat());
  EXPECT_EQ(a_.faults(), "");
}

TEST_F(MintOfferReplicas, PayAnOfferOnceForEachMeltQuote) {
  const auto offer = *lightning::make_play_offer(
      crypto::SecretKey::generate(system_random()), lightning::Network::regtest,
      {std::nullopt, "tea", std::nullopt, false}, system_clock().now_seconds(), system_random());
  for (int round = 0; round < 3; ++round) {
    SCOPED_TRACE(round);
    const std::string quote = melt_quote(round % 2 == 0 ? a_ : b_, offer.text, 2'000);
    const lightning::Msat before = sent();
    const auto proofs = buy(a_, std::vector<cashu::Amount>(kClients, 2));
    std::vector<std::string> bodies;
    for (const cashu::Proof& each : proofs) bodies.push_back(melt_body(quote, {each}));
    const auto replies = post_at_both(a_, b_, "/v1/melt/bolt12", bodies);
    std::size_t paid = 0;
    for (const HttpReply& reply : replies) {
      if (reply.status == 200) {
        ++paid;
        EXPECT_EQ(member(reply.body, "state"), "PAID") << reply.body;
        continue;
      }
      const int code = MintHouse::code_of(reply);
      EXPECT_TRUE(code == 20005 || code == 20006) << reply.body;
    }
    EXPECT_EQ(paid, 1U);
    EXPECT_EQ(sent() - before, 2'000U);
    EXPECT_EQ(b_.unspent(proofs), 2 * (kClients - 1));
    for (MintHouse* mint : {&a_, &b_})
      EXPECT_EQ(member(mint->get("/v1/melt/quote/bolt12/" + quote).body, "state"), "PAID");
  }
  EXPECT_EQ(static_cast<std::int64_t>(a_.unspent(held_)) * 1000, a_.book_msat() + b_.book_msat());
  EXPECT_EQ(b_.faults(), "");
}

}  // namespace
}  // namespace manastr::test
