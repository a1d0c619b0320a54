// That a mint which still runs is noticed, whether it keeps its database open or not.
#include "mint/import/source_database.h"

#include <gtest/gtest.h>

#include "tests/support/postgres_cluster.h"
#include "tests/support/temporary_folder.h"

namespace manastr::mint {
namespace {

using test::PostgresCluster;

constexpr const char* kTable = "CREATE TABLE proofs(y TEXT); INSERT INTO proofs VALUES('a')";
constexpr const char* kWrite = "INSERT INTO proofs VALUES('b')";

Result<std::unique_ptr<SourceDatabase>> open(const std::string& place) {
  return SourceDatabase::open(crypto::SecretText(place));
}
int rows(SourceDatabase& database) {
  int out = 0;
  EXPECT_TRUE(database.each("SELECT y FROM proofs", [&](const SourceRow&) -> Status {
    ++out;
    return {};
  }));
  return out;
}
bool says(const auto& result, const std::string& what) {
  return !result && result.error().message.find(what) != std::string::npos &&
         result.error().message.find("stop the other mint first") != std::string::npos;
}

class SourceFile : public testing::Test {
 protected:
  SourceFile() { run(kTable); }
  /// As a nutshell does: opens, writes, closes.
  void run(const std::string& script) const {
    storage::Database database = *storage::Database::open(file_);
    const Status done = database.execute(script);
    ASSERT_TRUE(done) << done.error().message;
  }

  const test::TemporaryFolder folder_;
  const std::string file_ = folder_.path("old.sqlite");
};

TEST_F(SourceFile, ThatNobodyTouchesIsUnchanged) {
  const auto source = open(file_);
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_EQ(rows(**source), 1);
  const Status ended = (*source)->end_unchanged();
  EXPECT_TRUE(ended) << ended.error().message;
}

TEST_F(SourceFile, AWriteMeanwhileIsNoticed) {
  const auto source = open(file_);
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_EQ(rows(**source), 1);
  run(kWrite);
  EXPECT_EQ(rows(**source), 1) << "one view from beginning to end";
  EXPECT_TRUE(says((*source)->end_unchanged(), "was written to during the import"));
}

class SourceServer : public testing::Test {
 protected:
  SourceServer() {
    cluster_.execute(url_, kTable);
    await_connections(0);
  }
  /// One that was closed is gone a little later.
  void await_connections(std::int64_t count) const { EXPECT_TRUE(cluster_.await_connections(url_, count)); }

  PostgresCluster& cluster_ = PostgresCluster::instance();
  const std::string url_ = cluster_.make_database();
};

TEST_F(SourceServer, ThatNobodyTouchesIsUnchanged) {
  const auto source = open(url_);
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_EQ(rows(**source), 1);
  const Status ended = (*source)->end_unchanged();
  EXPECT_TRUE(ended) << ended.error().message;
}

TEST_F(SourceServer, AWriteMeanwhileIsNoticed) {
  const auto source = open(url_);
  ASSERT_TRUE(source) << source.error().message;
  cluster_.execute(url_, kWrite);
  EXPECT_EQ(rows(**source), 1) << "one view from beginning to end";
  await_connections(1);
  EXPECT_TRUE(says((*source)->end_unchanged(), "was written to during the import"));
}

TEST_F(SourceServer, AConnectionIsNoticedAtBothEnds) {
  {
    const auto mint = cluster_.connect(url_);
    EXPECT_TRUE(says(open(url_), "is in use"));
  }
  await_connections(0);
  const auto source = open(url_);
  ASSERT_TRUE(source) << source.error().message;
  const auto mint = cluster_.connect(url_);
  EXPECT_TRUE(says((*source)->end_unchanged(), "is in use"));
}

}  // namespace
}  // namespace manastr::mint
