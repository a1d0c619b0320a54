// A duel between two players, end to end: real relays, real engine, real mint, real player processes.
// Rooms: common/match lightning
#include <gtest/gtest.h>

#include "economy.h"

namespace manastr::test {
namespace {

TEST(Duel, IsPlayedSettledAndConserved) {
  Economy economy;
  economy.add_player("alice", 300);
  economy.add_player("bob", 300);
  for (int duel = 0; duel < 2; ++duel) {
    const std::string match = economy.challenge("alice", 100);
    ASSERT_EQ(match.size(), 64U);
    Process alice = economy.start("alice", {"play", match});
    Process bob = economy.start("bob", {"accept", match, "--yes"});
    ASSERT_EQ(bob.wait(), 0) << economy.output("bob") << economy.engine().log();
    ASSERT_EQ(alice.wait(), 0) << economy.output("alice");
    EXPECT_EQ(economy.fault_of("alice", match), "");
    EXPECT_EQ(economy.unbalanced(), "");
  }
}

TEST(Duel, StakesCoverTheirInputFees) {
  Economy economy({.announcement = "", .input_fee_ppk = 100});
  economy.add_player("alice", 200);
  economy.add_player("bob", 200);
  const std::string match = economy.challenge("alice", 77);
  Process alice = economy.start("alice", {"play", match});
  Process bob = economy.start("bob", {"accept", match, "--yes"});
  ASSERT_EQ(bob.wait(), 0) << economy.output("bob") << economy.engine().log();
  ASSERT_EQ(alice.wait(), 0) << economy.output("alice");
  EXPECT_EQ(economy.fault_of("bob", match), "");
}

}  // namespace
}  // namespace manastr::test
