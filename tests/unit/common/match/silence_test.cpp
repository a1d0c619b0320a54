// Silence at every step by either and by both, clocks that stop, an engine that was down, and chains that
// fork: rows "Silence, clocks, crashes".
#include <gtest/gtest.h>

#include "tests/unit/common/match/table.h"

namespace manastr::match {
namespace {

/// The steps at which a party may fall silent once stakes are locked, and what the other sends in each.
struct PlayStep {
  std::string name;
  std::function<void(Table&)> reach;
  std::function<Event(const Table&, const Player&)> next;
};

std::vector<PlayStep> play_steps() {
  std::vector<PlayStep> out;
  out.push_back({"seeds", [](Table& t) { t.to_funded(); },
                 [](const Table& t, const Player& p) { return t.seed_reveal(p); }});
  for (unsigned round = 1; round <= 3; ++round) {
    const auto reach = [round](Table& t) {
      t.to_seeds_open();
      for (unsigned r = 1; r < round; ++r) t.play_round(r);
    };
    out.push_back({"commit " + std::to_string(round), reach,
                   [round](const Table& t, const Player& p) { return t.move_commitment(p, round); }});
    out.push_back({"reveal " + std::to_string(round),
                   [reach, round](Table& t) {
                     reach(t);
                     t.send(t.move_commitment(t.creator, round));
                     t.send(t.move_commitment(t.acceptor, round));
                   },
                   [round](const Table& t, const Player& p) { return t.move_reveal(p, round); }});
  }
  return out;
}

TEST(Silence, OfOneAtEachStepForfeitsToTheOther) {
  for (const PlayStep& step : play_steps()) {
    for (const bool creator_silent : {true, false}) {
      SCOPED_TRACE(step.name + (creator_silent ? " creator" : " acceptor"));
      Table table;
      step.reach(table);
      const Player& speaker = creator_silent ? table.acceptor : table.creator;
      table.send(step.next(table, speaker));
      table.fire();
      const auto verdict = table.last<VerdictReceipt>();
      ASSERT_TRUE(verdict.has_value());
      EXPECT_EQ(verdict->outcome, Outcome::win);
      EXPECT_EQ(verdict->winner, speaker.pubkey());
      const auto silence = table.last<SilenceReceipt>();
      ASSERT_TRUE(silence.has_value());
      EXPECT_NE(silence->party, speaker.pubkey());
      EXPECT_EQ(table.fault, "");
      table.send(table.claim(speaker));
      ASSERT_EQ(table.settlements.size(), 1U);
      EXPECT_TRUE(table.settle());
    }
  }
}

TEST(Silence, OfBothAtEachStepVoidsTheMatch) {
  for (const PlayStep& step : play_steps()) {
    SCOPED_TRACE(step.name);
    Table table;
    step.reach(table);
    while (table.match.phase() != Phase::claims) table.fire();
    EXPECT_EQ(table.last<VerdictReceipt>()->outcome, Outcome::void_match);
    EXPECT_EQ(table.last<VerdictReceipt>()->payouts.size(), 2U);
    EXPECT_EQ(table.fault, "");
    table.send(table.claim(table.creator));
    EXPECT_TRUE(table.settle()) << "each can still take its own stake with the engine's signature";
  }
}

TEST(Silence, TheOtherMayStillActWithinItsOwnClock) {
  Table table;
  table.terms.clocks.party = Seconds{200};
  table.to_seeds_open();
  // The creator spends its allowance, so that its next deadline comes first.
  table.send(table.move_commitment(table.acceptor, 1));
  table.wait(Millis{119'000});
  table.send(table.move_commitment(table.creator, 1));
  table.send(table.move_reveal(table.acceptor, 1));
  table.wait(Millis{80'000});
  table.send(table.move_reveal(table.creator, 1));
  const auto head = table.head();
  ASSERT_LT(*head.deadlines[0], *head.deadlines[1]);
  table.fire();
  EXPECT_EQ(table.types().back(), "silence");
  EXPECT_EQ(table.match.phase(), Phase::commit) << "the acceptor has time left";
  table.send(table.move_commitment(table.creator, 2));
  EXPECT_NE(table.rejections.back().find("waits for nothing"), std::string::npos);
  table.send(table.move_commitment(table.acceptor, 2));
  EXPECT_EQ(table.last<VerdictReceipt>()->winner, table.acceptor.pubkey());
  EXPECT_EQ(table.fault, "");
}

TEST(Silence, OfTheCreatorBeforeItsStakeAborts) {
  Table table;
  table.to_staked();
  table.fire();
  const auto verdict = table.last<VerdictReceipt>();
  ASSERT_TRUE(verdict.has_value());
  EXPECT_EQ(verdict->outcome, Outcome::aborted);
  ASSERT_EQ(verdict->payouts.size(), 1U);
  EXPECT_EQ(verdict->payouts[0].claimant, table.acceptor.pubkey());
  EXPECT_EQ(verdict->payouts[0].groups[0].pay, table.terms.stake);
  EXPECT_EQ(verdict->payouts[0].groups[0].unit, "mana");
  table.send(table.claim(table.acceptor));
  EXPECT_TRUE(table.settle());
  EXPECT_TRUE(table.match.ended());
  EXPECT_EQ(table.fault, "");
}

TEST(Silence, OfTheMintDuringFundingAborts) {
  Table table;
  table.to_staked();
  table.fund(table.creator);
  table.fire();
  EXPECT_EQ(table.last<VerdictReceipt>()->outcome, Outcome::aborted);
  EXPECT_EQ(table.last<VerdictReceipt>()->payouts.size(), 2U) << "both stakes are locked, so both go home";
  EXPECT_EQ(table.fault, "");
  Table first;
  first.to_acceptance();
  first.fund(first.acceptor);
  first.fire();
  EXPECT_EQ(first.match.phase(), Phase::open);
  EXPECT_EQ(first.fault, "");
}

TEST(Clocks, LateIsLateAndTheLastMomentIsNot) {
  Table table;
  table.to_funded();
  const UnixMillis deadline = *table.head().deadlines[0];
  Table just = table;
  just.now = deadline;
  just.send(just.seed_reveal(just.creator));
  EXPECT_EQ(just.types().back(), "seed");
  table.now = deadline + Millis{1};
  table.send(table.seed_reveal(table.creator));
  ASSERT_EQ(table.rejections.size(), 1U);
  EXPECT_NE(table.rejections[0].find("too late"), std::string::npos);
}

TEST(Clocks, AllowanceIsSpentOnlyWhileTheEngineWaits) {
  Table table;
  table.to_funded();
  const Millis whole = table.terms.clocks.party;
  EXPECT_EQ(table.head().clocks[0], whole);
  table.wait(Millis{4000});  // within the start delay
  table.send(table.seed_reveal(table.creator));
  EXPECT_EQ(table.head().clocks[0], whole);
  table.wait(Millis{11'000});
  table.send(table.seed_reveal(table.acceptor));
  EXPECT_EQ(table.head().clocks[0], whole);
  EXPECT_EQ(table.head().clocks[1], whole - Millis{10'000});
}

TEST(Clocks, NoStepAllowsLessThanTheLeast) {
  Allowance clock(Millis{1000});
  const Clocks clocks;
  const UnixMillis at = unix_millis(0);
  clock.begin(at, clocks);
  EXPECT_EQ(clock.deadline(), at + clocks.start_delay + clocks.min_step);
  clock.stop(at + Millis{15'000});
  EXPECT_FALSE(clock.deadline().has_value());
  clock.resume(at + Millis{100'000}, clocks);
  EXPECT_EQ(clock.deadline(), at + Millis{100'000} + clocks.start_delay + Millis{20'000});
  clock.end(at + Millis{105'000});
  EXPECT_EQ(clock.left(), Millis{0});
}

TEST(Clocks, StandStillWithoutRelaysUpToTheGiveBack) {
  Table table;
  table.to_funded();
  const UnixMillis before = *table.head().deadlines[0];
  table.wait(Millis{1000});
  table.feed(RelaysLost{table.now});
  EXPECT_EQ(table.types().back(), "stopped");
  EXPECT_FALSE(table.head().deadlines[0].has_value());
  EXPECT_TRUE(table.feed(RelaysLost{table.now}).empty());
  table.wait(Millis{60'000});
  table.feed(RelaysRegained{table.now});
  EXPECT_EQ(*table.head().deadlines[0], before + Millis{61'000});
  table.feed(RelaysLost{table.now});
  table.fire();  // the rest of the give-back
  EXPECT_EQ(table.types().back(), "resumed");
  EXPECT_EQ(table.last<ResumedReceipt>()->given_back, Millis(table.terms.clocks.give_back) - Millis{60'000});
  EXPECT_TRUE(table.feed(RelaysLost{table.now}).empty()) << "nothing is left to give back";
  table.send(table.seed_reveal(table.creator));
  table.fire();
  EXPECT_EQ(table.last<VerdictReceipt>()->winner, table.creator.pubkey());
  EXPECT_EQ(table.fault, "");
}

TEST(Clocks, AnEngineThatWasDownCostsNobodyTheMatch) {
  Table table;
  table.to_funded();
  table.send(table.seed_reveal(table.creator));
  const UnixMillis down = table.now + Millis{2000};
  table.wait(Millis{3'600'000 / 4});
  table.feed(Restarted{table.now, down});
  EXPECT_EQ(table.types().back(), "resumed");
  table.wait(Millis{10'000});
  table.send(table.seed_reveal(table.acceptor));
  EXPECT_EQ(table.match.phase(), Phase::commit);
  EXPECT_EQ(table.fault, "");
  const auto inputs = inputs_of_chain(table.match.chain(), table.mint.stake_keyset(), table.keys);
  EXPECT_TRUE(inputs.has_value()) << inputs.error().message;
}

TEST(Clocks, WhatFellDueBeforeTheEngineWentDownCounts) {
  Table table;
  table.to_funded();
  table.send(table.seed_reveal(table.creator));
  const UnixMillis down = *table.match.next_timer() + Millis{10};
  table.now = down + Millis{60'000};
  table.feed(Restarted{table.now, down});
  ASSERT_TRUE(table.last<VerdictReceipt>().has_value());
  EXPECT_EQ(table.last<VerdictReceipt>()->winner, table.creator.pubkey());
}

TEST(Clocks, AMatchNotEndedByTheHardEndIsVoid) {
  Table table;
  table.to_funded();
  table.now = *table.transcript.view().hard_end + Millis{500};
  table.feed(Restarted{table.now, *table.transcript.view().hard_end - Seconds{30 * 60}});
  // Down when the deadlines came, and back after the hard end.
  ASSERT_TRUE(table.last<VerdictReceipt>().has_value());
  EXPECT_EQ(table.last<VerdictReceipt>()->outcome, Outcome::void_match);
  EXPECT_EQ(table.fault, "");
}

TEST(Clocks, TimersThatFireEarlyOrTwiceChangeNothing) {
  Table table;
  table.to_funded();
  EXPECT_TRUE(table.feed(TimerFired{table.now}).empty());
  EXPECT_TRUE(table.feed(TimerFired{table.now - Millis{100'000}}).empty());
}

TEST(Forks, ASecondReceiptOfOneSequenceVoidsTheMatch) {
  Table table;
  table.to_seeds_open();
  Receipt other = *parse_receipt(table.match.chain()[3]);
  other.head.at += Millis{1};
  const Event twin = table.keys.sign(
      to_draft(other, table.creator.pubkey(), table.acceptor.pubkey(), table.keys.pubkey(), ""));
  EXPECT_FALSE(table.transcript.add(twin));
  EXPECT_TRUE(table.feed(ForeignReceipt{table.now, table.match.chain()[3]}).empty()) << "our own";
  table.feed(ForeignReceipt{table.now, twin});
  EXPECT_EQ(table.last<VerdictReceipt>()->outcome, Outcome::void_match);
  EXPECT_EQ(table.fault, "");
}

TEST(Forks, AnOldBackupFreezesUntilItHasTheLongerChain) {
  Table table;
  table.to_funded();
  Table old = table;
  table.send(table.seed_reveal(table.creator));
  table.send(table.seed_reveal(table.acceptor));
  old.feed(ForeignReceipt{old.now, table.match.chain().back()});
  EXPECT_EQ(old.behind, 1);
  const std::size_t length = old.match.chain().size();
  old.wait(Millis{9000});
  old.send(old.seed_reveal(old.acceptor));
  old.feed(TimerFired{old.now + Millis{1'000'000}});
  EXPECT_EQ(old.match.chain().size(), length) << "it must not contradict what it has said";
  const auto inputs = inputs_of_chain(table.match.chain(), table.mint.stake_keyset(), table.keys);
  ASSERT_TRUE(inputs.has_value());
  Match adopted;
  for (const Input& input : *inputs) reduce(adopted, input, table.keys);
  EXPECT_EQ(adopted.chain().back(), table.match.chain().back());
}

}  // namespace
}  // namespace manastr::match
