#include "common/daemon/arguments.h"

#include <gtest/gtest.h>

#include <vector>

namespace manastr::daemon {
namespace {

constexpr std::string_view kCommands[] = {"check-config", "pubkey"};

Result<Arguments> read(std::vector<std::string_view> words, std::string_view default_config = "") {
  return read_arguments(words, kCommands, default_config);
}

TEST(Arguments, CommandConfigurationAndData) {
  const auto all = read({"pubkey", "--data", "/d", "--config", "mint.toml"});
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_EQ(all->command, "pubkey");
  EXPECT_EQ(all->config, "mint.toml");
  EXPECT_EQ(all->data_folder("/configured"), "/d");

  const auto least = read({"--config", "mint.toml"});
  ASSERT_TRUE(least);
  EXPECT_EQ(least->command, "run");
  EXPECT_EQ(least->data_folder("/configured"), "/configured");
  EXPECT_EQ(least->data_folder(""), "data");

  EXPECT_EQ(read({"run"}, "game-engine.toml")->config, "game-engine.toml");
}

TEST(Arguments, HelpAsksForNothingElse) {
  EXPECT_TRUE(read({"--help"})->help);
  EXPECT_TRUE(read({"check-config", "-h"})->help);
}

TEST(Arguments, WhatIsWrongIsNamed) {
  const struct {
    std::vector<std::string_view> words;
    std::string_view said;
  } rows[] = {
      {{}, "--config FILE is missing"},
      {{"--config"}, "--config needs a path"},
      {{"--config", "f", "--data"}, "--data needs a path"},
      {{"serve", "--config", "f"}, "unknown argument 'serve'"},
      {{"--config", "f", "pubkey"}, "unknown argument 'pubkey'"},
      {{"--config", "f", "--verbose"}, "unknown argument '--verbose'"},
  };
  for (const auto& row : rows) {
    const auto read_words = read(row.words);
    ASSERT_FALSE(read_words) << row.said;
    EXPECT_NE(read_words.error().message.find(row.said), std::string::npos) << read_words.error().message;
  }
}

}  // namespace
}  // namespace manastr::daemon
