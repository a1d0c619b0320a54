// Keysets that change while the mint runs: what was prepared for the former one, what the former one still
// owes, and what is forgotten of one whose time is over for good, however often the mint dies over it.
// Rooms: common/mintclient
// Databases: both
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "common/json/reader.h"
#include "mint_house.h"

namespace manastr::test {
namespace {

using Proofs = std::vector<cashu::Proof>;

/// "active" of /v1/keysets.
bool is_active(MintHouse& mint, const std::string& id) {
  const auto body = json::parse(mint.get("/v1/keysets").body);
  if (!body) return true;
  for (const json::Value& each : *body->find("keysets")->if_array()) {
    if (*each.find("id")->if_string() == id) return *each.find("active") == json::Value(true);
  }
  return false;
}

std::string melt_request(const std::string& unit) {
  return R"({"unit":")" + unit + R"(","request":")" + MintHouse::foreign_invoice(1) + "\"}";
}

TEST(MintRotates, BySchedule) {
  MintHouse mint({.toml = "payment_delay_ms = 3000\npayment_timeout_seconds = 1\n[keysets]\n"
                          "rotate_every_days = 30\nfinal_expiry_days = 90\n"
                          "[currencies.sat]\noverlap_hours = 1\n[currencies.mana]\noverlap_hours = 0\n",
                  .auth = "",
                  .environment = {}});
  const std::string old_sat = mint.keyset("sat").id.hex();
  const std::string old_mana = mint.keyset("mana").id.hex();
  EXPECT_TRUE(mint.keyset("sat").final_expiry);
  // All of this is prepared for the first keysets: a quote's outputs, and a payment's change.
  const Proofs proofs = mint.buy("sat", std::vector<cashu::Amount>{8, 4});
  const std::string sat_quote = mint.paid_quote("sat", 4);
  const std::string mana_quote = mint.paid_quote("mana", 4);
  const auto sat_outputs = mint.drafts("sat", {4});
  const auto mana_outputs = mint.drafts("mana", {4});
  const auto blanks = mint.drafts("mana", {1, 1, 1, 1});
  const std::string melt = member(mint.post("/v1/melt/quote/bolt11", melt_request("mana")).body, "quote");
  const auto begun =
      mint.post("/v1/melt/bolt11", melt_body(melt, mint.buy("mana", std::vector<cashu::Amount>{8}), blanks));
  ASSERT_EQ(member(begun.body, "state"), "PENDING") << begun.body;

  mint.daemon().process().kill();
  mint.tamper("UPDATE @keysets SET created_at = 1700000000");
  mint.restart();
  ASSERT_TRUE(eventually([&] { return !is_active(mint, old_sat) && !is_active(mint, old_mana); }));

  const auto minted = mint.post("/v1/mint/bolt11", mint_body(sat_quote, sat_outputs));
  ASSERT_EQ(minted.status, 200) << "within its overlap the former keyset signs: " << minted.body;
  EXPECT_EQ(mint.unblind(minted.body, sat_outputs, "sat").size(), 1U);
  EXPECT_EQ(MintHouse::code_of(mint.post("/v1/mint/bolt11", mint_body(mana_quote, mana_outputs))), 12002);
  ASSERT_TRUE(eventually([&] {
    return member(mint.get("/v1/melt/quote/bolt11/" + melt).body, "state") == "PAID";
  })) << mint.get("/v1/melt/quote/bolt11/" + melt).body;
  const auto paid = mint.get("/v1/melt/quote/bolt11/" + melt);
  const Proofs change = mint.unblind(paid.body, blanks, "mana");
  ASSERT_FALSE(change.empty()) << "change is signed whatever became of its keyset: " << paid.body;
  EXPECT_EQ(change.front().id.hex(), old_mana);

  mint.forget_keysets();
  EXPECT_NE(mint.keyset("sat").id.hex(), old_sat);
  const auto fresh = mint.drafts("mana", {4});
  EXPECT_EQ(mint.post("/v1/mint/bolt11", mint_body(mana_quote, fresh)).status, 200);
  const auto swapped = mint.drafts("sat", {8, 4});
  EXPECT_EQ(mint.post("/v1/swap", swap_body(proofs, swapped)).status, 200) << "old proofs are still taken";
  const std::string second = mint.keyset("sat").id.hex();

  mint.daemon().process().kill();
  mint.tamper("UPDATE @keysets SET overlap_until = 1700000000 WHERE state = 1");
  mint.restart();
  mint.forget_keysets();
  EXPECT_EQ(mint.keyset("sat").id.hex(), second) << "one rotation, not one a start";
  std::string late = outputs_json(mint.drafts("sat", {1}));
  for (std::size_t at = late.find(second); at != std::string::npos; at = late.find(second))
    late.replace(at, second.size(), old_sat);
  const auto refused = mint.post(
      "/v1/mint/bolt11", R"({"quote":")" + mint.paid_quote("sat", 1) + R"(","outputs":)" + late + "}");
  EXPECT_EQ(MintHouse::code_of(refused), 12002) << refused.body;
}

class MintForgets : public testing::TestWithParam<const char*> {};

TEST_P(MintForgets, AKeysetPastItsFinalExpiryAlthoughItDies) {
  const auto toml = [](int index) {
    return fmt::format("[keysets]\nid_version = 1\n[currencies.sat]\nkeyset_index = {}\n[currencies.mana]\n",
                       index);
  };
  MintHouse mint({.toml = toml(0), .auth = "", .environment = {}});
  const std::string old = mint.keyset("sat").id.hex();
  Proofs proofs = mint.buy("sat", std::vector<cashu::Amount>(60, 1));
  mint.configure(toml(1));
  mint.restart();
  mint.forget_keysets();
  const Proofs left(proofs.begin() + 40, proofs.end());
  proofs.resize(40);
  const auto outputs = mint.drafts("sat", {32, 8});
  const auto swapped = mint.post("/v1/swap", swap_body(proofs, outputs));
  ASSERT_EQ(swapped.status, 200) << swapped.body;
  const Proofs kept = mint.unblind(swapped.body, outputs, "sat");

  mint.daemon().process().kill();
  mint.expire_keyset(old);
  // The mark itself takes a day of running.
  mint.tamper("UPDATE @keysets SET state = 3 WHERE final_expiry = 1700000000");
  // In PostgreSQL the first batch waits until old statements are over.
  if (!mint.environment().empty()) {
    mint.tamper(
        "INSERT INTO @pruned(keyset, proofs, redeemed, signatures, issued, done, since) SELECT number, 0, 0, "
        "0, "
        "0, false, now() - interval '1 hour' FROM @keysets WHERE id = '\\x" +
        old + "'");
  }
  try {
    mint.restart({{"MANASTR_FAILPOINT", GetParam()}});
  } catch (const std::runtime_error&) {
    // It died before it served.
  }
  ASSERT_TRUE(mint.daemon().process().wait()) << "it never came to " << GetParam();
  mint.restart();
  const auto metrics = [&] { return mint.get("/metrics").body; };
  ASSERT_TRUE(eventually([&] {
    return metrics().find("mint_expired{unit=\"sat\"} 20\n") != std::string::npos;
  })) << metrics();
  EXPECT_NE(metrics().find("mint_outstanding{unit=\"sat\"} 40\n"), std::string::npos) << metrics();
  const auto more = mint.drafts("sat", {1});
  EXPECT_EQ(MintHouse::code_of(mint.post("/v1/swap", swap_body({left[0]}, more))), 12003);
  EXPECT_EQ(MintHouse::code_of(mint.post("/v1/swap", swap_body({proofs[0]}, more))), 12003)
      << "its spending is forgotten, and that it can't be spent is not";
  EXPECT_EQ(mint.unspent(kept), 40U);
  EXPECT_EQ(mint.post("/v1/swap", swap_body(kept, mint.drafts("sat", {32, 8}))).status, 200);
  EXPECT_EQ(mint.get("/health").status, 200);
  mint.restart();
  EXPECT_NE(metrics().find("mint_expired{unit=\"sat\"} 20\n"), std::string::npos) << metrics();
  EXPECT_EQ(mint.faults(), "") << "rows and what was forgotten are together what the journal says";
}

INSTANTIATE_TEST_SUITE_P(Steps, MintForgets,
                         testing::Values("mint.before-prune", "mint.before-prune:2", "mint.after-prune",
                                         "mint.after-prune:2", "mint.before-commit"),
                         [](const auto& step) {
                           std::string name = step.param;
                           std::ranges::replace_if(name, [](char c) { return !std::isalnum(c); }, '_');
                           return name;
                         });

}  // namespace
}  // namespace manastr::test
