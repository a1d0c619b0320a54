#include "mint/keysets/rotation.h"

#include <gtest/gtest.h>

#include "tests/support/skewed_clock.h"

namespace manastr::mint {
namespace {

constexpr Millis kDay{86'400'000};

/// A ledger's records alone.
class Records final : public KeysetStore {
 public:
  Result<std::vector<KeysetRecord>> keysets() override {
    ++reads;
    if (away) return unavailable("away");
    return now;
  }
  Result<bool> change_keysets(const std::vector<KeysetRecord>& before,
                              const std::vector<KeysetRecord>& after) override {
    if (!meanwhile.empty()) now = std::exchange(meanwhile, {});
    if (full) return unavailable("full");
    if (before != now) return false;
    TRY_STATUS(check_change(before, after));
    now = after;
    return true;
  }
  Result<bool> has_pending(std::uint32_t) override { return pending; }
  Result<Pruned> prune(std::uint32_t keyset) override {
    pruned.push_back(keyset);
    return pruned.size() % 3 == 0 ? Pruned::done : Pruned::more;
  }

  std::vector<KeysetRecord> now;
  std::vector<KeysetRecord> meanwhile;  ///< what another mint writes right before the next change
  bool pending = false;
  bool away = false;
  bool full = false;
  int reads = 0;
  std::vector<std::uint32_t> pruned;
};

class RotationTest : public testing::Test {
 protected:
  RotationTest() {
    CurrencyConfiguration mana;
    mana.name = mana.unit = "mana";
    configuration_.currencies = {mana};
    configuration_.keysets.rotate_every = Seconds{30 * 86'400};
    configuration_.keysets.overlap = Seconds{3'600};
    configuration_.keysets.lifetime = Seconds{90 * 86'400};
  }
  std::unique_ptr<Rotation> open() {
    auto opened = Rotation::open(Derivations(crypto::Secret<64>(ByteArray<64>{7})), records_, configuration_,
                                 {.shared = true}, clock_);
    EXPECT_TRUE(opened) << opened.error().message;
    return *std::move(opened);
  }
  static const SigningKeyset* active(Rotation& rotation) { return rotation.keysets().now()->active("mana"); }

  test::SkewedClock clock_{system_clock(), Millis{0}};
  Configuration configuration_;
  Records records_;
};

TEST_F(RotationTest, StoresAKeysetBeforeItIsInForce) {
  const auto rotation = open();
  const auto before = *active(*rotation);
  clock_.advance(30 * kDay);
  for (bool* const hindrance : {&records_.away, &records_.full}) {
    *hindrance = true;
    EXPECT_FALSE(rotation->tick());
    EXPECT_EQ(active(*rotation)->id(), before.id());
    *hindrance = false;
  }
  ASSERT_TRUE(rotation->tick());
  ASSERT_EQ(records_.now.size(), 2U);
  EXPECT_NE(active(*rotation)->id(), before.id());
  EXPECT_EQ(active(*rotation)->id(), records_.now[1].id);
  EXPECT_TRUE(rotation->keysets().now()->find(before.id())->signs(clock_.now_seconds()));
  clock_.advance(Millis{3'600'000});
  EXPECT_FALSE(rotation->keysets().now()->find(before.id())->signs(clock_.now_seconds()));
}

TEST_F(RotationTest, TheScheduleFollowsTheClock) {
  const auto rotation = open();
  const auto first = active(*rotation)->id();
  ASSERT_TRUE(rotation->tick());
  EXPECT_EQ(active(*rotation)->id(), first);
  clock_.advance(30 * kDay);
  ASSERT_TRUE(rotation->tick());
  EXPECT_NE(active(*rotation)->id(), first);
  EXPECT_EQ(records_.now[0].state, KeysetState::overlap);
  clock_.advance(kDay);
  ASSERT_TRUE(rotation->tick());
  EXPECT_EQ(records_.now[0].state, KeysetState::verifying);
  EXPECT_TRUE(active(*rotation)->record().final_expiry);
}

TEST_F(RotationTest, KeysetsOfBlindTokensHaveAScheduleOfTheirOwn) {
  configuration_.authentication.openid_discovery = "https://id.example/.well-known/openid-configuration";
  configuration_.authentication.rotate_every = Seconds{10 * 86'400};
  configuration_.authentication.overlap = Seconds{3'600};
  configuration_.authentication.keyset_lifetime = Seconds{20 * 86'400};
  {
    const auto rotation = open();
    const SigningKeyset* first = rotation->keysets().now()->active(kAuthUnit);
    ASSERT_NE(first, nullptr);
    EXPECT_EQ(first->denominations().size(), 1U);
    EXPECT_FALSE(first->is_money());
    clock_.advance(10 * kDay);
    ASSERT_TRUE(rotation->tick());
    EXPECT_EQ(records_.now.size(), 3U) << "mana's time has not come";
    EXPECT_EQ(records_.now[1].state, KeysetState::overlap);
    EXPECT_EQ(records_.now[2].unit, kAuthUnit);
    EXPECT_EQ(records_.now[2].position, 2U);
    EXPECT_TRUE(records_.now[2].final_expiry);
  }
  configuration_.authentication.keyset_index = 5;
  EXPECT_EQ(open()->keysets().now()->active(kAuthUnit)->record().position, 6U);
  configuration_.authentication = {};
  (void)open();
  EXPECT_EQ(records_.now.back().state, KeysetState::signing) << "another mint may still have [auth]";
}

TEST_F(RotationTest, OfTwoMintsOneRotatesAndTheOtherTakesItOver) {
  const auto a = open();
  const auto b = open();
  EXPECT_EQ(records_.now.size(), 1U) << "the second start found the first one's keyset";
  clock_.advance(30 * kDay);
  ASSERT_TRUE(a->tick());
  ASSERT_TRUE(b->tick());
  EXPECT_EQ(records_.now.size(), 2U);
  EXPECT_EQ(active(*a)->id(), active(*b)->id());
}

TEST_F(RotationTest, WhoIsSlowerAtTheStoreLooksAgain) {
  const auto a = open();
  const auto b = open();
  // b rotates between a's look at the store and its write.
  const auto before = records_.now;
  clock_.advance(30 * kDay);
  ASSERT_TRUE(b->tick());
  records_.meanwhile = std::exchange(records_.now, before);
  ASSERT_TRUE(a->tick());
  EXPECT_EQ(active(*a)->id(), active(*b)->id());
  EXPECT_EQ(records_.now.size(), 2U);
}

TEST_F(RotationTest, AnUnknownKeysetIsLookedForButNotAsOftenAsAnybodyLikes) {
  const auto a = open();
  const auto b = open();
  clock_.advance(30 * kDay);
  ASSERT_TRUE(a->tick());
  EXPECT_EQ(b->keysets().now()->find(active(*a)->id()), nullptr);
  const auto looked = b->keysets().look();
  ASSERT_TRUE(looked);
  EXPECT_NE((*looked)->find(active(*a)->id()), nullptr);
  EXPECT_EQ(*looked, b->keysets().now());
  const int reads = records_.reads;
  int refused = 0;
  for (int i = 0; i < 1'000; ++i) refused += b->keysets().look() ? 0 : 1;
  EXPECT_LT(records_.reads - reads, 500);
  EXPECT_EQ(records_.reads - reads + refused, 1'000);
  clock_.advance(Millis{1'000});
  EXPECT_TRUE(b->keysets().look());
}

TEST_F(RotationTest, UnitsAreThoseThatTheLedgerHas) {
  std::vector<CurrencyConfiguration> units = configuration_.currencies;
  auto opened = Rotation::open(Derivations(crypto::Secret<64>(ByteArray<64>{7})), records_, configuration_,
                               {.currencies = [&] { return units; }}, clock_);
  ASSERT_TRUE(opened) << opened.error().message;
  const KeysetRing* before = (*opened)->keysets().now();
  ASSERT_TRUE((*opened)->refresh());
  EXPECT_EQ((*opened)->keysets().now(), before) << "nothing is news";
  // An operator makes a unit: its record, and its first keyset.
  units.push_back(units[0]);
  units[1].name = units[1].unit = "gold";
  units[1].final_expiry = clock_.now_seconds() + Seconds{86'400};
  std::vector<KeysetRecord> records = records_.now;
  succeed(records, plan_of(units[1], configuration_.keysets), clock_.now_seconds());
  records_.now = KeysetRing::make((*opened)->derivations(), records, units, 2).value()->records();
  ASSERT_TRUE((*opened)->refresh());
  const SigningKeyset* gold = (*opened)->keysets().now()->active("gold");
  ASSERT_NE(gold, nullptr);
  EXPECT_EQ(gold->record().final_expiry, units[1].final_expiry);
  clock_.advance(40 * kDay);
  ASSERT_TRUE((*opened)->tick());
  EXPECT_EQ(records_.now.size(), 3U) << "mana was due for another; gold has ended, as its operator wished";
  EXPECT_FALSE((*opened)->keysets().now()->active("gold")->offered(clock_.now_seconds()));
  units.pop_back();
  ASSERT_TRUE((*opened)->refresh());
  EXPECT_EQ((*opened)->keysets().now()->currency("gold"), nullptr);
  EXPECT_NE((*opened)->keysets().now()->by_number(2), nullptr) << "its proofs are still known";
}

TEST_F(RotationTest, WhatExpiredLongAgoIsMarkedForGoodAndForgotten) {
  const auto rotation = open();
  clock_.advance(30 * kDay);
  ASSERT_TRUE(rotation->tick());
  clock_.advance(60 * kDay + 30 * kDay - Millis{60'000});
  ASSERT_TRUE(rotation->tick());
  EXPECT_FALSE(rotation->prune().value());
  EXPECT_TRUE(records_.pruned.empty()) << "within the grace nothing is forgotten";
  clock_.advance(Millis{120'000});
  EXPECT_FALSE(rotation->prune().value());
  clock_.advance(kDay - Millis{1});
  EXPECT_FALSE(rotation->prune().value());
  EXPECT_EQ(records_.now[0].state, KeysetState::verifying) << "it was not due for a day yet";
  clock_.advance(Millis{1});
  records_.pending = true;
  EXPECT_FALSE(rotation->prune().value());
  EXPECT_EQ(records_.now[0].state, KeysetState::verifying) << "a payment under way holds proofs of it";
  records_.pending = false;
  EXPECT_TRUE(rotation->prune().value());
  EXPECT_EQ(records_.now[0].state, KeysetState::pruned);
  EXPECT_TRUE(rotation->prune().value());
  EXPECT_FALSE(rotation->prune().value());
  EXPECT_FALSE(rotation->prune().value());
  EXPECT_EQ(records_.pruned, (std::vector<std::uint32_t>{1, 1, 1})) << "and then no more";
  clock_.advance(-200 * kDay);
  ASSERT_TRUE(rotation->tick());
  EXPECT_TRUE(rotation->keysets().now()->by_number(1)->expired(clock_.now_seconds()));
}

TEST_F(RotationTest, AClockThatIsWrongForAWhileEndsNobodysMoney) {
  configuration_.keysets.rotate_every = Seconds{0};
  auto rotation = open();
  const std::vector<KeysetRecord> before = records_.now;
  const auto offered = [&] { return active(*rotation)->offered(clock_.now_seconds()); };
  const auto look = [&] {
    EXPECT_TRUE(rotation->tick());
    EXPECT_FALSE(rotation->prune().value());
  };
  for (int i = 0; i < 3; ++i) {
    clock_.set(1'000 * kDay);
    look();
    EXPECT_FALSE(offered());
    clock_.advance(kDay - Millis{1});
    look();
    clock_.set(Millis{0});
    look();
    EXPECT_TRUE(offered()) << "nothing of it stays";
  }
  clock_.set(1'000 * kDay);
  look();
  clock_.advance(kDay - Millis{1});
  rotation = open();
  look();
  clock_.advance(kDay - Millis{1});
  look();
  EXPECT_EQ(records_.now, before) << "a restart begins anew";
  EXPECT_TRUE(records_.pruned.empty());
  clock_.advance(Millis{1});
  EXPECT_TRUE(rotation->prune().value());
  EXPECT_EQ(records_.now[0].state, KeysetState::pruned);
}

}  // namespace
}  // namespace manastr::mint
