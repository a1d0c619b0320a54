#include "mint/keysets/keyset_plan.h"

#include <gtest/gtest.h>

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
  const auto later = records;
  advance(records, {monthly()}, kNow);
  EXPECT_EQ(records, later) << "and back again, nothing";
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

TEST(KeysetPlan, KeysetsThatAreNoMoneyHaveAKeeperOfTheirOwn) {
  std::vector<KeysetRecord> records{{.number = 1, .unit = std::string(kAuthUnit)}};
  bring_forward(records, {}, kNow);
  EXPECT_EQ(records[0].state, KeysetState::signing);
}

}  // namespace
}  // namespace manastr::mint
