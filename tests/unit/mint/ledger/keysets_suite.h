// What every implementation of the ledger promises of keysets that change, and are forgotten. Included beside
// ledger_suite.h.
#pragma once
#include "tests/unit/mint/ledger/ledger_suite.h"

namespace manastr::mint::test {

TEST_P(LedgerTest, KeysetsChangeOnlyFromWhatTheCallerHasSeen) {
  const std::vector<KeysetRecord> before = ledger_->keysets().value();
  std::vector<KeysetRecord> after = before;
  after[0].state = KeysetState::overlap;
  after[0].overlap_until = unix_seconds(1'800'000'000);
  KeysetRecord& fresh = after.emplace_back();
  fresh.number = 3;
  fresh.id = *cashu::KeysetId::from_hex("0000000000000003");
  fresh.unit = "mana";
  fresh.position = 2;
  fresh.final_expiry = unix_seconds(1'900'000'000);
  fresh.derivation = "elsewhere:1";
  fresh.created_at = unix_seconds(1'700'000'000);
  ASSERT_TRUE(ledger_->change_keysets(before, after).value());
  EXPECT_EQ(ledger_->keysets().value(), after);
  EXPECT_FALSE(ledger_->change_keysets(before, after).value()) << "somebody else was faster";
  EXPECT_EQ(code(MintWrite{fresh_hash(), {{paid(8).id, 8}}, {issue(8, 3)}, {}}), 0)
      << "the fresh keyset is issued at once";
  open();
  EXPECT_EQ(ledger_->keysets().value(), after);
}

TEST_P(LedgerTest, OfAKeysetOnlyItsStateChangesAndPrunedIsForGood) {
  std::vector<KeysetRecord> before = ledger_->keysets().value();
  std::vector<KeysetRecord> other = before;
  other[0].input_fee_ppk = 1;
  EXPECT_FALSE(ledger_->change_keysets(before, other));
  EXPECT_FALSE(ledger_->change_keysets(before, {before[0]})) << "none vanishes";
  std::vector<KeysetRecord> pruned = before;
  pruned[0].state = KeysetState::pruned;
  EXPECT_FALSE(ledger_->change_keysets(before, pruned)) << "it has no expiry";
  EXPECT_EQ(ledger_->keysets().value(), before);
  std::vector<KeysetRecord> over = before;
  over.push_back({.number = 3,
                  .id = *cashu::KeysetId::from_hex("0000000000000003"),
                  .unit = "mana",
                  .position = 2,
                  .final_expiry = unix_seconds(1'700'000'000)});
  ASSERT_TRUE(ledger_->change_keysets(before, over).value());
  pruned = over;
  pruned[2].state = KeysetState::pruned;
  ASSERT_TRUE(ledger_->change_keysets(over, pruned).value());
  EXPECT_FALSE(ledger_->change_keysets(pruned, over));
  EXPECT_EQ(ledger_->keysets().value(), pruned);
  std::vector<KeysetRecord> more = pruned;
  more[0].state = KeysetState::verifying;
  EXPECT_TRUE(ledger_->change_keysets(pruned, more).value()) << "others change as ever";
}

TEST_P(LedgerTest, APrunedKeysetIsForgottenAndWhatWasOutstandingIsOwedNoMore) {
  std::vector<KeysetRecord> before = ledger_->keysets().value();
  std::vector<KeysetRecord> records = before;
  KeysetRecord& old = records.emplace_back();
  old.number = 3;
  old.id = *cashu::KeysetId::from_hex("0000000000000003");
  old.unit = "mana";
  old.position = 2;
  old.final_expiry = unix_seconds(1'700'000'000);
  ASSERT_TRUE(ledger_->change_keysets(before, records).value());
  // 100 mana in the old keyset, of which 60 come back as 30 each by a swap and by a melt with change.
  const Spend kept = minted(5);
  std::vector<Issue> issued;
  std::vector<Spend> old_proofs;
  for (const cashu::Amount amount : {40U, 30U, 30U}) {
    issued.push_back(issue(amount, 3));
    old_proofs.push_back(spend(amount, 3));
  }
  ASSERT_EQ(code(MintWrite{fresh_hash(), {{paid(100).id, 100}}, issued, {}}), 0);
  ASSERT_EQ(code(SwapWrite{fresh_hash(), {old_proofs[1]}, {issue(30)}}), 0);
  const PointBytes blank = fresh_point();
  const std::string melt = begin_melt({old_proofs[2]}, {{blank, 3}}, 20 * 200);
  ASSERT_EQ(last_melt_code_, 0);
  EXPECT_TRUE(ledger_->has_pending(3).value());
  EXPECT_FALSE(ledger_->has_pending(1).value());

  std::vector<KeysetRecord> pruned = records;
  pruned[2].state = KeysetState::pruned;
  ASSERT_TRUE(ledger_->change_keysets(records, pruned).value());
  EXPECT_EQ(code(SwapWrite{fresh_hash(), {old_proofs[0]}, {issue(40)}}), 12003)
      << "whatever the request was told before";
  EXPECT_EQ(code(SwapWrite{fresh_hash(), {old_proofs[1]}, {issue(30)}}), 12003);
  EXPECT_EQ(code(SwapWrite{fresh_hash(), {kept}, {issue(5, 3)}}), 12003);
  place_->let_pruning_begin(*ledger_, 3);
  const auto prune = [&] {
    for (;;) {
      const auto state = ledger_->prune(3);
      EXPECT_TRUE(state) << state.error().message;
      if (!state || *state != KeysetStore::Pruned::more) return state.value_or(KeysetStore::Pruned::later);
    }
  };
  EXPECT_EQ(prune(), KeysetStore::Pruned::later) << "a payment under way holds a proof and an output of it";
  EXPECT_EQ(state(old_proofs[1]), ProofState::State::unspent) << "forgotten";
  EXPECT_EQ(state(old_proofs[2]), ProofState::State::pending);
  EXPECT_EQ(outstanding(0), 5 + 100) << "still owed";
  open();
  Issue change = issue(10, 3);
  change.b_blinded = blank;
  ASSERT_EQ(code(FinishMelt{melt, fresh_hash(), 20 * 200, {change}}), 0)
      << "change is signed whatever happens";
  EXPECT_EQ(prune(), KeysetStore::Pruned::done);
  EXPECT_EQ(prune(), KeysetStore::Pruned::done);
  EXPECT_FALSE((*ledger_->signatures(std::span(&issued[0].b_blinded, 1)))[0]);
  EXPECT_FALSE((*ledger_->signatures(std::span(&blank, 1)))[0]);
  // Issued 110 of it, redeemed 60: 50 that nobody can ask for any more.
  EXPECT_EQ(ledger_->totals().units[0].expired, 50);
  EXPECT_EQ(outstanding(0), 5 + 30);
  EXPECT_TRUE(ledger_->totals().solvent());
  EXPECT_EQ(code(SwapWrite{fresh_hash(), {old_proofs[0]}, {issue(40)}}), 12003);
  EXPECT_EQ(state(kept), ProofState::State::unspent);
  EXPECT_EQ(code(SwapWrite{fresh_hash(), {kept}, {issue(5)}}), 0);
  open();
  EXPECT_EQ(ledger_->totals().units[0].expired, 50);
  EXPECT_EQ(outstanding(0), 5 + 30);
  EXPECT_EQ(prune(), KeysetStore::Pruned::done);
  EXPECT_TRUE(ledger_->health());
}

TEST_P(LedgerTest, ManyRowsAreForgottenInBatchesWhileOthersAreWritten) {
  std::vector<KeysetRecord> before = ledger_->keysets().value();
  std::vector<KeysetRecord> records = before;
  KeysetRecord& old = records.emplace_back();
  old.number = 3;
  old.id = *cashu::KeysetId::from_hex("0000000000000003");
  old.unit = "mana";
  old.position = 2;
  old.final_expiry = unix_seconds(1'700'000'000);
  ASSERT_TRUE(ledger_->change_keysets(before, records).value());
  constexpr unsigned kRows = 700;
  std::vector<Issue> issues;
  std::vector<Spend> spends, others;
  for (unsigned i = 0; i < kRows; ++i) {
    issues.push_back(issue(1, i % 2 == 0 ? 3 : 1));
    spends.push_back(spend(1, i % 2 == 0 ? 3 : 1));
  }
  ASSERT_EQ(code(MintWrite{fresh_hash(), {{paid(kRows).id, kRows}}, issues, {}}), 0);
  ASSERT_EQ(code(SwapWrite{fresh_hash(), spends, {issue(kRows)}}), 0);
  std::vector<KeysetRecord> pruned = records;
  pruned[2].state = KeysetState::pruned;
  ASSERT_TRUE(ledger_->change_keysets(records, pruned).value());
  place_->let_pruning_begin(*ledger_, 3);
  for (unsigned batches = 0;; ++batches) {
    ASSERT_LT(batches, 1'000U);
    const auto state = ledger_->prune(3);
    ASSERT_TRUE(state) << state.error().message;
    if (*state == KeysetStore::Pruned::done) break;
    if (batches == 2) open();  // the search begins anew
    if (batches % 4 == 1) {
      EXPECT_EQ(code(MintWrite{fresh_hash(), {{paid(1).id, 1}}, {issue(1)}, {}}), 0);
    }
  }
  for (unsigned i = 0; i < kRows; ++i) {
    EXPECT_EQ(state(spends[i]), i % 2 == 0 ? ProofState::State::unspent : ProofState::State::spent);
    EXPECT_EQ((*ledger_->signatures(std::span(&issues[i].b_blinded, 1)))[0].has_value(), i % 2 != 0);
  }
  EXPECT_EQ(ledger_->totals().units[0].expired, 0) << "all of it had been redeemed";
}

}  // namespace manastr::mint::test
