#include "player/keyfile.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "common/crypto/bip39.h"
#include "tests/support/temporary_folder.h"

namespace manastr::player {
namespace {

constexpr std::uint8_t kFast = 10;

TEST(KeyFile, GivesBackBothSecrets) {
  const test::TemporaryFolder folder;
  const std::string path = folder.path("key.json");
  const PlayerKeys keys = generate_player_keys(system_random());
  ASSERT_TRUE(write_keyfile(path, keys, "correct horse", system_random(), kFast));
  const auto again = read_keyfile(path, "correct horse");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->nostr_key.reveal(), keys.nostr_key.reveal());
  EXPECT_EQ(again->mnemonic.reveal(), keys.mnemonic.reveal());
  EXPECT_TRUE(crypto::check_mnemonic(again->mnemonic.reveal()));
}

TEST(KeyFile, HoldsNeitherSecretInTheClearAndIsPrivate) {
  const test::TemporaryFolder folder;
  const std::string path = folder.path("key.json");
  const PlayerKeys keys = generate_player_keys(system_random());
  ASSERT_TRUE(write_keyfile(path, keys, "p", system_random(), kFast));
  std::ifstream file(path);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  EXPECT_EQ(text.find(keys.mnemonic.reveal()), std::string::npos);
  EXPECT_EQ(text.find(to_hex(keys.nostr_key.reveal())), std::string::npos);
  struct stat info{};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  EXPECT_FALSE(std::filesystem::exists(path + ".new"));
}

TEST(KeyFile, AWrongPassphraseIsRefused) {
  const test::TemporaryFolder folder;
  const std::string path = folder.path("key.json");
  ASSERT_TRUE(write_keyfile(path, generate_player_keys(system_random()), "right", system_random(), kFast));
  EXPECT_EQ(read_keyfile(path, "wrong").error().kind, ErrorKind::refused);
}

TEST(KeyFile, IsNeverOverwritten) {
  const test::TemporaryFolder folder;
  const std::string path = folder.path("key.json");
  const PlayerKeys first = generate_player_keys(system_random());
  ASSERT_TRUE(write_keyfile(path, first, "p", system_random(), kFast));
  EXPECT_FALSE(write_keyfile(path, generate_player_keys(system_random()), "p", system_random(), kFast));
  EXPECT_EQ(read_keyfile(path, "p")->mnemonic.reveal(), first.mnemonic.reveal());
}

TEST(KeyFile, WhatIsNoneIsRefusedWithASentence) {
  const test::TemporaryFolder folder;
  EXPECT_FALSE(read_keyfile(folder.path("absent"), "p"));
  for (const std::string& text :
       {std::string("{}"), std::string("x"), std::string(), std::string(20'000, ' '),
        std::string(R"({"version":1,"ncryptsec":"a","mnemonic":{"log_n":99}})")}) {
    const std::string path = folder.write("key.json", text);
    ::chmod(path.c_str(), 0600);
    EXPECT_EQ(read_keyfile(path, "p").error().kind, ErrorKind::invalid) << text;
  }
  const std::string open_to_all = folder.write("open.json", "{}");
  ::chmod(open_to_all.c_str(), 0644);
  EXPECT_NE(read_keyfile(open_to_all, "p").error().message.find("chmod 600"), std::string::npos);
}

}  // namespace
}  // namespace manastr::player
