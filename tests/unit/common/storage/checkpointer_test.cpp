// The log of a busy database begins anew again and again, beside a writer that never pauses.
#include "common/storage/checkpointer.h"

#include <gtest/gtest.h>

#include "tests/support/power_loss_vfs.h"
#include "tests/support/temporary_folder.h"

namespace manastr::storage {
namespace {

using manastr::test::PowerLossVfs;
using manastr::test::TemporaryFolder;

constexpr int kPages = 16;
constexpr int kMostPages = 8 * kPages;

class Written {
 public:
  explicit Written(const std::string& vfs = "") {
    options_.wal_autocheckpoint = 0;
    options_.vfs = vfs;
    database_.emplace(Database::open(path_, options_).value());
    EXPECT_TRUE(database_->execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b BLOB)"));
    checkpointer_ = Checkpointer::start(path_, options_, kPages, [this](const Error&) {
                      failed_ = true;
                      failed_.notify_all();
                    }).value();
  }
  Status commit() {
    const auto turn = checkpointer_->turn();
    TRY(Transaction transaction, Transaction::begin(*database_));
    TRY_STATUS(database_->run("INSERT INTO t(b) VALUES(randomblob(8000))"));
    TRY_STATUS(transaction.commit());
    checkpointer_->committed(database_->log_pages());
    return {};
  }
  void wake_checkpointer() { checkpointer_->committed(kPages); }
  int log_pages() const { return database_->log_pages(); }
  Database reader() const { return Database::open(path_, {.create = false, .read_only = true}).value(); }
  std::int64_t rows() const {
    Database read = reader();
    Query count = read.query("SELECT count(*) FROM t").value();
    EXPECT_TRUE(count.next().value());
    return count.integer(0);
  }
  const std::atomic<bool>& failed() const { return failed_; }

 private:
  TemporaryFolder folder_;
  std::string path_ = folder_.path("busy.sqlite");
  OpenOptions options_;
  std::optional<Database> database_;
  std::atomic<bool> failed_ = false;
  std::unique_ptr<Checkpointer> checkpointer_;
};

TEST(Checkpointer, BoundsTheLogOfAWriterThatNeverPauses) {
  Written database;
  int most = 0;
  int begun_anew = 0;
  for (int i = 0, before = 0; i < 500; ++i, before = database.log_pages()) {
    ASSERT_TRUE(database.commit());
    most = std::max(most, database.log_pages());
    if (database.log_pages() < before) ++begun_anew;
  }
  EXPECT_LE(most, kMostPages + 2 * kPages);
  EXPECT_GE(begun_anew, 5);
  EXPECT_EQ(database.rows(), 500);
}

TEST(Checkpointer, AReaderHoldsTheLogBackButNobodyWaitsForIt) {
  Written database;
  {
    Database reader = database.reader();
    ASSERT_TRUE(reader.execute("BEGIN; SELECT count(*) FROM t"));
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(database.commit());
    EXPECT_GT(database.log_pages(), kMostPages);
  }
  bool anew = false;
  for (int i = 0; i < 10'000 && !anew; ++i) {
    const int before = database.log_pages();
    ASSERT_TRUE(database.commit());
    anew = database.log_pages() < before;
  }
  EXPECT_TRUE(anew);
}

TEST(Checkpointer, TellsThatTheDiskFailed) {
  PowerLossVfs vfs("checkpointer-power-loss");
  Written database(vfs.name());
  ASSERT_TRUE(database.commit());
  vfs.lose_power_now(manastr::test::Unsynced::dropped, 1);
  database.wake_checkpointer();
  database.failed().wait(false);
}

}  // namespace
}  // namespace manastr::storage
