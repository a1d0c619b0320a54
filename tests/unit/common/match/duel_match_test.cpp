// A whole duel through reduce(): challenge, acceptance, stakes, seeds, rounds, verdict, claim, settlement.
#include <gtest/gtest.h>

#include "tests/unit/common/match/table.h"

namespace manastr::match {
namespace {

TEST(DuelMatch, PlayedOutAndSettled) {
  Table table;
  table.to_verdict();
  EXPECT_TRUE(table.rejections.empty()) << table.rejections.front();
  ASSERT_EQ(table.match.phase(), Phase::claims);
  const auto verdict = table.last<VerdictReceipt>();
  ASSERT_TRUE(verdict.has_value());
  ASSERT_EQ(verdict->outcome, Outcome::win) << verdict->reason;
  ASSERT_EQ(verdict->payouts.size(), 1U);
  ASSERT_EQ(verdict->payouts[0].groups.size(), 2U);
  EXPECT_EQ(verdict->payouts[0].groups[0].pay, 95U);
  EXPECT_EQ(verdict->payouts[0].groups[0].rake, 5U);
  EXPECT_EQ(verdict->payouts[0].groups[1].pay, 100U);

  table.send(table.claim(table.winner()));
  EXPECT_TRUE(table.rejections.empty()) << table.rejections.front();
  ASSERT_EQ(table.settlements.size(), 1U);
  ASSERT_TRUE(table.settle());
  EXPECT_EQ(table.ended, "settled in full");
  ASSERT_EQ(table.rakes.size(), 1U);
  const auto rake = table.keys.rake(table.match.id(), table.rakes[0].issue, table.rakes[0].group, 5);
  ASSERT_EQ(rake.size(), table.rakes[0].signatures.size());
  for (std::size_t i = 0; i < rake.size(); ++i) {
    EXPECT_TRUE(crypto::verify_dleq(table.mint.prize_keyset().keys.at(rake[i].amount), rake[i].b_blinded,
                                    table.rakes[0].signatures[i].c_blinded, *table.rakes[0].signatures[i].dleq));
  }
  for (const Event& event : table.match.chain()) {
    EXPECT_LE(nostr::dump(event).size(), kMaxEngineEvent);
    EXPECT_TRUE(nostr::verify(event));
  }
}

TEST(DuelMatch, ReplayOfTheJournalGivesTheSameBytes) {
  Table table;
  table.to_verdict();
  table.send(table.claim(table.winner()));
  table.settle();
  Match again;
  for (const Input& input : table.journal) {
    const auto decoded = decode_input(encode(input));
    ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
    EXPECT_EQ(encode(*decoded), encode(input));
    reduce(again, *decoded, table.keys);
  }
  ASSERT_EQ(again.chain().size(), table.match.chain().size());
  for (std::size_t i = 0; i < again.chain().size(); ++i) EXPECT_EQ(again.chain()[i], table.match.chain()[i]);
}

}  // namespace
}  // namespace manastr::match
