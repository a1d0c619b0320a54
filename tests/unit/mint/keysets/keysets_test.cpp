#include "mint/keysets/keysets.h"

#include <gtest/gtest.h>

namespace manastr::mint {
namespace {

const UnixSeconds kNow = unix_seconds(1'700'000'000);

crypto::Secret<64> seed() { return crypto::Secret<64>(ByteArray<64>{7}); }

Configuration of_mana() {
  Configuration out;
  CurrencyConfiguration mana;
  mana.name = mana.unit = "mana";
  out.currencies = {mana};
  return out;
}

std::shared_ptr<const KeysetRing> ring(std::vector<KeysetRecord> records,
                                       const KeysetRing* former = nullptr) {
  auto made = KeysetRing::make(Derivations(seed()), std::move(records), of_mana().currencies, 2, former);
  EXPECT_TRUE(made) << made.error().message;
  return made.value_or(nullptr);
}

TEST(Keysets, AnotherRingIsInForceAtOnceAndTheFormerStays) {
  const auto first = KeysetRing::assemble(seed(), {}, of_mana(), kNow);
  ASSERT_TRUE(first);
  Keysets keysets(first->ring);
  const KeysetRing* before = keysets.now();
  std::vector<KeysetRecord> records = first->records;
  records[0].state = KeysetState::overlap;
  records[0].overlap_until = kNow + Seconds{60};
  records.push_back({.number = 2, .unit = "mana", .position = 2, .created_at = kNow});
  keysets.publish(ring(records, before));
  EXPECT_NE(keysets.now(), before);
  EXPECT_EQ(keysets.now()->active("mana")->number(), 2U);
  EXPECT_EQ(before->active("mana")->number(), 1U);
  // The same private keys, not derived again.
  EXPECT_EQ(keysets.now()->by_number(1)->denomination(1), before->by_number(1)->denomination(1));
  EXPECT_EQ(keysets.now()->by_number(1)->id(), before->by_number(1)->id());
}

TEST(Keysets, WhatIsMadeOfARingIsMadeOncePerRing) {
  const auto first = KeysetRing::assemble(seed(), {}, of_mana(), kNow);
  ASSERT_TRUE(first);
  Keysets keysets(first->ring);
  PerRing<std::size_t> counts(keysets);
  int made = 0;
  const auto count = [&](const KeysetRing& of) {
    ++made;
    return of.all().size();
  };
  EXPECT_EQ(*counts.get(kNow, count), 1U);
  EXPECT_EQ(*counts.get(kNow, count), 1U);
  EXPECT_EQ(made, 1);
  std::vector<KeysetRecord> records = first->records;
  records.push_back({.number = 2, .unit = "mana", .position = 2, .final_expiry = kNow});
  const std::weak_ptr<const std::size_t> former = counts.get(kNow, count);
  keysets.publish(ring(records, keysets.now()));
  EXPECT_EQ(*counts.get(kNow - Seconds{1}, count), 2U);
  EXPECT_EQ(made, 2);
  EXPECT_TRUE(former.expired()) << "only the latest is kept";
  EXPECT_EQ(*counts.get(kNow - Seconds{9}, count), 2U);
  EXPECT_EQ(made, 2);
  EXPECT_EQ(*counts.get(kNow, count), 2U);
  EXPECT_EQ(made, 3) << "one has expired";
}

TEST(SigningKeyset, SignsInItsOverlapAndNotAfter) {
  KeysetRecord record{.number = 1, .unit = "mana", .state = KeysetState::overlap, .overlap_until = kNow};
  record.final_expiry = kNow + Seconds{100};
  const auto overlapping = ring({record});
  const SigningKeyset& keyset = *overlapping->by_number(1);
  EXPECT_FALSE(keyset.active());
  EXPECT_FALSE(keyset.published(kNow).active);
  EXPECT_TRUE(keyset.signs(kNow - Seconds{1}));
  EXPECT_FALSE(keyset.signs(kNow));
  EXPECT_FALSE(keyset.expired(kNow + Seconds{99}));
  EXPECT_TRUE(keyset.expired(kNow + Seconds{100}));
}

TEST(SigningKeyset, OneThatHasExpiredIsNotOffered) {
  KeysetRecord record{.number = 1, .unit = "mana"};
  record.final_expiry = kNow;
  const auto of_one = ring({record});
  const SigningKeyset& keyset = *of_one->by_number(1);
  EXPECT_TRUE(keyset.published(kNow - Seconds{1}).active);
  EXPECT_FALSE(keyset.published(kNow).active);
  EXPECT_TRUE(keyset.active());
}

TEST(KeysetRing, NoUnitHasTheKeysOfBlindTokens) {
  for (const char* name : {"Auth", "AUTH"}) {
    const auto made = KeysetRing::make(Derivations(seed()), {{.number = 1, .unit = name}}, {}, 2);
    ASSERT_FALSE(made) << name;
    EXPECT_NE(made.error().message.find("same keys"), std::string::npos) << made.error().message;
  }
  EXPECT_TRUE(KeysetRing::make(Derivations(seed()), {{.number = 1, .unit = "auth"}}, {}, 2));
}

TEST(SigningKeyset, OnceItIsPrunedNoClockBringsItBack) {
  KeysetRecord record{.number = 1, .unit = "mana", .state = KeysetState::pruned};
  record.final_expiry = kNow;
  EXPECT_TRUE(ring({record})->by_number(1)->expired(kNow - Seconds{1'000}));
}

TEST(Derivations, AKeysetMayHaveASeedOfItsOwn) {
  Derivations derivations(seed());
  const Derivations others(crypto::Secret<64>(ByteArray<64>{8}));
  derivations.add("elsewhere", [&](const KeysetRecord& record) {
    KeysetRecord as_own = record;
    as_own.derivation = kOwnDerivation;
    return others.keys(as_own);
  });
  const KeysetRecord own{.number = 1, .unit = "mana"};
  const KeysetRecord foreign{.number = 2, .unit = "mana", .derivation = "elsewhere:1"};
  const auto made = KeysetRing::make(derivations, {own, foreign}, of_mana().currencies, 2);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_NE((*made)->by_number(1)->id(), (*made)->by_number(2)->id());
  const KeysetRecord unknown{.number = 1, .unit = "mana", .derivation = "nowhere"};
  EXPECT_FALSE(KeysetRing::make(derivations, {unknown}, of_mana().currencies, 2));
}

}  // namespace
}  // namespace manastr::mint
