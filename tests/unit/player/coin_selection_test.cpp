#include "player/coin_selection.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <numeric>

#include "common/crypto/keys.h"

namespace manastr::player {
namespace {

using cashu::Amount;

cashu::Keys keys_up_to(int bits) {
  const auto key = crypto::SecretKey::from_hex(std::string(63, '0') + "1").value().public_key();
  cashu::Keys out;
  for (int bit = 0; bit < bits; ++bit) out.emplace(Amount{1} << bit, key);
  return out;
}

Amount sum_of(const std::vector<Coin>& coins, const std::vector<std::size_t>& chosen) {
  return std::accumulate(chosen.begin(), chosen.end(), Amount{0},
                         [&](Amount sum, auto i) { return sum + coins[i].amount; });
}

TEST(SelectCoins, CoversTargetAndFeeWheneverThatIsPossible) {
  EXPECT_TRUE(rc::check("covering", [] {
    const auto ppk = *rc::gen::element<std::uint64_t>(0, 1, 100, 999, 1000, 2500);
    std::vector<Coin> coins;
    for (const int bit : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 12))) {
      coins.push_back({Amount{1} << bit, ppk, *rc::gen::arbitrary<bool>()});
    }
    const auto target = *rc::gen::inRange<Amount>(1, 20'000);
    const auto chosen = select_coins(coins, target, 500);
    if (!chosen) {
      // Not even all coins that are worth more than their fee cover it.
      std::vector<std::size_t> worthy;
      for (std::size_t i = 0; i < coins.size(); ++i) {
        if (coins[i].amount * 1000 > coins[i].input_fee_ppk) worthy.push_back(i);
      }
      RC_ASSERT(sum_of(coins, worthy) < target + fee_of_coins(coins, worthy).value());
      return;
    }
    RC_ASSERT(sum_of(coins, *chosen) >= target + fee_of_coins(coins, *chosen).value());
    const std::set<std::size_t> unique(chosen->begin(), chosen->end());
    RC_ASSERT(unique.size() == chosen->size());
  }));
}

TEST(SelectCoins, TakesTheExactCoinsWhereThereAreSome) {
  const std::vector<Coin> coins = {{64, 0, false}, {8, 0, false}, {4, 0, false}, {1, 0, false}};
  EXPECT_EQ(select_coins(coins, 13, 10), (std::vector<std::size_t>{1, 2, 3}));
  EXPECT_EQ(select_coins(coins, 14, 10), std::vector<std::size_t>{0});
  EXPECT_EQ(select_coins(coins, 70, 10), (std::vector<std::size_t>{1, 0}));
  EXPECT_EQ(select_coins(coins, 78, 10), std::nullopt);
  EXPECT_EQ(select_coins(coins, 77, 3), std::nullopt);
  EXPECT_EQ(select_coins(coins, 0, 10), std::nullopt);
}

TEST(SelectCoins, LeavesInactiveKeysetsFirst) {
  const std::vector<Coin> coins = {{8, 0, false}, {8, 0, true}};
  EXPECT_EQ(select_coins(coins, 8, 10), std::vector<std::size_t>{1});
}

TEST(Denominate, SumsUpInKeysOfTheKeyset) {
  EXPECT_TRUE(rc::check("denominate", [](std::uint32_t amount) {
    const auto pieces = denominate(amount, keys_up_to(32)).value();
    RC_ASSERT(std::accumulate(pieces.begin(), pieces.end(), Amount{0}) == amount);
    RC_ASSERT(std::ranges::is_sorted(pieces));
  }));
  EXPECT_EQ(denominate(10, keys_up_to(2)), (std::vector<Amount>{2, 2, 2, 2, 2}));
  EXPECT_EQ(denominate(Amount{1} << 40, keys_up_to(2)), std::nullopt);
  EXPECT_EQ(denominate(1, {}), std::nullopt);
}

TEST(StakeAmounts, CarryTheirOwnFeeExactly) {
  EXPECT_TRUE(rc::check("stake", [] {
    const auto stake = *rc::gen::inRange<Amount>(1, 5000);
    const auto ppk = *rc::gen::inRange<std::uint64_t>(0, 3000);
    const auto amounts = stake_amounts(stake, ppk, keys_up_to(32));
    if (!amounts) return;
    RC_ASSERT(!amounts->empty() && amounts->size() <= 12U);
    const Amount sum = std::accumulate(amounts->begin(), amounts->end(), Amount{0});
    RC_ASSERT(sum - (amounts->size() * ppk + 999) / 1000 == stake);
    for (const Amount amount : *amounts) RC_ASSERT(std::has_single_bit(amount));
  }));
}

TEST(StakeAmounts, WithoutFeesEveryStakeOfTwelveBitsCanBePaid) {
  for (Amount stake = 1; stake < 4096; ++stake) {
    EXPECT_EQ(stake_amounts(stake, 0, keys_up_to(32)), cashu::split_amount(stake));
  }
  EXPECT_EQ(stake_amounts(0x1fff, 0, keys_up_to(32)), std::nullopt);  // thirteen bits set
  EXPECT_EQ(stake_amounts(0, 0, keys_up_to(32)), std::nullopt);
}

}  // namespace
}  // namespace manastr::player
