// mint-conformance against our own mint: with a fee, an inactive and an expired keyset, a fake node, and a
// crash in its midst. Every case passes, none is skipped.
// Rooms: common/mintclient
// Databases: both
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "common/json/reader.h"
#include "mint_house.h"

namespace manastr::test {
namespace {

std::string units(int position) {
  return fmt::format(
      "payment_timeout_seconds = 1\n[limits]\nmax_inputs = 100\nmax_outputs = 100\n[keysets]\nid_version = "
      "1\n"
      "[currencies.sat]\ninput_fee_ppk = 100\nfee_reserve = 1.0\nkeyset_index = {}\n[currencies.mana]\n",
      position);
}

TEST(MintConforms, InEveryCaseOfTheSuite) {
  MintHouse mint({.toml = units(0), .auth = "", .environment = {}});
  const std::string expired = mint.keyset("sat").id.hex();
  mint.configure(units(1));
  mint.restart();
  mint.configure(units(2));
  mint.daemon().process().kill();
  mint.expire_keyset(expired);
  mint.restart();

  // The suite asks for a restart or new keys by making a file, and goes on when it is gone.
  const std::string wish = mint.folder() + "/restart";
  const std::string new_keys = mint.folder() + "/rotate";
  static constexpr std::string_view kGranted = "touch {0}; while test -e {0}; do sleep 0.02; done";
  int position = 2;
  const std::string out = mint.folder() + "/out";
  Process suite(std::string(MANASTR_BINARY_DIR) + "/tests/conformance/mint-conformance",
                {{"--mint", mint.url(), "--fake", "--json", "--patience", "20", "--restart",
                  fmt::format(kGranted, wish), "--rotate", fmt::format(kGranted, new_keys)},
                 {},
                 out});
  const bool ended = eventually(
      [&] {
        if (std::filesystem::exists(wish)) {
          mint.restart();
          ::unlink(wish.c_str());
        }
        if (std::filesystem::exists(new_keys)) {
          mint.configure(units(++position));
          mint.restart();
          ::unlink(new_keys.c_str());
        }
        return !suite.running();
      },
      std::chrono::seconds(200));
  ASSERT_TRUE(ended);
  std::istringstream lines(read_file(out));
  std::size_t passed = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto one = json::parse(line);
    ASSERT_TRUE(one) << line;
    EXPECT_EQ(*one->find("result"), json::Value("pass")) << line;
    passed += *one->find("result") == json::Value("pass");
  }
  EXPECT_GE(passed, 86U);
  EXPECT_EQ(suite.wait(), 0);
}

}  // namespace
}  // namespace manastr::test
