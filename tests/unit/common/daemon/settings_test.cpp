// [logging] and [database], which mint and engine read alike.
#include <gtest/gtest.h>

#include "common/daemon/database_url.h"
#include "common/daemon/logging.h"

namespace manastr::daemon {
namespace {

config::Document parse(std::string_view text) {
  auto document = config::Document::parse(text, "f.toml", [](const char*) { return std::nullopt; });
  EXPECT_TRUE(document);
  return *std::move(document);
}

TEST(Logging, LevelAndFormat) {
  auto empty = parse("");
  EXPECT_EQ(read_logging(empty), Logging{});
  auto both = parse("[logging]\nlevel = \"warn\"\nformat = \"json\"\n");
  EXPECT_EQ(read_logging(both), (Logging{telemetry::Level::warn, telemetry::LogFormat::json}));
  auto trace = parse("[logging]\nlevel = \"trace\"\n");
  EXPECT_EQ(read_logging(trace).level, telemetry::Level::debug);
  auto wrong = parse("[logging]\nlevel = \"loud\"\n");
  read_logging(wrong);
  const Status status = wrong.finish();
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("f.toml:2"), std::string::npos) << status.error().message;
}

TEST(DatabaseUrl, FileBelowTheDataFolder) {
  EXPECT_EQ(DatabaseUrl().sqlite_file("/d", "mint.sqlite"), "/d/mint.sqlite");
  EXPECT_EQ(DatabaseUrl("sqlite:b.sqlite").sqlite_file("/d", "mint.sqlite"), "/d/b.sqlite");
  EXPECT_EQ(DatabaseUrl("sqlite:///elsewhere/b.sqlite").sqlite_file("/d", "mint.sqlite"),
            "/elsewhere/b.sqlite");
}

TEST(DatabaseUrl, PostgresqlByEitherScheme) {
  EXPECT_TRUE(DatabaseUrl("postgresql://mint@db/mint").is_postgresql());
  EXPECT_TRUE(DatabaseUrl("postgres://mint@db/mint").is_postgresql());
  EXPECT_FALSE(DatabaseUrl("sqlite:postgres://").is_postgresql());
}

TEST(DatabaseUrl, AnythingElseIsRejectedWithoutItsPassword) {
  auto document = parse("[database]\nurl = \"mysql://mint:hunter2@db/mint\"\n");
  read_database_url(document);
  const Status status = document.finish();
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("f.toml:2"), std::string::npos) << status.error().message;
  EXPECT_EQ(status.error().message.find("hunter2"), std::string::npos) << status.error().message;
}

}  // namespace
}  // namespace manastr::daemon
