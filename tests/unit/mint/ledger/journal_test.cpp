// Entries and checkpoints are text that is read back as it was written and in no other form; the worked
// example of docs/journal.md is one of them.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "mint/ledger/checkpoint.h"

namespace manastr::mint {
namespace {

const crypto::SecretKey kKey =
    *crypto::SecretKey::from_hex("0000000000000000000000000000000000000000000000000000000000000003");

JournalEntry first_entry() {
  return {.chain = "main",
          .time = unix_seconds(1'795'270'000),
          .changes = {{"claimed/sat", 100}, {"issued/1", 100}, {"paid_for/sat", 100}, {"received", 100'000}}};
}
JournalEntry second_entry() {
  return {.chain = "main",
          .sequence = 2,
          .time = unix_seconds(1'795'270'007),
          .previous = journal_digest(first_entry().text()),
          .changes = {{"issued/1", 64}, {"redeemed/1", 64}}};
}
Checkpoint first_checkpoint() {
  Checkpoint out;
  out.time = unix_seconds(1'795'270'007);
  out.heads = {{"main", 2, journal_digest(second_entry().text())}};
  out.keysets = {{1, "00ad268c4d1f5826", "sat"}};
  add_changes(out.balances, first_entry().changes);
  add_changes(out.balances, second_entry().changes);
  return out;
}

TEST(Journal, TheWorkedExampleOfTheDocument) {
  const std::string first =
      "manastr-journal 1\nchain main\nsequence 1\ntime 1795270000\n"
      "previous 0000000000000000000000000000000000000000000000000000000000000000\n"
      "change claimed/sat +100\nchange issued/1 +100\nchange paid_for/sat +100\nchange received +100000\n";
  EXPECT_EQ(first_entry().text(), first);
  EXPECT_EQ(to_hex(journal_digest(first)),
            "fb551e1d74582cb7087e9e68d326c91628b17dc3aad1a30a7a992b1fea03cdd4");
  EXPECT_EQ(to_hex(journal_digest(second_entry().text())),
            "05f98d5783e4d0eef96ba2b6598c8ee22c297391f5e88d3d477f23527e790ee9");
  const SignedCheckpoint made = sign_checkpoint(first_checkpoint(), kKey);
  EXPECT_EQ(
      made.text,
      "manastr-checkpoint 1\nnumber 1\ntime 1795270007\n"
      "key f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9\n"
      "previous 0000000000000000000000000000000000000000000000000000000000000000\n"
      "chain main 2 05f98d5783e4d0eef96ba2b6598c8ee22c297391f5e88d3d477f23527e790ee9\n"
      "keyset 1 00ad268c4d1f5826 sat\n"
      "balance claimed/sat 100\nbalance issued/1 164\nbalance paid_for/sat 100\nbalance received 100000\n"
      "balance redeemed/1 64\n");
  EXPECT_EQ(to_hex(made.signature),
            "8983ad8f73269e5132b81ee3796fa641a1c29d100883e99a608b038d7c591a0147deb91d95e5e7a03753b76df87b6fad"
            "8829dbf6e67fe2fd607a6acf999bbdfd");
  EXPECT_TRUE(read_checkpoint(made, kKey.x_only()));
}

TEST(Journal, ACheckpointHoldsForItsTextAndKeyAlone) {
  const SignedCheckpoint made = sign_checkpoint(first_checkpoint(), kKey);
  SignedCheckpoint altered = made;
  altered.text.replace(altered.text.find("164"), 3, "165");
  EXPECT_FALSE(read_checkpoint(altered, kKey.x_only()));
  altered = made;
  altered.signature[5] ^= 1;
  EXPECT_FALSE(read_checkpoint(altered, kKey.x_only()));
  EXPECT_FALSE(read_checkpoint(made, crypto::SecretKey::generate(system_random()).x_only()));
}

TEST(Journal, OtherFormsOfTheSameAreNoneOfIts) {
  const std::string entry = second_entry().text();
  const std::string checkpoint = sign_checkpoint(first_checkpoint(), kKey).text;
  ASSERT_TRUE(JournalEntry::parse(entry));
  ASSERT_TRUE(Checkpoint::parse(checkpoint));
  const auto replaced = [](std::string text, const std::string& what, const std::string& by) {
    return text.replace(text.find(what), what.size(), by);
  };
  EXPECT_FALSE(JournalEntry::parse(entry.substr(0, entry.size() - 1)));
  EXPECT_FALSE(JournalEntry::parse(entry + "\n"));
  EXPECT_FALSE(JournalEntry::parse(replaced(entry, "+64", "64")));
  EXPECT_FALSE(JournalEntry::parse(replaced(entry, "+64", "+064")));
  EXPECT_FALSE(JournalEntry::parse(replaced(entry, "+64", "+0")));
  EXPECT_FALSE(JournalEntry::parse(replaced(entry, "issued/1", "zissued/1"))) << "accounts ascend";
  EXPECT_FALSE(JournalEntry::parse(replaced(entry, "manastr-journal 1", "manastr-journal 2")));
  EXPECT_FALSE(JournalEntry::parse(replaced(entry, "sequence 2", "sequence 02")));
  EXPECT_FALSE(Checkpoint::parse(replaced(checkpoint, "number 1", "number  1")));
  EXPECT_FALSE(Checkpoint::parse(replaced(checkpoint, "balance issued/1", "balance zissued/1")));
  EXPECT_FALSE(Checkpoint::parse(checkpoint + "chain main 2 " + std::string(64, '0') + "\n"));
  EXPECT_TRUE(JournalEntry::parse(replaced(entry, "change issued/1", "change audit/unheard-of")))
      << "accounts of later versions are read";
}

RC_GTEST_PROP(Journal, IsReadBackAsItWasWritten, ()) {
  Accounts changes;
  for (const auto& [name, amount] : *rc::gen::arbitrary<std::map<std::uint32_t, std::int64_t>>()) {
    if (amount != 0) changes.emplace("redeemed/" + std::to_string(name), Wide{amount} * 1'000);
  }
  const JournalEntry entry{.chain = "a-1",
                           .sequence = *rc::gen::arbitrary<std::uint64_t>(),
                           .time = unix_seconds(*rc::gen::inRange<std::int64_t>(0, 1'000'000'000'000)),
                           .previous = journal_digest("before"),
                           .changes = changes};
  const auto read = JournalEntry::parse(entry.text());
  RC_ASSERT(read.has_value());
  RC_ASSERT(read->text() == entry.text());
  RC_ASSERT(read->changes == changes);
  Checkpoint checkpoint = first_checkpoint();
  checkpoint.balances = changes;
  checkpoint.number = entry.sequence;
  const auto again = Checkpoint::parse(checkpoint.text());
  RC_ASSERT(again.has_value());
  RC_ASSERT(again->text() == checkpoint.text());
}

}  // namespace
}  // namespace manastr::mint
