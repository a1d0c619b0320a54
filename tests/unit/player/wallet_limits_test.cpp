// A mint that takes few inputs, outputs and Ys at once.
#include "tests/unit/player/wallet_fixture.h"

namespace manastr::player {
namespace {

class WalletLimitsTest : public WalletTest {
 protected:
  WalletLimitsTest() { mint->most_at_once = 8; }
  /// So many proofs of 1.
  void fill_with_ones(Wallet& wallet, int count) {
    for (int i = 0; i < count; ++i) fund(wallet, 1);
  }
};

TEST_F(WalletLimitsTest, SmallProofsAreSwappedForLargerOnesBeforeTheyArePaidWith) {
  auto wallet = open();
  fill_with_ones(*wallet, 40);
  EXPECT_EQ(must(wallet->send("mana", 35)).proofs.size(), 3U);
  EXPECT_EQ(must(wallet->balance("mana")).available, 5U);
  const auto poor = wallet->send("mana", 6);
  ASSERT_FALSE(poor);
  EXPECT_EQ(poor.error().code, cashu::kNotBalanced);
  EXPECT_EQ(must(wallet->balance("mana")).available, 5U);
}

TEST_F(WalletLimitsTest, APaymentIsMadeOfSmallProofs) {
  auto wallet = open();
  fill_with_ones(*wallet, 40);
  const auto quote = must(wallet->request_melt("lnbc30", "mana"));
  EXPECT_EQ(must(wallet->melt(quote)).state, mintclient::QuoteState::paid);
}

TEST_F(WalletLimitsTest, AStakeIsLockedOfSmallProofs) {
  auto wallet = open();
  fill_with_ones(*wallet, 40);
  EXPECT_EQ(must(wallet->lock("match", "mana", 31, stake_lock(mint->now))).size(), 5U);
  mint->most_at_once = 3;
  wallet = open();
  EXPECT_TRUE(wallet->stake_cost("mana", 4 + 2 + 1));
  const auto refused = wallet->stake_cost("mana", 8 + 4 + 2 + 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::invalid);
}

TEST_F(WalletLimitsTest, ALongTokenIsReceivedInParts) {
  auto wallet = open();
  fill_with_ones(*wallet, 20);
  for (int i = 0; i < 20; ++i) must(wallet->send("mana", 1));
  const auto tokens = must(wallet->sent());
  ASSERT_EQ(tokens.front().proofs.size(), 20U);
  auto other = open("other.db", 2);
  EXPECT_EQ(must(other->receive(tokens.front())), 20U);
  EXPECT_EQ(must(other->balance("mana")).available, 20U);
}

TEST_F(WalletLimitsTest, AllOfItIsRestoredAndChecked) {
  fill_with_ones(*open(), 20);
  auto found = open("found.db");
  EXPECT_EQ(must(found->restore()).proofs, 20U);
  EXPECT_EQ(must(found->restore()).proofs, 0U);
  EXPECT_EQ(must(found->balance("mana")).available, 20U);
}

}  // namespace
}  // namespace manastr::player
