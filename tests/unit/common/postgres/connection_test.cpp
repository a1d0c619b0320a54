#include "common/postgres/connection.h"

#include <gtest/gtest.h>

#include "common/postgres/pool.h"
#include "tests/support/postgres_cluster.h"

namespace manastr::postgres {
namespace {

using manastr::test::PostgresCluster;

class PostgresConnection : public testing::Test {
 protected:
  PostgresCluster& cluster_ = PostgresCluster::instance();
  const std::string url_ = cluster_.make_database();
  const std::unique_ptr<Connection> connection_ = cluster_.connect(url_);
};

TEST_F(PostgresConnection, ValuesComeBackAsTheyWere) {
  constexpr Statement kEcho{"echo", "SELECT $1::int8, $2::bytea, $3::text, $4::int8, $5::bytea"};
  const Bytes bytes{0, 1, 0xff, 0};
  for (const std::int64_t number :
       {std::int64_t{0}, std::int64_t{-1}, INT64_MAX, INT64_MIN, std::int64_t{256}}) {
    Parameters parameters;
    parameters.add(number)
        .add(ByteView(bytes))
        .add(std::string_view("\xc3\xa4 'x'"))
        .add_null()
        .add(ByteView());
    const auto rows = connection_->ask(kEcho, parameters);
    ASSERT_TRUE(rows) << rows.error().message;
    EXPECT_EQ(rows->integer(0, 0), number);
    EXPECT_TRUE(std::ranges::equal(rows->blob(0, 1), bytes));
    EXPECT_EQ(rows->text(0, 2), "\xc3\xa4 'x'");
    EXPECT_TRUE(rows->is_null(0, 3));
    EXPECT_FALSE(rows->is_null(0, 4));
    EXPECT_FALSE((rows->array<5>(0, 1)));
  }
  constexpr Statement kNarrow{"narrow", "SELECT (-2)::int2, (-3)::int4, true, false"};
  const auto rows = connection_->ask(kNarrow);
  EXPECT_EQ(rows->integer(0, 0), -2);
  EXPECT_EQ(rows->integer(0, 1), -3);
  EXPECT_EQ(rows->integer(0, 2), 1);
  EXPECT_EQ(rows->integer(0, 3), 0);
}

TEST_F(PostgresConnection, AStatementIsKnownByItsNameWhereverThatIsWritten) {
  const std::string here = "twice", there = "twice";
  for (const std::string* name : {&here, &there}) {
    const auto rows = connection_->ask(Statement{name->c_str(), "SELECT 1"});
    EXPECT_TRUE(rows) << rows.error().message;
  }
  EXPECT_THROW(connection_->queue(Statement{"twice", "SELECT 2"}), std::logic_error);
}

TEST_F(PostgresConnection, ArraysAreUnnested) {
  constexpr Statement kSum{
      "sum", "SELECT count(*), sum(a)::int8, count(b) FROM unnest($1::int8[], $2::bytea[]) x(a, b)"};
  Array numbers(Array::Element::int8), blobs(Array::Element::bytea);
  auto rows = connection_->ask(kSum, Parameters().add(numbers).add(blobs));
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(rows->integer(0, 0), 0);
  for (std::int64_t i = 0; i < 1'000; ++i) {
    numbers.add(-i);
    i % 2 == 0 ? blobs.add_null() : blobs.add(ByteView(Bytes(static_cast<std::size_t>(i))));
  }
  rows = connection_->ask(kSum, Parameters().add(numbers).add(blobs));
  EXPECT_EQ(rows->integer(0, 0), 1'000);
  EXPECT_EQ(rows->integer(0, 1), -999 * 500);
  EXPECT_EQ(rows->integer(0, 2), 500);
}

TEST_F(PostgresConnection, AFaultEndsTheRunAndNotTheConnection) {
  constexpr Statement kFine{"fine", "SELECT 1"};
  constexpr Statement kWrong{"wrong", "SELECT 1 / $1::int8"};
  constexpr Statement kNever{"never", "SELECT 2"};
  connection_->queue(kFine);
  connection_->queue(kWrong, Parameters().add(std::int64_t{0}));
  connection_->queue(kNever);
  const auto failed = connection_->run();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().sqlstate, "22012");
  EXPECT_EQ(failed.error().failure, Failure::program);
  EXPECT_EQ(connection_->ask(kNever)->integer(0, 0), 2) << "prepared anew, for the server never saw it";
  EXPECT_EQ(connection_->ask(kWrong, Parameters().add(std::int64_t{1}))->integer(0, 0), 1);
  EXPECT_EQ(connection_->ask({"missing", "SELECT * FROM nothing"}).error().failure, Failure::missing);
}

TEST_F(PostgresConnection, MoreThanTheSocketsHoldAtOnceIsNoDeadlock) {
  constexpr Statement kRepeat{"repeat", "SELECT repeat('x', 10000), $1::bytea"};
  const Bytes large(20'000);
  for (int i = 0; i < 500; ++i) connection_->queue(kRepeat, Parameters().add(ByteView(large)));
  const auto rows = connection_->run();
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(rows->size(), 500U);
}

TEST_F(PostgresConnection, ASilentServerIsLost) {
  const auto silent = connection_->ask({"warm", "SELECT 1"});
  ASSERT_TRUE(silent);
  connection_->queue({"sleep", "SELECT pg_sleep(5)"});
  const auto lost = connection_->run(Millis{100});
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().failure, Failure::lost);
  EXPECT_FALSE(connection_->usable());
  EXPECT_EQ(Error(lost.error()).kind, ErrorKind::unavailable);
}

TEST_F(PostgresConnection, APoolReadsOnAfterItsConnectionsWereCut) {
  const auto address = Address::parse(crypto::SecretText(url_), "test").value();
  Pool pool(address, 2);
  constexpr Statement kOne{"one", "SELECT 1"};
  {
    auto first = pool.borrow();
    auto second = pool.borrow();
    ASSERT_TRUE(first && second);
  }
  cluster_.cut_connections(url_);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(pool.read(kOne));
}

TEST(PostgresAddress, IsDescribedWithoutItsPassword) {
  const auto address =
      Address::parse(crypto::SecretText("postgresql://mint:hunter2@db.example:5433/ledger"), "test");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->described(), "mint@db.example:5433/ledger");
  EXPECT_EQ(address->user(), "mint");
  const auto value = [&](std::string_view keyword) {
    const Address::Words words = address->words();
    for (std::size_t i = 0; words.keywords[i] != nullptr; ++i) {
      if (words.keywords[i] == keyword) return std::string(words.values[i]);
    }
    return std::string();
  };
  EXPECT_EQ(value("sslmode"), "require") << "to another machine";
  EXPECT_EQ(value("target_session_attrs"), "read-write");
  const auto bad = Address::parse(crypto::SecretText("postgresql://mint:hunter2@db/x?nonsense=1"), "test");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().message.find("hunter2"), std::string::npos);
}

TEST(PostgresFault, IsToldByWhatCanBeDone) {
  EXPECT_EQ(classify("57P01"), Failure::lost);
  EXPECT_EQ(classify("08006"), Failure::lost);
  EXPECT_EQ(classify("25006"), Failure::lost);
  EXPECT_EQ(classify("40P01"), Failure::again);
  EXPECT_EQ(classify("53100"), Failure::full);
  EXPECT_EQ(classify("42501"), Failure::denied);
  EXPECT_EQ(classify("42P01"), Failure::missing);
  EXPECT_EQ(classify("23505"), Failure::conflict);
  EXPECT_EQ(classify("XX000"), Failure::program);
  EXPECT_EQ(Error(Fault{Failure::full, "53100", "no space"}).kind, ErrorKind::unavailable);
  EXPECT_EQ(Error(Fault{Failure::program, "XX000", "no idea"}).kind, ErrorKind::broken);
  EXPECT_EQ(quoted_identifier("a\"b"), "\"a\"\"b\"");
}

}  // namespace
}  // namespace manastr::postgres
