// Rows of points are found wherever they are, in memory or in the file's index, through rollbacks, deletions
// and restarts at any moment.
#include "mint/ledger/point_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <random>
#include <thread>

#include "mint/ledger/sqlite_schema.h"
#include "tests/support/temporary_folder.h"

namespace manastr::mint {
namespace {

using manastr::test::TemporaryFolder;
using storage::Database;
using storage::Transaction;

constexpr std::size_t kRecent = 50;

/// Few keys, so that many points share one.
PointBytes some_point(std::mt19937& random) {
  PointBytes out{2};
  out[1] = static_cast<Byte>(random() % 64 * 4);
  out[32] = static_cast<Byte>(random());
  out[31] = static_cast<Byte>(random() % 4);
  return out;
}

class Table {
 public:
  Table() {
    EXPECT_TRUE(storage::migrate(database_, storage::kMintLedger, ledger_migrations()));
    restart();
  }
  void restart() {
    index_.emplace("proofs", "y", kRecent, 12);
    EXPECT_TRUE(index_->load(database_));
  }
  /// A few new rows in one transaction, which is rolled back now and then.
  void add_some(std::mt19937& random) {
    auto transaction = Transaction::begin(database_).value();
    std::map<PointBytes, std::int64_t> added;
    for (unsigned i = random() % 8; i > 0; --i) {
      const PointBytes point = some_point(random);
      const auto known = index_->find(database_, point).value();
      ASSERT_EQ(known.has_value(), rows_.contains(point) || added.contains(point));
      if (known) continue;
      const std::int64_t number = index_->add(database_, point).value();
      added.emplace(point, number);
      ASSERT_TRUE(database_.run("INSERT INTO proofs(number, y, keyset, amount, state) VALUES(?, ?, 1, 1, 0)",
                                number, point));
    }
    ASSERT_TRUE(index_->move_some(database_));
    if (random() % 4 == 0) return;
    ASSERT_TRUE(transaction.commit());
    index_->moved();
    rows_.merge(added);
  }
  void remove_newest() {
    ASSERT_TRUE(database_.run("DELETE FROM proofs WHERE number = (SELECT max(number) FROM proofs)"));
    const auto newest = std::ranges::max_element(rows_, {}, [](const auto& row) { return row.second; });
    if (newest != rows_.end()) rows_.erase(newest);
  }
  void check(std::mt19937& random) {
    for (const auto& [point, number] : rows_) ASSERT_EQ(index_->find(database_, point).value(), number);
    for (int i = 0; i < 20; ++i) {
      const PointBytes point = some_point(random);
      ASSERT_EQ(index_->find(database_, point).value().has_value(), rows_.contains(point));
    }
  }
  const PointIndex& index() const { return *index_; }

 private:
  TemporaryFolder folder_;
  Database database_ =
      Database::open(folder_.path("points.sqlite"), {.durability = storage::Durability::off}).value();
  std::optional<PointIndex> index_;
  std::map<PointBytes, std::int64_t> rows_;
};

TEST(PointIndex, FindsEveryRowThroughRollbacksDeletionsAndRestarts) {
  for (unsigned seed = 1; seed <= 3; ++seed) {
    std::mt19937 random(seed);
    Table table;
    for (int step = 0; step < 400 && !testing::Test::HasFatalFailure(); ++step) {
      table.add_some(random);
      if (random() % 10 == 0) table.remove_newest();
      if (random() % 50 == 0) table.restart();
      if (step % 20 == 0) table.check(random);
    }
    table.check(random);
  }
}

TEST(PointIndex, OtherThreadsFindWhatIsCommittedWhileItMoves) {
  constexpr std::size_t kRows = 4'000;
  const TemporaryFolder folder;
  const std::string file = folder.path("points.sqlite");
  Database database = Database::open(file, {.durability = storage::Durability::off}).value();
  ASSERT_TRUE(storage::migrate(database, storage::kMintLedger, ledger_migrations()));
  PointIndex index("proofs", "y", kRecent, 16);
  ASSERT_TRUE(index.load(database));

  std::mt19937 random(1);
  std::vector<PointBytes> points(kRows);
  for (PointBytes& point : points) {
    for (Byte& byte : point) byte = static_cast<Byte>(random());
  }
  std::atomic<std::size_t> committed = 0;
  std::atomic<std::size_t> missed = 0;
  std::vector<std::jthread> readers;
  for (unsigned seed = 1; seed <= 2; ++seed) {
    readers.emplace_back([&, seed] {
      std::mt19937 mine(seed);
      Database own = Database::open(file, {.create = false, .read_only = true}).value();
      for (std::size_t up_to = 0; up_to < kRows;) {
        up_to = committed;
        if (up_to == 0) continue;
        const std::size_t back = mine() % std::min<std::size_t>(up_to, 3 * kRecent);
        const auto found = index.find(own, points[up_to - 1 - back]);
        if (!found || !*found) ++missed;
      }
    });
  }
  while (committed < kRows) {
    auto transaction = Transaction::begin(database).value();
    for (std::size_t i = 0; i < 10; ++i) {
      const PointBytes& point = points[committed + i];
      ASSERT_TRUE(database.run("INSERT INTO proofs(number, y, keyset, amount, state) VALUES(?, ?, 1, 1, 1)",
                               index.add(database, point).value(), point));
    }
    ASSERT_TRUE(index.move_some(database));
    ASSERT_TRUE(transaction.commit());
    index.moved();
    committed += 10;
  }
  readers.clear();
  EXPECT_EQ(missed, 0U);
}

TEST(PointIndex, KeepsNoMoreInMemoryThanItIsAllowed) {
  const TemporaryFolder folder;
  Database database =
      Database::open(folder.path("points.sqlite"), {.durability = storage::Durability::off}).value();
  ASSERT_TRUE(storage::migrate(database, storage::kMintLedger, ledger_migrations()));
  std::int64_t last = 0;
  const auto add = [&](PointIndex& index, std::mt19937& random) {
    auto transaction = Transaction::begin(database).value();
    for (int i = 0; i < 100; ++i) {
      PointBytes point{2};
      for (std::size_t at = 1; at < 9; ++at) point[at] = static_cast<Byte>(random());
      last = index.add(database, point).value();
      ASSERT_TRUE(database.run("INSERT INTO proofs(number, y, keyset, amount, state) VALUES(?, ?, 1, 1, 1)",
                               last, point));
    }
    ASSERT_TRUE(index.move_some(database));
    ASSERT_TRUE(transaction.commit());
    index.moved();
    EXPECT_LE(index.in_memory(), 1'100U) << "a commit adds to it only where a round ends";
  };
  std::mt19937 random(1);
  {
    PointIndex index("proofs", "y", 1'000, 16);
    ASSERT_TRUE(index.load(database));
    for (int i = 0; i < 100; ++i) add(index, random);
    EXPECT_GE(index.in_memory(), 900U);
  }
  PointIndex index("proofs", "y", 1'000, 16);
  ASSERT_TRUE(index.load(database));
  EXPECT_LE(index.in_memory(), 4'000U) << "rows of two rounds at most are read anew";
  add(index, random);
  EXPECT_EQ(last, 10'100);
}

TEST(PointIndex, APointThatComesAndGoesIsInItOnce) {
  const TemporaryFolder folder;
  Database database =
      Database::open(folder.path("points.sqlite"), {.durability = storage::Durability::off}).value();
  ASSERT_TRUE(storage::migrate(database, storage::kMintLedger, ledger_migrations()));
  PointBytes point{2, 7};
  for (const std::size_t recent : {std::size_t{10}, std::size_t{0}}) {  // in memory, then in the file
    ++point[1];
    PointIndex index("proofs", "y", recent, 12);
    ASSERT_TRUE(index.load(database));
    const std::size_t before = index.in_memory();
    for (int i = 0; i < 100; ++i) {
      auto transaction = Transaction::begin(database).value();
      const std::int64_t number = index.add(database, point).value();
      ASSERT_TRUE(database.run("INSERT INTO proofs(number, y, keyset, amount, state) VALUES(?, ?, 1, 1, 0)",
                               number, point));
      ASSERT_TRUE(index.move_some(database));
      ASSERT_TRUE(transaction.commit());
      index.moved();
      ASSERT_EQ(index.find(database, point).value(), number);
      ASSERT_TRUE(database.run("DELETE FROM proofs WHERE number = ?", number));
      ASSERT_EQ(index.find(database, point).value(), std::nullopt);
    }
    EXPECT_LE(index.in_memory(), before + 1);
    storage::Query rows = database.query("SELECT count(*) FROM proofs_index").value();
    ASSERT_TRUE(rows.next().value());
    EXPECT_LE(rows.integer(0), recent == 0 ? 2 : 0);
  }
}

TEST(PointIndex, ANumberThatARestartGivesAgainIsNotTakenFromTheIndex) {
  const TemporaryFolder folder;
  Database database =
      Database::open(folder.path("points.sqlite"), {.durability = storage::Durability::off}).value();
  ASSERT_TRUE(storage::migrate(database, storage::kMintLedger, ledger_migrations()));
  const PointBytes first{2, 1};
  const PointBytes second{2, 2};
  std::optional<PointIndex> index;
  const auto restart = [&] {
    index.emplace("proofs", "y", 0, 12);
    ASSERT_TRUE(index->load(database));
  };
  const auto put = [&](const PointBytes& point) {
    const std::int64_t number = index->add(database, point).value();
    EXPECT_TRUE(database.run("INSERT INTO proofs(number, y, keyset, amount, state) VALUES(?, ?, 1, 1, 0)",
                             number, point));
    return number;
  };
  restart();
  put(first);
  ASSERT_TRUE(index->move_some(database));
  index->moved();
  // As if the row had been rolled back, and only later its place in the index written.
  ASSERT_TRUE(database.run("DELETE FROM proofs"));
  ASSERT_TRUE(database.run("UPDATE index_reach SET number = 0"));
  restart();
  const std::int64_t one = put(first);
  const std::int64_t other = put(second);
  EXPECT_NE(one, other);
  EXPECT_EQ(index->find(database, first).value(), one);
  EXPECT_EQ(index->find(database, second).value(), other);
}

}  // namespace
}  // namespace manastr::mint
