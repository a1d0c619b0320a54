#include <gtest/gtest.h>

#include "common/storage/database.h"
#include "tests/support/power_loss_vfs.h"
#include "tests/support/temporary_folder.h"

namespace manastr::storage {
namespace {

using test::PowerLossVfs;
using test::TemporaryFolder;
using test::Unsynced;

OpenOptions through(const PowerLossVfs& vfs, Durability durability) {
  OpenOptions options;
  options.vfs = vfs.name();
  options.durability = durability;
  options.wal_autocheckpoint = 8;  // so that checkpoints and the log's restart come among the sync points
  return options;
}

/// Commits rows 1, 2, ... `most` until one fails; how many commits were reported as done.
std::int64_t work(const std::string& file, const OpenOptions& options, std::int64_t most) {
  auto database = Database::open(file, options);
  if (!database) return 0;
  if (!database->execute("CREATE TABLE IF NOT EXISTS rows (number INTEGER PRIMARY KEY, data BLOB)")) return 0;
  const Bytes data(700, 0xab);
  for (std::int64_t number = 1; number <= most; ++number) {
    auto transaction = Transaction::begin(*database);
    if (!transaction) return number - 1;
    if (!database->run("INSERT INTO rows VALUES (?, ?)", number, data)) return number - 1;
    if (!transaction->commit()) return number - 1;
  }
  return most;
}

/// Rows found after the power came back; -1 if the file is damaged or has a gap.
std::int64_t survivors(const std::string& file) {
  auto database = Database::open(file);
  if (!database || !database->check_integrity()) return -1;
  auto table = database->query("SELECT 1 FROM sqlite_schema WHERE name = 'rows'");
  if (!table || !table->next().value_or(false)) return 0;
  auto rows = database->query("SELECT count(*), coalesce(max(number), 0) FROM rows");
  if (!rows || !rows->next().value_or(false) || rows->integer(0) != rows->integer(1)) return -1;
  return rows->integer(0);
}

constexpr std::int64_t kCommits = 40;

class PowerLoss : public testing::TestWithParam<Unsynced> {};

TEST_P(PowerLoss, loses_no_committed_row_at_any_sync_point) {
  PowerLossVfs vfs("power-loss");
  std::size_t sync = 1;
  for (;; ++sync) {
    const TemporaryFolder folder;
    const std::string file = folder.path("ledger.sqlite");
    vfs.lose_power_at_sync(sync, GetParam(), static_cast<unsigned>(sync));
    const std::int64_t reported = work(file, through(vfs, Durability::full), kCommits);
    const bool lost = vfs.lost();
    vfs.restore();
    const std::int64_t found = survivors(file);
    ASSERT_GE(found, reported) << "power lost at sync " << sync;
    ASSERT_LE(found, reported + 1) << "power lost at sync " << sync;
    if (!lost) break;
  }
  // One sync per commit at least, and those of the checkpoints: the loop has seen them all.
  EXPECT_GT(sync, static_cast<std::size_t>(kCommits));
}

TEST_P(PowerLoss, is_found_when_nothing_is_synced) {
  PowerLossVfs vfs("power-loss");
  const TemporaryFolder folder;
  const std::string file = folder.path("ledger.sqlite");
  std::int64_t reported = 0;
  {
    // The connection is still open when the power goes: closing it would write and sync the log.
    auto bystander = Database::open(file, through(vfs, Durability::off));
    ASSERT_TRUE(bystander) << bystander.error().message;
    reported = work(file, through(vfs, Durability::off), kCommits);
    vfs.lose_power_now(GetParam(), 7);
  }
  vfs.restore();
  EXPECT_EQ(reported, kCommits);
  EXPECT_LT(survivors(file), reported);
}

INSTANTIATE_TEST_SUITE_P(Unsynced, PowerLoss, testing::Values(Unsynced::dropped, Unsynced::torn),
                         [](const auto& each) {
                           return each.param == Unsynced::dropped ? "dropped" : "torn";
                         });

TEST(Database, refuses_all_writing_after_a_failed_sync) {
  PowerLossVfs vfs("power-loss");
  const TemporaryFolder folder;
  auto database = Database::open(folder.path("ledger.sqlite"), through(vfs, Durability::full));
  ASSERT_TRUE(database);
  ASSERT_TRUE(database->execute("CREATE TABLE rows (number INTEGER)"));
  vfs.lose_power_at_sync(vfs.syncs() + 1, Unsynced::dropped);
  const Status failed = database->run("INSERT INTO rows VALUES (1)");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, ErrorKind::broken);
  EXPECT_TRUE(database->failed());
  const Status next = database->run("INSERT INTO rows VALUES (2)");
  ASSERT_FALSE(next);
  EXPECT_NE(next.error().message.find("until a restart"), std::string::npos) << next.error().message;
}

}  // namespace
}  // namespace manastr::storage
