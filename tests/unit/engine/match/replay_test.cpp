#include "engine/match/replay.h"

#include <gtest/gtest.h>

#include "engine/match/step.h"
#include "engine/settlement/mint_calls.h"
#include "tests/unit/common/match/table.h"

namespace manastr::engine {
namespace {

/// What the journal holds of the table's match.
JournaledMatch journal_of(const match::Table& table) {
  JournaledMatch out{.match = table.match.id()};
  match::Match match;
  for (const match::Input& input : table.journal) {
    const Step step = take_step(match, out.inputs.size(), input, table.keys);
    if (!step.journaled) continue;
    out.inputs.push_back({step.record.version, step.record.at, step.record.input});
    out.receipts.insert(out.receipts.end(), step.record.receipts.begin(), step.record.receipts.end());
    for (const auto& [key, what] : step.record.effects) out.outbox.push_back(key);
    for (const std::string& key : step.record.effects_done) std::erase(out.outbox, key);
  }
  return out;
}

TEST(ReplayTest, AsksAgainWhatNoMintHasAnswered) {
  match::Table table;
  table.to_acceptance();
  table.fund(table.acceptor);
  const JournaledMatch journaled = journal_of(table);
  ASSERT_EQ(journaled.outbox.size(), 1u);
  const auto restored = replay(journaled, table.keys);
  ASSERT_TRUE(restored) << restored.error().message;
  ASSERT_EQ(restored->questions.size(), 1u);
  EXPECT_EQ(restored->questions.front().ys, table.asked->ys);
}

TEST(ReplayTest, SettlesAgainWhatNoMintHasAnswered) {
  match::Table table;
  table.to_verdict();
  table.send(table.claim(table.winner()));
  const auto restored = replay(journal_of(table), table.keys);
  ASSERT_TRUE(restored) << restored.error().message;
  ASSERT_EQ(restored->settlements.size(), 1u);
  EXPECT_EQ(restored->settlements.front().operation, table.settlements.front().operation);
  ASSERT_TRUE(table.settle());
  EXPECT_TRUE(journal_of(table).outbox.empty());
}

TEST(ReplayTest, LeavesAMatchAloneWhoseOpenCallsAreNotTheJournals) {
  match::Table table;
  table.to_acceptance();
  table.fund(table.acceptor);
  JournaledMatch forgotten = journal_of(table);
  forgotten.outbox.clear();
  EXPECT_FALSE(replay(forgotten, table.keys));
  JournaledMatch unheard_of = journal_of(table);
  unheard_of.outbox.push_back(settle_key(unheard_of.match, Hash32{}));
  EXPECT_FALSE(replay(unheard_of, table.keys));
}

}  // namespace
}  // namespace manastr::engine
