#include "mint/ledger/postgres/postgres_ledger.h"

#include "mint/ledger/sqlite_ledger.h"
#include "tests/support/temporary_folder.h"
#include "tests/unit/mint/ledger/ledger_suite.h"
#include "tests/unit/mint/ledger/postgres/postgres_options.h"
#include "tests/unit/mint/ledger/scripted_life.h"

namespace manastr::mint::test {
namespace {

class PostgresPlace final : public LedgerPlace {
 public:
  Result<std::unique_ptr<Ledger>> open() override { return open_postgres_ledger(options_for(url_)); }

 private:
  const std::string url_ = PostgresCluster::instance().make_database();
};

std::unique_ptr<LedgerPlace> in_postgres() { return std::make_unique<PostgresPlace>(); }

INSTANTIATE_TEST_SUITE_P(Postgres, LedgerTest, testing::Values(&in_postgres),
                         [](const auto&) { return "database"; });

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
