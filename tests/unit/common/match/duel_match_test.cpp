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
                                    table.rakes[0].signatures[i].c_blinded,
                                    *table.rakes[0].signatures[i].dleq));
  }
  for (const Event& event : table.match.chain()) {
    EXPECT_LE(nostr::dump(event).size(), kMaxEngineEvent);
    EXPECT_TRUE(nostr::verify(event));
  }
  EXPECT_EQ(table.fault, "");
  const auto chain = table.match.chain();
  const Judgement judged = judge({chain.begin(), chain.end()}, table.mint.stake_keyset());
  EXPECT_TRUE(judged.in_order()) << judged.faults.front();
  EXPECT_EQ(judged.winner, table.winner().pubkey());
  EXPECT_EQ(judged.rake, 5U);
  EXPECT_TRUE(judged.settled);
}

TEST(DuelMatch, APublishedChainGivesItsInputsBack) {
  Table table;
  table.to_verdict();
  table.send(table.claim(table.winner()));
  table.settle();
  const auto inputs = inputs_of_chain(table.match.chain(), table.mint.stake_keyset(), table.keys);
  ASSERT_TRUE(inputs.has_value()) << inputs.error().message;
  Match again;
  for (const Input& input : *inputs) reduce(again, input, table.keys);
  EXPECT_TRUE(std::equal(again.chain().begin(), again.chain().end(), table.match.chain().begin(),
                         table.match.chain().end()));
}

TEST(DuelMatch, TheMintFindsTheOrderInOrder) {
  Table table;
  table.to_verdict();
  table.send(table.claim(table.winner()));
  const Settle& order = table.settlements.front();
  const auto checked = check_settlement(order.announcement, order.verdict, order.claim, order.groups);
  ASSERT_TRUE(checked.has_value()) << checked.error().message;
  EXPECT_EQ(checked->operation, order.operation);
  EXPECT_EQ(checked->claimant, table.winner().pubkey());
  auto bent = order.groups;
  bent[0].outputs[0].amount *= 2;
  EXPECT_FALSE(check_settlement(order.announcement, order.verdict, order.claim, bent));
  bent = order.groups;
  bent[0].outputs[0].id = table.mint.stake_keyset().id;
  EXPECT_FALSE(check_settlement(order.announcement, order.verdict, order.claim, bent));
  bent = order.groups;
  std::swap(bent[0].inputs, bent[1].inputs);
  EXPECT_FALSE(check_settlement(order.announcement, order.verdict, order.claim, bent));
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
