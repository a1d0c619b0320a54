// The game endpoints of the mint: who may call them, burn and loot within a match's credit. Settlements are
// in mint_settlement_test.cpp. Rooms: common/mintclient common/gameapi
// Databases: both
#include "tests/integration/mint_match.h"

namespace manastr::test {
namespace {

TEST_F(MintGame, AuthorizationIsCheckedAndUsedUp) {
  const std::string body = status_body(mint_.buy("mana", std::vector<cashu::Amount>{1}));
  const std::string path(kSpentStatusPath);
  EXPECT_EQ(mint_.post(path, body).status, 401);
  EXPECT_EQ(mint_.post(path, body, "Bearer x").status, 401);
  EXPECT_EQ(mint_.post(path, body, header(kBurnManaPath, body, nostr_)).status, 401) << "another path";
  EXPECT_EQ(mint_.post(path, body + " ", header(path, body, nostr_)).status, 401) << "another body";
  EXPECT_EQ(call_as(fresh_key(), path, body).status, 403);
  const std::string good = header(path, body, nostr_);
  EXPECT_EQ(mint_.post(path, body, good).status, 200);
  EXPECT_EQ(mint_.post(path, body, good).status, 401) << "an event is used once";
  mint_.restart();
  EXPECT_EQ(mint_.post(path, body, good).status, 401) << "also across a restart";
}

TEST_F(MintGame, TheAuthFileIsFollowed) {
  const std::string body = status_body(mint_.buy("mana", std::vector<cashu::Amount>{1}));
  ASSERT_EQ(call(kSpentStatusPath, body).status, 200);
  replace_auth(engine_toml(nostr_.x_only(), "can_burn_mana = true"));
  EXPECT_TRUE(eventually([&] { return call(kSpentStatusPath, body).status == 403; }))
      << "the permission is gone";
  replace_auth(engine_toml(nostr_.x_only(), kAll, false));
  EXPECT_TRUE(eventually([&] { return call(kBurnManaPath, "{}").status == 403; })) << "inactive";
  replace_auth("this is no TOML");
  replace_auth(engine_toml(nostr_.x_only(), std::string(kAll) + "\nrequests_per_minute = 60"));
  EXPECT_TRUE(eventually([&] { return call(kSpentStatusPath, body).status == 200; }));
  bool limited = false;
  for (int i = 0; i < 20 && !limited; ++i) limited = call(kSpentStatusPath, body).status == 429;
  EXPECT_TRUE(limited);
}

TEST_F(MintGame, LootIsMintedOnlyAgainstWhatWasBurned) {
  const Hash32 match = fresh_hash();
  const auto mana = mint_.buy("mana", std::vector<cashu::Amount>{64, 32, 4});
  const auto loot = mint_.drafts("loot", {64, 32});
  const std::string first = loot_body(loot, match);
  EXPECT_EQ(MintHouse::code_of(call(kMintLootPath, first)), gameapi::kNoBurnCredit);

  const std::string burn = burn_body(mana, match);
  const HttpReply burned = call(kBurnManaPath, burn);
  ASSERT_EQ(burned.status, 200) << burned.body;
  EXPECT_EQ(member(burned.body, "burned"), "100");
  EXPECT_EQ(member(burned.body, "credit_msat"), "20000");
  EXPECT_EQ(call(kBurnManaPath, burn).body, burned.body) << "a retry, under a fresh authorization";
  EXPECT_EQ(MintHouse::code_of(call(kBurnManaPath, burn_body(mana, match))), 11001);

  EXPECT_EQ(MintHouse::code_of(call(kMintLootPath, loot_body(mint_.drafts("loot", {64}), fresh_hash()))),
            gameapi::kNoBurnCredit)
      << "credit of another match";
  EXPECT_EQ(MintHouse::code_of(call(kMintLootPath, loot_body(mint_.drafts("mana", {64}), match))), 20003);
  const HttpReply minted = call(kMintLootPath, first);
  ASSERT_EQ(minted.status, 200) << minted.body;
  EXPECT_EQ(member(minted.body, "credit_msat"), "800");
  EXPECT_EQ(MintHouse::code_of(call(kMintLootPath, loot_body(mint_.drafts("loot", {8}), match))),
            gameapi::kNoBurnCredit);
  mint_.restart();
  EXPECT_EQ(call(kMintLootPath, first).body, minted.body) << "a retry after a restart";

  const auto held = mint_.unblind(minted.body, loot, "loot");
  const HttpReply status = call(kSpentStatusPath, status_body({mana[0], held[0]}));
  EXPECT_NE(status.body.find("SPENT\",\"match\":\"" + to_hex(match)), std::string::npos) << status.body;
  EXPECT_NE(status.body.find("UNSPENT\",\"match\":null"), std::string::npos) << status.body;
  EXPECT_EQ(mint_.unspent(held) * 200 + 800, static_cast<std::uint64_t>(mint_.book_msat()));
}

TEST_F(MintGame, RequestsAboveTheEnginesLimitAreRefused) {
  const auto mana = mint_.buy("mana", std::vector<cashu::Amount>{4, 4});
  replace_auth(engine_toml(nostr_.x_only(), "can_burn_mana = true\nmax_tokens_per_request = 7"));
  ASSERT_TRUE(eventually([&] { return call(kSpentStatusPath, status_body(mana)).status == 403; }))
      << "reloaded";
  EXPECT_EQ(MintHouse::code_of(call(kBurnManaPath, burn_body(mana, fresh_hash()))), 11006);
  EXPECT_EQ(call(kBurnManaPath, burn_body({mana[0]}, fresh_hash())).status, 200);
}

TEST_F(MintGame, AnOperationIdStandsForOneRequest) {
  const Hash32 operation = fresh_hash();
  const auto mana = mint_.buy("mana", std::vector<cashu::Amount>{4, 4});
  ASSERT_EQ(call(kBurnManaPath, burn_body({mana[0]}, fresh_hash(), operation)).status, 200);
  EXPECT_EQ(call(kBurnManaPath, burn_body({mana[1]}, fresh_hash(), operation)).status, 400);
  EXPECT_EQ(mint_.unspent(mana), 4U);
}

}  // namespace
}  // namespace manastr::test
