#include "engine/match/challenge_slots.h"

#include <gtest/gtest.h>

namespace manastr::engine {
namespace {

Hash32 number(Byte value) {
  Hash32 out;
  out.fill(value);
  return out;
}

TEST(ChallengeSlots, OneMatchForOneAuthorAndD) {
  ChallengeSlots slots;
  const crypto::XOnlyKey author{number(1)};
  EXPECT_EQ(slots.take(author, number(2), number(3)), std::nullopt);
  EXPECT_EQ(slots.take(author, number(2), number(3)), number(3)) << "seen again, as after a restart";
  EXPECT_EQ(slots.take(author, number(2), number(4)), number(3));
  EXPECT_EQ(slots.take(crypto::XOnlyKey{number(9)}, number(2), number(4)), std::nullopt);
  EXPECT_EQ(slots.find(author, number(2)), number(3));
  slots.give_back(author, number(2));
  EXPECT_EQ(slots.find(author, number(2)), std::nullopt);
}

TEST(ChallengeSlots, AMatchLeftAloneIsNeverOpened) {
  ChallengeSlots slots;
  const crypto::XOnlyKey author{number(1)};
  slots.leave_alone(number(3));
  EXPECT_EQ(slots.take(author, number(2), number(3)), number(3)) << "its chain stands on the relays alone";
  EXPECT_EQ(slots.find(author, number(2)), std::nullopt);
  EXPECT_EQ(slots.take(author, number(2), number(4)), std::nullopt);
}

}  // namespace
}  // namespace manastr::engine
