#include "common/storage/database.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "common/storage/directory_lock.h"
#include "common/storage/migrations.h"
#include "tests/support/temporary_folder.h"

namespace manastr::storage {
namespace {

using test::TemporaryFolder;

Database memory() {
  auto out = Database::open(":memory:");
  EXPECT_TRUE(out);
  return *std::move(out);
}

bool says(const Error& error, std::string_view part) { return error.message.find(part) != std::string::npos; }

TEST(Database, keeps_every_type_exactly) {
  Database database = memory();
  ASSERT_TRUE(database.execute("CREATE TABLE t (i, u, t, b, h, n, e)"));
  const std::uint64_t large = ~std::uint64_t{0};
  const std::string text("a\0b", 3);
  const Bytes blob{0, 1, 255};
  const ByteArray<4> array{9, 8, 7, 6};
  ASSERT_TRUE(database.run("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)", std::int64_t{-5}, large, text, blob,
                           array, std::optional<std::string>(), ByteView()));
  EXPECT_EQ(database.changes(), 1);
  auto row = database.query("SELECT i, u, t, b, h, n, e FROM t WHERE u = ?", large);
  ASSERT_TRUE(row);
  ASSERT_EQ(row->next(), true);
  EXPECT_EQ(row->integer(0), -5);
  EXPECT_EQ(row->unsigned_integer(1), large);
  EXPECT_EQ(row->text(2), text);
  EXPECT_TRUE(std::ranges::equal(row->blob(3), blob));
  EXPECT_EQ(row->array<4>(4), array);
  EXPECT_TRUE(row->is_null(5));
  EXPECT_FALSE(row->is_null(6));
  EXPECT_TRUE(row->blob(6).empty());
  EXPECT_FALSE(row->array<5>(4));
  EXPECT_TRUE(says(row->array<5>(4).error(), "column h does not hold 5 bytes"));
  EXPECT_EQ(row->next(), false);
}

TEST(Database, uses_one_text_twice_at_once) {
  Database database = memory();
  ASSERT_TRUE(database.execute("CREATE TABLE t (a); INSERT INTO t VALUES (1), (2)"));
  auto outer = database.query("SELECT a FROM t ORDER BY a");
  ASSERT_EQ(outer->next(), true);
  auto inner = database.query("SELECT a FROM t ORDER BY a");
  ASSERT_EQ(inner->next(), true);
  ASSERT_EQ(outer->next(), true);
  EXPECT_EQ(outer->integer(0), 2);
  EXPECT_EQ(inner->integer(0), 1);
}

TEST(Database, a_query_used_again_forgets_its_parameters) {
  Database database = memory();
  for (const bool bound : {true, false}) {
    auto query = database.query("SELECT ?");
    if (bound) query->bind(1, 7);
    ASSERT_EQ(query->next(), true);
    EXPECT_EQ(query->is_null(0), !bound);
  }
}

TEST(Database, names_a_parameter_that_does_not_exist) {
  Database database = memory();
  EXPECT_FALSE(database.run("SELECT ?", 1, 2));
}

TEST(Transaction, rolls_back_unless_committed) {
  Database database = memory();
  ASSERT_TRUE(database.execute("CREATE TABLE t (a)"));
  {
    auto transaction = Transaction::begin(database);
    ASSERT_TRUE(transaction);
    ASSERT_TRUE(database.run("INSERT INTO t VALUES (1)"));
  }
  EXPECT_FALSE(database.in_transaction());
  {
    auto transaction = Transaction::begin(database);
    ASSERT_TRUE(database.run("INSERT INTO t VALUES (2)"));
    {
      auto part = Savepoint::set(database);
      ASSERT_TRUE(part);
      ASSERT_TRUE(database.run("INSERT INTO t VALUES (3)"));
    }
    auto part = Savepoint::set(database);
    ASSERT_TRUE(database.run("INSERT INTO t VALUES (4)"));
    ASSERT_TRUE(part->keep());
    ASSERT_TRUE(transaction->commit());
  }
  auto sum = database.query("SELECT group_concat(a) FROM t");
  ASSERT_EQ(sum->next(), true);
  EXPECT_EQ(sum->text(0), "2,4");
}

TEST(Database, is_private_durable_and_checks_foreign_keys) {
  const TemporaryFolder folder;
  const std::string file = folder.path("a.sqlite");
  auto database = Database::open(file);
  ASSERT_TRUE(database);
  ASSERT_TRUE(
      database->execute("CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p REFERENCES p (id))"));
  for (const std::string& each : {file, file + "-wal"}) {
    struct stat info{};
    ASSERT_EQ(::stat(each.c_str(), &info), 0) << each;
    EXPECT_EQ(info.st_mode & 0777, 0600U) << each;
  }
  const Status orphan = database->run("INSERT INTO c VALUES (1)");
  ASSERT_FALSE(orphan);
  EXPECT_EQ(orphan.error().kind, ErrorKind::refused);
  for (const auto& [pragma, wanted] :
       {std::pair("PRAGMA synchronous", "2"), std::pair("PRAGMA journal_mode", "wal")}) {
    auto query = database->query(pragma);
    ASSERT_EQ(query->next(), true);
    EXPECT_EQ(query->text(0), wanted) << pragma;
  }
  EXPECT_TRUE(database->checkpoint());
  EXPECT_TRUE(database->check_integrity());
}

TEST(Database, a_locked_file_is_unavailable) {
  const TemporaryFolder folder;
  OpenOptions impatient;
  impatient.busy_timeout = Millis{0};
  auto one = Database::open(folder.path("a.sqlite"));
  ASSERT_TRUE(one);
  ASSERT_TRUE(one->execute("CREATE TABLE t (a)"));
  auto other = Database::open(folder.path("a.sqlite"), impatient);
  ASSERT_TRUE(other);
  auto held = Transaction::begin(*one);
  ASSERT_TRUE(held);
  const auto refused = Transaction::begin(*other);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
  EXPECT_TRUE(says(refused.error(), "locked by another process"));
  EXPECT_FALSE(other->failed());
}

TEST(Database, a_full_disk_is_one_clear_sentence_and_no_lasting_harm) {
  Database database = memory();
  ASSERT_TRUE(database.execute("CREATE TABLE t (a); PRAGMA max_page_count = 4"));
  const Status full = database.run("INSERT INTO t VALUES (?)", Bytes(100'000));
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().kind, ErrorKind::unavailable);
  EXPECT_TRUE(says(full.error(), "is full; make room")) << full.error().message;
  EXPECT_TRUE(database.run("INSERT INTO t VALUES (1)"));
}

TEST(Database, what_is_no_database_or_damaged_is_said_at_open) {
  const TemporaryFolder folder;
  const auto other = Database::open(folder.write("a.sqlite", std::string(5'000, 'x')));
  ASSERT_FALSE(other);
  EXPECT_TRUE(says(other.error(), "is no SQLite file")) << other.error().message;
  const auto missing = Database::open(folder.path("no/such/a.sqlite"));
  ASSERT_FALSE(missing);
  EXPECT_TRUE(says(missing.error(), "cannot open")) << missing.error().message;
  const auto a_folder = Database::open(folder.path());
  ASSERT_FALSE(a_folder);

  const std::string file = folder.path("b.sqlite");
  {
    auto database = Database::open(file);
    ASSERT_TRUE(database->execute("CREATE TABLE t (a)"));
    ASSERT_TRUE(database->run("INSERT INTO t VALUES (?)", Bytes(50'000)));
  }
  {
    std::fstream damage(file, std::ios::in | std::ios::out | std::ios::binary);
    damage.seekp(4'096);
    damage << std::string(4'096, 'x');
  }
  auto damaged = Database::open(file);
  ASSERT_TRUE(damaged);
  const Status status = damaged->check_integrity();
  ASSERT_FALSE(status);
  EXPECT_TRUE(says(status.error(), "damaged")) << status.error().message;
}

constexpr Migration kFirst[] = {{"things", "CREATE TABLE things (a INTEGER)"}};
constexpr Migration kSecond[] = {
    {"things", "CREATE TABLE things (a INTEGER)"},
    {"things have names", "ALTER TABLE things ADD COLUMN name TEXT NOT NULL DEFAULT ''"}};
constexpr Migration kWrong[] = {{"things", "CREATE TABLE things (a INTEGER)"},
                                {"half", "CREATE TABLE half (a); CREATE TABLE things (b)"}};

TEST(Migrations, go_forward_once_each) {
  const TemporaryFolder folder;
  const std::string file = folder.path("a.sqlite");
  auto database = Database::open(file);
  ASSERT_TRUE(migrate(*database, kMintLedger, kFirst));
  ASSERT_TRUE(database->run("INSERT INTO things VALUES (1)"));
  ASSERT_TRUE(migrate(*database, kMintLedger, kSecond));
  ASSERT_TRUE(migrate(*database, kMintLedger, kSecond));
  EXPECT_TRUE(database->run("UPDATE things SET name = 'x'"));
}

TEST(Migrations, refuse_what_is_not_theirs) {
  Database database = memory();
  ASSERT_TRUE(migrate(database, kMintLedger, kSecond));
  const Status older = migrate(database, kMintLedger, kFirst);
  ASSERT_FALSE(older);
  EXPECT_TRUE(says(older.error(), "written by a newer version (schema 2, this one knows 1)"))
      << older.error().message;
  const Status other = migrate(database, kEngineJournal, kSecond);
  ASSERT_FALSE(other);
  EXPECT_TRUE(says(other.error(), "belongs to another program"));
  Database foreign = memory();
  ASSERT_TRUE(foreign.execute("CREATE TABLE t (a)"));
  EXPECT_FALSE(migrate(foreign, kMintLedger, kFirst));
}

TEST(Migrations, a_failed_one_changes_nothing) {
  Database database = memory();
  ASSERT_TRUE(migrate(database, kMintLedger, kFirst));
  const Status wrong = migrate(database, kMintLedger, kWrong);
  ASSERT_FALSE(wrong);
  EXPECT_TRUE(says(wrong.error(), "migration 2 (half) failed")) << wrong.error().message;
  EXPECT_FALSE(database.run("SELECT * FROM half"));
  EXPECT_TRUE(migrate(database, kMintLedger, kSecond));
}

TEST(DirectoryLock, admits_one) {
  const TemporaryFolder folder;
  const std::string data = folder.path("deep/data");
  {
    const auto lock = DirectoryLock::acquire(data);
    ASSERT_TRUE(lock) << lock.error().message;
    struct stat info{};
    ASSERT_EQ(::stat(data.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0700U);
    const auto second = DirectoryLock::acquire(data);
    ASSERT_FALSE(second);
    EXPECT_TRUE(says(second.error(), "already used by process " + std::to_string(::getpid())))
        << second.error().message;
  }
  EXPECT_TRUE(DirectoryLock::acquire(data));
}

TEST(DirectoryLock, says_why_there_is_no_folder) {
  const TemporaryFolder folder;
  const auto lock = DirectoryLock::acquire(folder.write("file", "") + "/data");
  ASSERT_FALSE(lock);
  EXPECT_TRUE(says(lock.error(), "cannot make the data folder")) << lock.error().message;
}

}  // namespace
}  // namespace manastr::storage
