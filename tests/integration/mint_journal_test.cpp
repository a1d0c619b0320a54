// What a mint says of its supply, and what verification makes of its ledger: running, killed, restarted.
// Rooms: common/mintclient mint/audit
// Databases: both
#include <gtest/gtest.h>

#include <fstream>

#include "common/json/reader.h"
#include "mint/audit/kept_checkpoint.h"
#include "mint_house.h"

namespace manastr::test {
namespace {

json::Value supply_of(MintHouse& mint) { return json::parse(mint.get("/v1/supply").body).value_or(nullptr); }

/// A number of the first keyset of a unit; -1 if there is none.
std::int64_t of_keyset(const json::Value& supply, std::string_view unit, std::string_view what) {
  const json::Value* units = supply.find("units");
  if (units == nullptr) return -1;
  for (const json::Value& each : *units->if_array()) {
    if (*each.find("unit")->if_string() == unit)
      return each.find("keysets")->if_array()->front().find(what)->if_int64().value_or(-1);
  }
  return -1;
}

mint::Checkpoint checkpoint_of(const json::Value& supply) {
  const auto kept = mint::read_kept_checkpoint(supply.dump());
  if (!kept) return {};
  const auto key = crypto::XOnlyKey::from_hex(*supply.find("checkpoint_key")->if_string());
  auto read = mint::read_checkpoint(*kept, *key);
  EXPECT_TRUE(read) << read.error().message;
  return read.value_or(mint::Checkpoint{});
}

TEST(MintJournal, SaysWhatTheMintHasIssuedAndSignsIt) {
  MintHouse mint;
  const auto proofs = mint.buy("sat", std::vector<cashu::Amount>{64, 32});
  const auto swapped = mint.drafts("sat", {64});
  ASSERT_EQ(mint.post("/v1/swap", swap_body({proofs[0]}, swapped)).status, 200);
  ASSERT_TRUE(eventually([&] { return of_keyset(supply_of(mint), "sat", "redeemed") == 64; }));
  const json::Value supply = supply_of(mint);
  EXPECT_EQ(of_keyset(supply, "sat", "issued"), 160);
  EXPECT_EQ(of_keyset(supply, "sat", "outstanding"), 96);
  EXPECT_EQ(supply.find("received_msat")->if_int64(), 96'000);
  EXPECT_EQ(supply.find("liabilities_msat")->if_int64(), 96'000);
  EXPECT_EQ(supply.find("issues")->if_bool() != nullptr && *supply.find("issues")->if_bool(), true);
  const std::string metrics = mint.get("/metrics").body;
  for (const char* each : {"mint_alarm 0", "mint_journal_sequence", "mint_checkpoint_age_seconds",
                           "mint_audit_age_seconds", "mint_issued{keyset="})
    EXPECT_NE(metrics.find(each), std::string::npos) << each;
  EXPECT_EQ(mint.faults(), "");
}

TEST(MintJournal, ACheckpointThatWasKeptHoldsThroughKillsAndStops) {
  MintHouse mint;
  mint.buy("sat", std::vector<cashu::Amount>{8});
  ASSERT_TRUE(eventually([&] {
    return checkpoint_of(supply_of(mint)).number >= 1 && !checkpoint_of(supply_of(mint)).heads.empty();
  }));
  const json::Value supply = supply_of(mint);
  const std::string file = mint.folder() + "/kept.json";
  std::ofstream(file) << supply.dump();
  const auto again = mint.buy("sat", std::vector<cashu::Amount>{4});
  mint.daemon().process().kill();
  EXPECT_EQ(mint.faults(file), "") << "killed";
  mint.restart();
  EXPECT_EQ(mint.unspent(again), 4U);
  EXPECT_EQ(mint.faults(file), "") << "running";
  mint.daemon().process().signal(SIGTERM);
  ASSERT_EQ(mint.daemon().process().wait(), 0);
  EXPECT_EQ(mint.faults(file), "") << "stopped";
  mint.restart();
  const mint::Checkpoint last = checkpoint_of(supply_of(mint));
  EXPECT_GT(last.number, checkpoint_of(supply).number) << "an orderly stop leaves one";
  EXPECT_EQ(last.balances.at("received"), 12'000);
  EXPECT_EQ(mint::amount_of(last.balances, "paid_for/", "sat"), 12);

  std::ofstream(file) << "{\"text\":\"\",\"signature\":\"\"}";
  EXPECT_NE(mint.faults(file).find("kept.json"), std::string::npos);
}

TEST(MintJournal, ASignatureThatIsNotTheMintsIsFound) {
  MintHouse mint;
  mint.buy("sat", std::vector<cashu::Amount>{8, 2});
  EXPECT_EQ(mint.faults(), "");
  mint.tamper("UPDATE @signatures SET c_ = (SELECT c_ FROM @signatures WHERE amount = 2) WHERE amount = 8");
  const std::string said = mint.faults();
  EXPECT_NE(said.find("the signature of 8 of keyset"), std::string::npos) << said;
}

TEST(MintJournal, ADleqProofThatDoesNotHoldIsFound) {
  MintHouse mint;
  mint.buy("sat", std::vector<cashu::Amount>{8, 2});
  mint.tamper("UPDATE @signatures SET s = e WHERE amount = 8");
  const std::string said = mint.faults();
  EXPECT_NE(said.find("the signature of 8 of keyset"), std::string::npos) << said;
  EXPECT_NE(said.find("its DLEQ proof does not hold"), std::string::npos) << said;
}

TEST(MintJournal, WhatNobodyIssuedStopsTheMintAndEveryoneHearsOfIt) {
  MintHouse mint;
  const auto proofs = mint.buy("sat", std::vector<cashu::Amount>{8});
  mint.daemon().process().signal(SIGTERM);
  ASSERT_EQ(mint.daemon().process().wait(), 0);
  // As if someone else had the keys, and had issued what is spent now.
  mint.tamper(
      mint.environment().empty()
          ? "UPDATE keyset_totals SET redeemed = redeemed + 1000 WHERE issued > 0"
          : "UPDATE mint.totals SET account = replace(account, 'issued', 'redeemed') WHERE account LIKE "
            "'issued/%'");
  mint.restart();
  EXPECT_EQ(mint.post("/v1/swap", swap_body(proofs, mint.drafts("sat", {8}))).status, 500);
  const auto health = mint.get("/health");
  EXPECT_EQ(health.status, 200) << "payments still come to their end";
  EXPECT_NE(health.body.find("were redeemed and only"), std::string::npos) << health.body;
  EXPECT_NE(mint.get("/metrics").body.find("mint_alarm 1"), std::string::npos);
  EXPECT_NE(mint.get("/v1/supply").body.find("\"issues\":false"), std::string::npos);
  EXPECT_TRUE(eventually([&] { return mint.daemon().log().find("ALARM") != std::string::npos; }));
}

}  // namespace
}  // namespace manastr::test
