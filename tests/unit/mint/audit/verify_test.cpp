// A ledger that nobody tampered with verifies; whatever row is altered, left out or brought back,
// verification says where.
#include "mint/audit/verify.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "common/storage/database.h"
#include "mint/audit/postgres_view.h"
#include "mint/audit/sqlite_view.h"
#include "mint/ledger/sqlite_ledger.h"
#include "tests/support/temporary_folder.h"
#include "tests/unit/mint/ledger/postgres/postgres_options.h"
#include "tests/unit/mint/ledger/scripted_life.h"

namespace manastr::mint::test {
namespace {

/// A database that a ledger lives in, and that can be tampered with. '@' in SQL stands before each table.
class Place {
 public:
  virtual ~Place() = default;
  virtual std::unique_ptr<Ledger> open() = 0;
  virtual std::unique_ptr<LedgerView> view() = 0;
  virtual void tamper(const std::string& sql) = 0;
  /// As it is now; nobody has it open.
  virtual std::unique_ptr<Place> backup() = 0;
  virtual bool is_sqlite() const { return false; }
};

std::string with_tables(std::string sql, const std::string& prefix) {
  for (std::size_t at = sql.find('@'); at != std::string::npos; at = sql.find('@'))
    sql.replace(at, 1, prefix);
  return sql;
}

class InSqlite final : public Place {
 public:
  std::unique_ptr<Ledger> open() override {
    SqliteLedgerOptions options;
    options.file = file();
    options.filter_log2_bits = 16;
    options.recent_points = 1;  // the file's index has nearly all
    return open_sqlite_ledger(std::move(options)).value();
  }
  std::unique_ptr<LedgerView> view() override { return view_sqlite_ledger(file()).value(); }
  void tamper(const std::string& sql) override {
    const Status done = storage::Database::open(file())->execute(with_tables(sql, ""));
    ASSERT_TRUE(done) << sql << ": " << done.error().message;
  }
  std::unique_ptr<Place> backup() override {
    auto out = std::make_unique<InSqlite>();
    std::filesystem::copy_file(file(), out->file());
    return out;
  }
  bool is_sqlite() const override { return true; }

 private:
  std::string file() const { return folder_.path("ledger.sqlite"); }
  const manastr::test::TemporaryFolder folder_;
};

class InPostgres final : public Place {
 public:
  explicit InPostgres(std::string url = PostgresCluster::instance().make_database()) : url_(std::move(url)) {}
  std::unique_ptr<Ledger> open() override { return open_postgres_ledger(options_for(url_)).value(); }
  std::unique_ptr<LedgerView> view() override {
    return view_postgres_ledger(crypto::SecretText(url_)).value();
  }
  void tamper(const std::string& sql) override {
    PostgresCluster::instance().execute(url_, with_tables(sql, "mint."));
  }
  std::unique_ptr<Place> backup() override {
    PostgresCluster& cluster = PostgresCluster::instance();
    const auto name = [](const std::string& url) {
      const std::size_t from = url.find("@/") + 2;
      return url.substr(from, url.find('?') - from);
    };
    static int copies = 0;
    const std::string copy = cluster.url("copy" + std::to_string(++copies));
    cluster.execute(cluster.url("postgres"), "CREATE DATABASE " + name(copy) + " TEMPLATE " + name(url_));
    return std::make_unique<InPostgres>(copy);
  }

 private:
  const std::string url_;
};

using MakePlace = std::unique_ptr<Place> (*)();

class Verify : public testing::TestWithParam<MakePlace> {
 protected:
  /// Acts from..to of the scripted life, and an orderly stop.
  void live(Place& place, std::size_t from, std::size_t to) {
    const auto ledger = place.open();
    ledger->sign_checkpoints(key_);
    ASSERT_TRUE(prepare(*ledger));
    const std::vector<Act> acts = life();
    for (std::size_t i = from; i < std::min(to, acts.size()); ++i) {
      const auto said = ledger->write_now(acts[i].write);
      ASSERT_EQ(said.has_value(), acts[i].answer == kDone) << i;
    }
  }
  void live_whole(Place& place) {
    live(place, 0, 5);
    live(place, 5, 14);
    live(place, 14, 100);
  }
  /// All faults that are found; "" if there are none.
  std::string faults(Place& place, const std::optional<SignedCheckpoint>& after = {}) {
    std::string out;
    const auto passed =
        verify_ledger(*place.view(), key_.x_only(), after, [&](bool good, const std::string& line) {
          if (!good) out += line + "\n";
        });
    if (!passed) return passed.error().message;
    EXPECT_EQ(*passed, out.empty());
    return out;
  }
  SignedCheckpoint last_checkpoint(Place& place) { return place.open()->standing().checkpoint.value(); }

  const crypto::SecretKey key_ = crypto::SecretKey::generate(system_random());
  const std::unique_ptr<Place> place_ = GetParam()();
};

TEST_P(Verify, WhatNobodyTamperedWithPasses) {
  {
    const auto empty = place_->open();
    EXPECT_EQ(faults(*place_), "") << "an empty ledger";
  }
  live_whole(*place_);
  EXPECT_EQ(faults(*place_), "");
  EXPECT_EQ(faults(*place_, last_checkpoint(*place_)), "");
}

TEST_P(Verify, PassesWhileALedgerIsWritten) {
  const auto ledger = place_->open();
  ledger->sign_checkpoints(key_);
  ASSERT_TRUE(prepare(*ledger));
  for (const Act& act : life()) {
    (void)ledger->write_now(act.write);
    ASSERT_EQ(faults(*place_), "");
  }
}

TEST_P(Verify, SaysWhatWasAltered) {
  live_whole(*place_);
  const std::string entry = "chain || sequence = (SELECT max(chain || sequence) FROM @journal)";
  struct Alteration {
    std::string sql;
    std::string said;
  };
  const std::string any_proof =
      "y = (SELECT y FROM @proofs WHERE state = 1 AND keyset = 1 ORDER BY y LIMIT 1)";
  const std::string any_signature =
      "b_ = (SELECT b_ FROM @signatures WHERE c_ IS NOT NULL AND keyset = 1 ORDER BY b_ LIMIT 1)";
  std::vector<Alteration> alterations{
      {"UPDATE @proofs SET amount = amount + 1 WHERE " + any_proof, "redeemed/1 is"},
      {"UPDATE @proofs SET keyset = 3 WHERE " + any_proof, "redeemed/3 is"},
      {"UPDATE @proofs SET state = 0 WHERE " + any_proof, "redeemed/1 is"},
      {"DELETE FROM @proofs WHERE " + any_proof, "redeemed/1 is"},
      {"UPDATE @signatures SET amount = amount + 1 WHERE " + any_signature, "issued/1 is"},
      {"DELETE FROM @signatures WHERE " + any_signature, "issued/1 is"},
      {"UPDATE @mint_quotes SET amount_issued = amount_issued + 1 WHERE unit = 'mana'", "claimed/mana is"},
      {"UPDATE @mint_quotes SET amount_issued = amount_issued + 1 WHERE unit = 'mana'",
       "more was issued than paid"},
      {"UPDATE @mint_quotes SET amount_paid = amount_paid + 1 WHERE unit = 'sat'", "paid_for/sat is"},
      {"UPDATE @mint_quotes SET received_msat = 1 WHERE unit = 'sat'", "received is"},
      {"UPDATE @melt_quotes SET paid_msat = 1", "paid_out is"},
      {"UPDATE @melt_quotes SET state = 1", "other proofs are locked for it"},
      {"UPDATE @match_credits SET msat = msat + 1", "credit is"},
      {"UPDATE @prices SET msat = 1000000", "owes"},
  };
  // The walk is the same on both databases: one of these will do for the slower one.
  const std::vector<Alteration> of_the_journal{
      {"UPDATE @journal SET entry = replace(entry, ' +', ' +1') WHERE sequence "
       "= 1",
       "it does not follow the entry before it"},
      {"UPDATE @journal SET entry = replace(entry, 'change', 'chance') WHERE sequence = 1", "malformed"},
      {"UPDATE @journal SET entry = replace(entry, ' +', ' +1') WHERE " + entry,
       "was another one than is there"},
      {"DELETE FROM @journal WHERE sequence = 2", "the one before it is missing, entry 2"},
      {"DELETE FROM @journal WHERE " + entry, "which is whole only up to entry"},
      {"DELETE FROM @journal", "which is whole only up to entry 0"},
      {"UPDATE @checkpoints SET text = replace(text, 'balance issued/1 ', 'balance issued/1 1') WHERE number "
       "= 2",
       "its signature is not of its text"},
      {"UPDATE @checkpoints SET signature = (SELECT signature FROM @checkpoints WHERE number = 1) WHERE "
       "number = 2",
       "its signature is not of its text"},
      {"DELETE FROM @checkpoints WHERE number = 2", "the one before it is missing, checkpoint 2"},
  };
  alterations.insert(alterations.end(), of_the_journal.begin(),
                     place_->is_sqlite() ? of_the_journal.end() : of_the_journal.begin() + 1);
  if (place_->is_sqlite()) {
    alterations.insert(
        alterations.end(),
        {{"UPDATE keyset_totals SET issued = issued + 1 WHERE keyset = 1 AND entry = 2", "and"},
         {"UPDATE unit_totals SET paid_for = paid_for + 1 WHERE unit = 'mana' AND entry = 1",
          "paid_for/mana is"},
         {"UPDATE money_totals SET received_msat = received_msat + 1 WHERE entry = 1", "received is"},
         {"DELETE FROM journal WHERE sequence > 1; DELETE FROM checkpoints WHERE number > 1",
          "its tail is missing"},
         {"UPDATE proofs SET y = (SELECT y FROM proofs WHERE number = 2) WHERE number = 1",
          "hold the same point"},
         {"UPDATE proofs SET y = randomblob(33) WHERE number = 1", "the index does not lead to row 1"},
         {"UPDATE signatures SET b_ = randomblob(33) WHERE number = 1", "the index does not lead to row 1"},
         {"DELETE FROM proofs_index WHERE number = 1", "the index does not lead to row 1"}});
  } else {
    alterations.insert(
        alterations.end(),
        {{"UPDATE mint.totals SET amount = amount + 1 WHERE account = 'issued/1'", "issued/1 is"},
         {"INSERT INTO mint.commits(id, replica, accounts, amounts) VALUES('\\x00', 'c', '{redeemed/1}', "
          "'{5000}')",
          "were redeemed and only"},
         {"DELETE FROM mint.totals WHERE account = 'credit'", "credit is"}});
  }
  ASSERT_EQ(faults(*place_), "");
  for (const Alteration& each : alterations) {
    const auto altered = place_->backup();
    altered->tamper(each.sql);
    const std::string said = faults(*altered);
    EXPECT_NE(said.find(each.said), std::string::npos) << each.sql << "\nis answered with:\n" << said;
  }
}

TEST_P(Verify, AnOlderBackupIsCaughtByACheckpointThatSomeoneKept) {
  live(*place_, 0, 5);
  const auto backup = place_->backup();
  live(*place_, 5, 14);
  live(*place_, 14, 100);
  const SignedCheckpoint kept = last_checkpoint(*place_);
  EXPECT_EQ(faults(*place_, kept), "");
  EXPECT_EQ(faults(*backup), "") << "it is whole in itself";
  EXPECT_NE(faults(*backup, kept).find("older than the one that was kept"), std::string::npos);
  for (int i = 0; i < 3; ++i) {  // the mint goes on from it
    const auto ledger = backup->open();
    ledger->sign_checkpoints(key_);
    const auto n = static_cast<unsigned>(500 + i);
    ASSERT_TRUE(ledger->write_now(SwapWrite{hash_of(n), {{point('x', n), kMana, 1, ""}}, {output(n, 1)}}));
  }
  EXPECT_EQ(faults(*backup), "");
  EXPECT_NE(faults(*backup, kept).find("is another one than was kept"), std::string::npos)
      << faults(*backup, kept);
}

TEST_P(Verify, CheckpointsOfAnotherMnemonicAreNotTheMints) {
  live_whole(*place_);
  std::string said;
  const auto other = crypto::SecretKey::generate(system_random()).x_only();
  const auto passed =
      verify_ledger(*place_->view(), other, {}, [&](bool, const std::string& line) { said += line + "\n"; });
  ASSERT_TRUE(passed);
  EXPECT_FALSE(*passed);
  EXPECT_NE(said.find("it is signed with the key"), std::string::npos) << said;
}

std::unique_ptr<Place> in_sqlite() { return std::make_unique<InSqlite>(); }
std::unique_ptr<Place> in_postgres() { return std::make_unique<InPostgres>(); }

INSTANTIATE_TEST_SUITE_P(Sqlite, Verify, testing::Values(&in_sqlite), [](const auto&) { return "file"; });
INSTANTIATE_TEST_SUITE_P(Postgres, Verify, testing::Values(&in_postgres),
                         [](const auto&) { return "database"; });

TEST(VerifyPostgres, SeveralReplicasHaveAChainEach) {
  const std::string url = PostgresCluster::instance().make_database();
  const crypto::SecretKey key = crypto::SecretKey::generate(system_random());
  {
    const auto a = open_postgres_ledger(options_for(url, "a")).value();
    const auto b = open_postgres_ledger(options_for(url, "b")).value();
    a->sign_checkpoints(key);
    b->sign_checkpoints(key);
    ASSERT_TRUE(prepare(*a));
    ASSERT_TRUE(prepare(*b));
    bool at_a = false;
    for (const Act& act : life()) (void)((at_a = !at_a) ? *a : *b).write_now(act.write);
  }
  const auto view = view_postgres_ledger(crypto::SecretText(url)).value();
  EXPECT_EQ(view->chains()->size(), 2U);
  std::string said;
  EXPECT_TRUE(
      verify_ledger(*view, key.x_only(), {}, [&](bool, const std::string& line) { said += line + "\n"; })
          .value())
      << said;
}

}  // namespace
}  // namespace manastr::mint::test
