#include "mint/keysets/keyset_plan.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace manastr::mint {
namespace {

const UnixSeconds kNow = unix_seconds(1'700'000'000);
constexpr Seconds kDay{86'400};
constexpr Seconds kHour{3'600};

KeysetPlan monthly() {
  KeysetPlan out;
  out.unit = "mana";
  out.rotate_every = 30 * kDay;
  out.overlap = kHour;
  out.lifetime = 90 * kDay;
  return out;
}
/// What a store would have put there.
void give_ids(std::vector<KeysetRecord>& records) {
  for (KeysetRecord& record : records) {
    ByteArray<33> id{1, static_cast<Byte>(record.number)};
    record.id = *cashu::KeysetId::from_bytes(id);
  }
}
std::vector<KeysetRecord> begun(const KeysetPlan& plan) {
  std::vector<KeysetRecord> out;
  bring_forward(out, {plan}, kNow);
  give_ids(out);
  return out;
}

TEST(KeysetPlan, TheFirstStartMakesAKeysetAndTheNextChangesNothing) {
  std::vector<KeysetRecord> records = begun(monthly());
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].created_at, kNow);
  EXPECT_EQ(records[0].final_expiry, kNow + 90 * kDay);
  const auto before = records;
  bring_forward(records, {monthly()}, kNow + kDay);
  EXPECT_EQ(records, before);
}

TEST(KeysetPlan, ASuccessorComesWhenItIsDueAndTheFormerSignsOnForItsOverlap) {
  std::vector<KeysetRecord> records = begun(monthly());
  advance(records, {monthly()}, kNow + 30 * kDay - Seconds{1});
  ASSERT_EQ(records.size(), 1U);
  const UnixSeconds due = kNow + 30 * kDay;
  advance(records, {monthly()}, due);
  give_ids(records);
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].state, KeysetState::overlap);
  EXPECT_EQ(records[0].overlap_until, due + kHour);
  EXPECT_EQ(records[1].state, KeysetState::signing);
  EXPECT_EQ(records[1].position, 2U);
  advance(records, {monthly()}, due + kHour - Seconds{1});
  EXPECT_EQ(records[0].state, KeysetState::overlap);
  advance(records, {monthly()}, due + kHour);
  EXPECT_EQ(records[0].state, KeysetState::verifying);
  EXPECT_EQ(records.size(), 2U);
}

TEST(KeysetPlan, AClockThatJumpsYearsBringsOneSuccessor) {
  std::vector<KeysetRecord> records = begun(monthly());
  advance(records, {monthly()}, kNow + 1'000 * kDay);
  give_ids(records);
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].state, KeysetState::overlap) << "it has expired, and that is no state";
  auto later = records;
  advance(records, {monthly()}, kNow);
  later[0].overlap_until = kNow + kHour;
  EXPECT_EQ(records, later) << "and back again, the overlap ends in time";
}

TEST(KeysetPlan, AClockThatWasAheadDelaysNoRotation) {
  for (const Seconds ahead : {10 * kDay, 40 * kDay, 1'000 * kDay}) {
    SCOPED_TRACE(ahead.count());
    std::vector<KeysetRecord> records = begun(monthly());
    const UnixSeconds real = kNow + 25 * kDay;
    advance(records, {monthly()}, real + ahead);
    give_ids(records);
    ASSERT_EQ(records.size(), 2U);

    // The clock comes back: the successor signs, the former for its overlap.
    for (Seconds after{0}; after < kHour; after += Seconds{600}) advance(records, {monthly()}, real + after);
    ASSERT_EQ(records.size(), 2U);
    EXPECT_EQ(records[0].state, KeysetState::overlap);
    EXPECT_EQ(records[0].overlap_until, real + kHour);
    EXPECT_EQ(records[1].state, KeysetState::signing);
    EXPECT_GT(*records[1].final_expiry, kNow + 60 * kDay)
        << "at least until its own successor's overlap is over";
    advance(records, {monthly()}, real + kHour);
    EXPECT_EQ(records[0].state, KeysetState::verifying);

    // And the schedule is that of before.
    advance(records, {monthly()}, kNow + 30 * kDay - Seconds{1});
    ASSERT_EQ(records.size(), 2U);
    advance(records, {monthly()}, kNow + 30 * kDay);
    give_ids(records);
    ASSERT_EQ(records.size(), 3U);
    EXPECT_EQ(records[1].state, KeysetState::overlap);
    EXPECT_EQ(records[2].state, KeysetState::signing);
    EXPECT_EQ(records[2].created_at, kNow + 30 * kDay);
    advance(records, {monthly()}, kNow + 60 * kDay - Seconds{1});
    EXPECT_EQ(records.size(), 3U);
    advance(records, {monthly()}, kNow + 60 * kDay);
    EXPECT_EQ(records.size(), 4U);
  }
}

TEST(KeysetPlan, TwoClocksThatNeverAgreeRotateNoMoreThanTwiceAPeriod) {
  std::vector<KeysetRecord> records = begun(monthly());
  for (Seconds passed{0}; passed < 300 * kDay; passed += kDay / 4) {
    for (const Seconds ahead : {Seconds{0}, 500 * kDay}) {
      advance(records, {monthly()}, kNow + passed + ahead);
      give_ids(records);
    }
  }
  EXPECT_LE(records.size(), 21U);
  EXPECT_GE(records.size(), 10U);
  EXPECT_EQ(std::ranges::count(records, KeysetState::signing, &KeysetRecord::state), 1);
}

TEST(KeysetPlan, AClockThatIsBehindRotatesNothing) {
  std::vector<KeysetRecord> records = begun(monthly());
  advance(records, {monthly()}, kNow + 30 * kDay);
  give_ids(records);
  advance(records, {monthly()}, kNow + 30 * kDay + kHour);
  const auto before = records;
  for (const UnixSeconds wrong : {UnixSeconds{}, kNow, kNow + 29 * kDay})
    advance(records, {monthly()}, wrong);
  EXPECT_EQ(records, before);
}

TEST(KeysetPlan, WhatAClockBehindMakesHasNotExpiredWhenItIsRight) {
  KeysetPlan never = monthly();
  never.rotate_every = Seconds{0};
  std::vector<KeysetRecord> records = begun(never);
  const UnixSeconds late = kNow + 400 * kDay;  // its keys were changed by hand
  succeed(records, never, late);
  give_ids(records);
  advance(records, {monthly()}, late - 200 * kDay);
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[2].final_expiry, late + 90 * kDay);
}

TEST(KeysetPlan, ThatAKeysetHasExpiredIsNotWrittenDown) {
  KeysetPlan never = monthly();
  never.rotate_every = Seconds{0};
  std::vector<KeysetRecord> records = begun(never);
  const auto before = records;
  advance(records, {never}, kNow + 1'000 * kDay);
  EXPECT_EQ(records, before) << "a clock that is wrong changes nothing that stays";
}

TEST(KeysetPlan, AUnitIsNotRotatedByAPlanThatNeverDoes) {
  KeysetPlan never = monthly();
  never.rotate_every = Seconds{0};
  never.lifetime = Seconds{0};
  std::vector<KeysetRecord> records = begun(never);
  EXPECT_FALSE(records[0].final_expiry);
  advance(records, {never}, kNow + 100'000 * kDay);
  EXPECT_EQ(records.size(), 1U);
}

TEST(KeysetPlan, AnOverlapOfNothingEndsAtOnce) {
  std::vector<KeysetRecord> records = begun(monthly());
  succeed(records, monthly(), kNow, Seconds{0}, std::nullopt);
  EXPECT_EQ(records[0].state, KeysetState::verifying);
  EXPECT_FALSE(records[1].final_expiry);
}

TEST(KeysetPlan, AStartAfterAScheduledRotationKeepsWhatItFinds) {
  std::vector<KeysetRecord> records = begun(monthly());
  advance(records, {monthly()}, kNow + 30 * kDay);
  give_ids(records);
  const auto before = records;
  bring_forward(records, {monthly()}, kNow + 30 * kDay);
  EXPECT_EQ(records, before) << "the overlap goes on";
}

TEST(KeysetPlan, AChangedFeeRotatesAtTheStartWithoutAnOverlap) {
  std::vector<KeysetRecord> records = begun(monthly());
  KeysetPlan dearer = monthly();
  dearer.input_fee_ppk = 100;
  bring_forward(records, {dearer}, kNow + kDay);
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].state, KeysetState::verifying);
  EXPECT_EQ(records[1].input_fee_ppk, 100U);
}

TEST(KeysetPlan, AUnitThatComesBackSignsWithItsNewestKeysetUnlessThatHasExpired) {
  std::vector<KeysetRecord> records = begun(monthly());
  bring_forward(records, {}, kNow);
  EXPECT_EQ(records[0].state, KeysetState::verifying);
  bring_forward(records, {monthly()}, kNow);
  EXPECT_EQ(records[0].state, KeysetState::signing);
  bring_forward(records, {}, kNow);
  bring_forward(records, {monthly()}, kNow + 90 * kDay);
  EXPECT_EQ(records[0].state, KeysetState::verifying);
}

TEST(KeysetPlan, AfterARestoreNoKeysComeThatTheLostLedgerMayHaveHad) {
  std::vector<KeysetRecord> backup = begun(monthly());
  auto lost = backup;
  for (int i = 1; i <= 3; ++i) advance(lost, {monthly()}, kNow + i * 30 * kDay);
  EXPECT_EQ(lost.back().position, 4U);
  for (KeysetRecord& each : backup) each.held = true;

  KeysetPlan other = monthly();  // of a unit that came after the backup
  other.unit = "loot";
  const UnixSeconds at = kNow + 100 * kDay;
  std::vector<KeysetRecord> first = backup;
  bring_forward(first, {monthly(), other}, at);
  ASSERT_EQ(first.size(), 3U);
  EXPECT_EQ(first[0].state, KeysetState::verifying);
  EXPECT_GT(first[1].position, 100'000'000U);
  EXPECT_GT(first[2].position, 100'000'000U);
  advance(first, {monthly(), other}, at + 30 * kDay);
  std::vector<KeysetRecord> second = backup;
  bring_forward(second, {monthly(), other}, at + 30 * kDay + Seconds{1});
  for (const KeysetRecord& earlier : first) {
    if (earlier.held) continue;
    EXPECT_LT(earlier.position, second[1].position) << "and after a second restore of it";
  }
  bring_forward(backup, {monthly()}, unix_seconds(0));
  EXPECT_EQ(backup.back().position, 2U) << "a clock that knows no time";
}

TEST(KeysetPlan, KeysetsThatAreNoMoneyHaveAKeeperOfTheirOwn) {
  std::vector<KeysetRecord> records{{.number = 1, .unit = std::string(kAuthUnit)}};
  bring_forward(records, {}, kNow);
  EXPECT_EQ(records[0].state, KeysetState::signing);
}

}  // namespace
}  // namespace manastr::mint
