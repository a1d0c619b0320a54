#include "mint/pipeline/reservations.h"

#include <gtest/gtest.h>

#include <ctime>
#include <functional>

namespace manastr::mint {
namespace {

Hash32 hash(Byte value) {
  Hash32 out{};
  out.fill(value);
  return out;
}

struct Asked {
  std::vector<Reply>* replies;
  int* again;
};

Reservations::Request request(Byte operation, Byte witnesses, std::vector<Byte> holds, Asked asked) {
  Reservations::Request out;
  out.operation = hash(operation);
  out.witnesses = hash(witnesses);
  for (const Byte each : holds) out.keys.push_back(Reservations::of_operation(hash(each)));
  out.answer = [asked](Reply reply) { asked.replies->push_back(std::move(reply)); };
  out.again = [asked](Answer answer) {
    ++*asked.again;
    answer({200, "again", {}});
  };
  return out;
}

class ReservationsTest : public testing::Test {
 protected:
  std::vector<Reply> replies_;
  int again_ = 0;
  Asked asked_{&replies_, &again_};
  Reservations reservations_;
};

TEST_F(ReservationsTest, IdenticalRequestsShareAReply) {
  const auto first = reservations_.enter(request(1, 1, {10, 11}, asked_));
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(reservations_.enter(request(1, 1, {10, 11}, asked_)), nullptr);
  EXPECT_EQ(reservations_.enter(request(1, 2, {10, 11}, asked_)), nullptr)
      << "other witnesses, the same request";
  EXPECT_TRUE(replies_.empty());
  first->finish({200, "done", {}});
  ASSERT_EQ(replies_.size(), 3U);
  for (const Reply& reply : replies_) EXPECT_EQ(reply.body, "done");
  EXPECT_EQ(again_, 0);
  EXPECT_EQ(reservations_.size(), 0U);
}

TEST_F(ReservationsTest, ARefusalIsSharedByThoseWithTheSameWitnessesAlone) {
  const auto first = reservations_.enter(request(1, 1, {10}, asked_));
  reservations_.enter(request(1, 1, {10}, asked_));
  reservations_.enter(request(1, 2, {10}, asked_));
  first->fail({ErrorKind::refused, 10001, "no"});
  EXPECT_EQ(again_, 1) << "who brought another witness may be right";
  EXPECT_EQ(replies_.size(), 3U);
}

TEST_F(ReservationsTest, ConflictsAreTurnedAwayUntilTheFirstEnds) {
  auto first = reservations_.enter(request(1, 1, {10, 11}, asked_));
  EXPECT_EQ(reservations_.enter(request(2, 1, {11, 12}, asked_)), nullptr);
  ASSERT_EQ(replies_.size(), 1U);
  EXPECT_EQ(replies_[0].status, 400);
  EXPECT_NE(reservations_.enter(request(3, 1, {12}, asked_)), nullptr)
      << "what was turned away holds nothing";
  first->finish({200, "", {}});
  EXPECT_NE(reservations_.enter(request(4, 1, {11}, asked_)), nullptr);
}

TEST_F(ReservationsTest, ALostRequestIsAnswered) {
  reservations_.enter(request(1, 1, {10}, asked_)).reset();
  ASSERT_EQ(replies_.size(), 1U);
  EXPECT_EQ(replies_[0].status, 500);
  EXPECT_EQ(reservations_.size(), 0U);
}

TEST(ReservationKeys, TwinsAreDifferentOutputs) {
  const auto key = crypto::SecretKey::parse(hash(7))->public_key();
  auto twin_bytes = key.bytes();
  twin_bytes[0] ^= 1;
  const auto twin = crypto::PublicKey::parse(twin_bytes);
  EXPECT_NE(Reservations::of_output({1, {}, key}), Reservations::of_output({1, {}, *twin}));
}

TEST_F(ReservationsTest, OutputsChosenToFallTogetherCostNoMoreThanOthers) {
  // B_ alike but for two bytes in the middle, which a client can find at will: hashed by their ends, every
  // one of these would be compared with all before it, some 10^9 comparisons: hundreds of times the others'
  // work.
  constexpr int kMany = 40'000;
  const auto work_of = [&](Byte number, const std::function<void(Reservations::Key&, Byte, Byte)>& set) {
    Reservations::Request asked = request(number, 1, {}, asked_);
    for (int i = 0; i < kMany; ++i) {
      Reservations::Key key = Reservations::of_operation(hash(0));
      set(key, static_cast<Byte>(i), static_cast<Byte>(i >> 8));
      asked.keys.push_back(key);
    }
    const std::clock_t begun = std::clock();  // of this process, so that a busy machine changes nothing
    const auto flight = reservations_.enter(std::move(asked));
    const std::clock_t took = std::clock() - begun;
    EXPECT_NE(flight, nullptr);
    if (flight) flight->finish({200, "", {}});
    return took;
  };
  const auto others = work_of(1, [](Reservations::Key& key, Byte low, Byte high) {
    key[0] = low;
    key[1] = high;
    key[key.size() - 2] = high;
    key[key.size() - 1] = low;
  });
  const auto chosen = work_of(2, [](Reservations::Key& key, Byte low, Byte high) {
    key[10] = low;
    key[11] = high;
  });
  EXPECT_LT(chosen, 10 * others);
}

}  // namespace
}  // namespace manastr::mint
