#include "engine/settlement/stake_reservations.h"

#include <gtest/gtest.h>

#include "common/crypto/bdhke.h"

namespace manastr::engine {
namespace {

match::MatchId match_number(Byte number) {
  match::MatchId out;
  out.fill(number);
  return out;
}

TEST(StakeReservations, OneProofBacksOneMatch) {
  StakeReservations reservations;
  const auto a = crypto::hash_to_curve(as_bytes("a"));
  const auto b = crypto::hash_to_curve(as_bytes("b"));
  EXPECT_EQ(reservations.reserve(match_number(1), {a}), std::vector{false});
  EXPECT_EQ(reservations.reserve(match_number(1), {a}), std::vector{false});
  EXPECT_EQ(reservations.reserve(match_number(2), {b, a}), (std::vector{false, true}));
  reservations.release(match_number(1));
  EXPECT_EQ(reservations.reserve(match_number(3), {a, b}), (std::vector{false, true}));
}

}  // namespace
}  // namespace manastr::engine
