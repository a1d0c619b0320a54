#include "mint/ledger/postgres/postgres_ledger.h"

#include <fstream>
#include <sstream>

#include "mint/ledger/sqlite_ledger.h"
#include "tests/support/temporary_folder.h"
#include "tests/unit/mint/ledger/keysets_suite.h"
#include "tests/unit/mint/ledger/ledger_suite.h"
#include "tests/unit/mint/ledger/postgres/postgres_options.h"
#include "tests/unit/mint/ledger/scripted_life.h"
#include "tests/unit/mint/ledger/token_suite.h"

namespace manastr::mint::test {
namespace {

std::vector<std::string> column_of(const std::string& url, const std::string& what, const std::string& table,
                                   const std::string& rest) {
  const auto connection = PostgresCluster::instance().connect(url);
  const std::string sql = "SELECT " + what + " FROM mint." + table + " " + rest;
  const auto rows = connection->ask({"column", sql.c_str()}).value();
  std::vector<std::string> out;
  for (std::size_t i = 0; i < rows.size(); ++i) out.emplace_back(rows.text(i, 0));
  return out;
}

void begin_pruning(const std::string& url, Ledger& ledger, std::uint32_t keyset) {
  EXPECT_EQ(ledger.prune(keyset).value(), KeysetStore::Pruned::later) << "old statements may still run";
  PostgresCluster::instance().execute(url, "UPDATE mint.pruned SET since = since - interval '1 hour'");
}

class PostgresPlace final : public LedgerPlace {
 public:
  Result<std::unique_ptr<Ledger>> open() override { return open_postgres_ledger(options_for(url_)); }
  std::vector<std::string> column(const std::string& what, const std::string& table,
                                  const std::string& rest) override {
    return column_of(url_, what, table, rest);
  }
  void let_pruning_begin(Ledger& ledger, std::uint32_t keyset) override {
    begin_pruning(url_, ledger, keyset);
  }

 private:
  const std::string url_ = PostgresCluster::instance().make_database();
};

std::unique_ptr<LedgerPlace> in_postgres() { return std::make_unique<PostgresPlace>(); }

INSTANTIATE_TEST_SUITE_P(Postgres, LedgerTest, testing::Values(&in_postgres),
                         [](const auto&) { return "database"; });

/// Its growing tables are split by the hash of their keys (bench/partition.sql). What can't be split so (a
/// sequence, another unique column beside the key, a foreign key) would fail here.
class PartitionedPlace final : public LedgerPlace {
 public:
  PartitionedPlace() {
    if (!open_postgres_ledger(options_for(url_))) throw std::runtime_error("no ledger");
    const auto& cluster = PostgresCluster::instance();
    std::ifstream file(std::string(MANASTR_SOURCE_DIR) + "/bench/partition.sql");
    std::ostringstream text;
    text << file.rdbuf();
    std::string script = text.str();
    static constexpr std::string_view kPartitions = "int := 16;";
    script.replace(script.find(kPartitions), kPartitions.size(), "int := 3;");  // quicker
    cluster.execute(url_, script);
    const auto split = cluster.connect(url_)->ask(
        {"split",
         "SELECT count(*) FROM pg_partitioned_table WHERE partstrat = 'h' AND partrelid IN "
         "('mint.proofs'::regclass, 'mint.signatures'::regclass, 'mint.commits'::regclass)"});
    if (!split || split->integer(0, 0) != 3) throw std::runtime_error("the tables are not split");
  }
  Result<std::unique_ptr<Ledger>> open() override { return open_postgres_ledger(options_for(url_)); }
  std::vector<std::string> column(const std::string& what, const std::string& table,
                                  const std::string& rest) override {
    return column_of(url_, what, table, rest);
  }
  void let_pruning_begin(Ledger& ledger, std::uint32_t keyset) override {
    begin_pruning(url_, ledger, keyset);
  }

 private:
  const std::string url_ = PostgresCluster::instance().make_database();
};

std::unique_ptr<LedgerPlace> in_partitions() { return std::make_unique<PartitionedPlace>(); }

INSTANTIATE_TEST_SUITE_P(Partitioned, LedgerTest, testing::Values(&in_partitions),
                         [](const auto&) { return "database"; });

TEST(PostgresLedger, MarksNoKeysetAsPrunedThatLivesByTheServersClock) {
  const auto ledger = open_postgres_ledger(options_for(PostgresCluster::instance().make_database())).value();
  ASSERT_TRUE(prepare(*ledger));
  const std::vector<KeysetRecord> before = ledger->keysets().value();
  std::vector<KeysetRecord> living = before;
  living.push_back({.number = static_cast<std::uint32_t>(before.size() + 1),
                    .id = *cashu::KeysetId::from_hex("00aaaaaaaaaaaaaa"),
                    .unit = "mana",
                    .position = 9,
                    .final_expiry = system_clock().now_seconds() + Seconds{600}});
  std::vector<KeysetRecord> marked = living;
  marked.back().state = KeysetState::pruned;
  EXPECT_FALSE(ledger->change_keysets(before, marked)) << "not when it is made";
  ASSERT_TRUE(ledger->change_keysets(before, living).value());
  const auto said = ledger->change_keysets(living, marked);
  ASSERT_FALSE(said) << "nor later";
  EXPECT_NE(said.error().message.find("final expiry"), std::string::npos) << said.error().message;
  EXPECT_EQ(ledger->keysets().value(), living);
  EXPECT_TRUE(ledger->health());
}

TEST(PostgresLedger, LivesAsTheSqliteLedgerDoes) {
  const manastr::test::TemporaryFolder folder;
  SqliteLedgerOptions sqlite;
  sqlite.file = folder.path("ledger.sqlite");
  sqlite.filter_log2_bits = 16;
  const auto theirs = open_sqlite_ledger(std::move(sqlite)).value();
  const auto ours = open_postgres_ledger(options_for(PostgresCluster::instance().make_database())).value();
  ASSERT_TRUE(prepare(*theirs));
  ASSERT_TRUE(prepare(*ours));
  for (const Act& act : life()) {
    const auto expected = theirs->write_now(act.write);
    const auto said = ours->write_now(act.write);
    ASSERT_EQ(said.has_value(), expected.has_value()) << (said ? "" : said.error().message);
    if (said) {
      EXPECT_EQ(said->credit_msat, expected->credit_msat);
    } else {
      EXPECT_EQ(said.error().code, expected.error().code);
      EXPECT_EQ(said.error().message, expected.error().message);
    }
    ASSERT_EQ(picture(*ours).value(), picture(*theirs).value());
  }
}

}  // namespace
}  // namespace manastr::mint::test
