// Sixty-four clients at once: one proof is spent once, one output is signed once, one request is answered
// alike. Rooms: common/mintclient
// Databases: both
#include <gtest/gtest.h>

#include <set>

#include "mint_house.h"

namespace manastr::test {
namespace {

constexpr std::size_t kClients = 64;

struct Tally {
  std::size_t succeeded = 0;
  std::multiset<int> codes;
  std::string winner;
};

Tally tally(const std::vector<mintclient::HttpReply>& replies) {
  Tally out;
  for (const auto& reply : replies) {
    if (reply.status == 200) {
      ++out.succeeded;
      out.winner = reply.body;
    } else {
      out.codes.insert(MintHouse::code_of(reply));
    }
  }
  return out;
}

TEST(MintContention, OneProofIsSpentOnce) {
  MintHouse mint;
  const auto proofs = mint.buy("sat", std::vector<cashu::Amount>{8});
  std::vector<std::vector<Draft>> outputs;
  std::vector<std::string> bodies;
  for (std::size_t i = 0; i < kClients; ++i) {
    outputs.push_back(mint.drafts("sat", {8}));
    bodies.push_back(swap_body(proofs, outputs.back()));
  }
  const auto replies = mint.post_at_once("/v1/swap", bodies);
  const Tally result = tally(replies);
  EXPECT_EQ(result.succeeded, 1U);
  EXPECT_EQ(result.codes.count(11001) + result.codes.count(11002), kClients - 1);
  std::vector<cashu::Proof> held;
  for (std::size_t i = 0; i < kClients; ++i) {
    if (replies[i].status == 200) held = mint.unblind(replies[i].body, outputs[i], "sat");
  }
  EXPECT_EQ(mint.unspent(held) * 1000, static_cast<std::uint64_t>(mint.book_msat()));
  EXPECT_EQ(mint.faults(), "");
}

TEST(MintContention, OneOutputIsSignedOnce) {
  MintHouse mint;
  const auto proofs = mint.buy("sat", std::vector<cashu::Amount>(kClients, 4));
  const auto outputs = mint.drafts("sat", {4});
  std::vector<std::string> bodies;
  for (const cashu::Proof& proof : proofs) bodies.push_back(swap_body({proof}, outputs));
  const Tally result = tally(mint.post_at_once("/v1/swap", bodies));
  EXPECT_EQ(result.succeeded, 1U);
  EXPECT_EQ(result.codes.count(11003) + result.codes.count(11004), kClients - 1);
  std::vector<cashu::Proof> held = mint.unblind(result.winner, outputs, "sat");
  held.insert(held.end(), proofs.begin(), proofs.end());
  EXPECT_EQ(mint.unspent(held) * 1000, static_cast<std::uint64_t>(mint.book_msat()));
  EXPECT_EQ(mint.faults(), "");
}

TEST(MintContention, IdenticalRequestsGetEqualReplies) {
  MintHouse mint;
  const auto proofs = mint.buy("sat", std::vector<cashu::Amount>{4, 4});
  const std::string body = swap_body(proofs, mint.drafts("sat", {2, 2, 4}));
  const auto replies = mint.post_at_once("/v1/swap", std::vector<std::string>(kClients, body));
  for (const auto& reply : replies) {
    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(reply.body, replies.front().body);
  }
  mint.restart();
  EXPECT_EQ(mint.post("/v1/swap", body).body, replies.front().body)
      << "a retry gets the same reply after a restart too";
}

TEST(MintContention, OneQuoteIsIssuedOnce) {
  MintHouse mint;
  const std::string quote = mint.paid_quote("mana", 16);
  std::vector<std::string> bodies;
  for (std::size_t i = 0; i < kClients; ++i) bodies.push_back(mint_body(quote, mint.drafts("mana", {16})));
  const Tally result = tally(mint.post_at_once("/v1/mint/bolt11", bodies));
  EXPECT_EQ(result.succeeded, 1U);
  EXPECT_EQ(result.codes.count(20002) + result.codes.count(20005), kClients - 1);
}

TEST(MintContention, OneInvoiceIsPaidOnce) {
  MintHouse mint;
  const std::string quote_body = R"({"unit":"sat","request":")" + MintHouse::foreign_invoice(5) + "\"}";
  const auto proofs = mint.buy("sat", std::vector<cashu::Amount>(kClients * 2, 4));
  const std::int64_t before = mint.book_msat();
  std::vector<std::string> bodies;
  for (std::size_t i = 0; i < kClients; ++i) {  // a quote of its own for each: they share the invoice alone
    const std::string quote = member(mint.post("/v1/melt/quote/bolt11", quote_body).body, "quote");
    ASSERT_FALSE(quote.empty());
    bodies.push_back(melt_body(quote, {proofs[2 * i], proofs[2 * i + 1]}));
  }
  const Tally result = tally(mint.post_at_once("/v1/melt/bolt11", bodies));
  EXPECT_EQ(result.succeeded, 1U);
  EXPECT_EQ(result.codes.count(20005) + result.codes.count(20006), kClients - 1);
  EXPECT_EQ(before - mint.book_msat(), 5000);
  EXPECT_EQ(mint.unspent(proofs), (kClients - 1) * 8) << "every other melt gave its inputs back";
  EXPECT_EQ(mint.faults(), "");
}

}  // namespace
}  // namespace manastr::test
