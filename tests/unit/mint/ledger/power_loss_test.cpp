// The power goes at every sync point of the ledger in turn: what it said was done is done, its totals are the
// sums of its rows, and it says no more after that.
#include <gtest/gtest.h>

#include "common/base/random.h"
#include "common/storage/database.h"
#include "mint/ledger/sqlite_ledger.h"
#include "tests/support/power_loss_vfs.h"
#include "tests/support/temporary_folder.h"

namespace manastr::mint {
namespace {

using test::PowerLossVfs;
using test::TemporaryFolder;
using test::Unsynced;

constexpr int kRounds = 12;
constexpr cashu::Amount kLot = 8;
constexpr Msat kPrice = 200;

PointBytes fresh_point() {
  PointBytes out = system_random().bytes<33>();
  out[0] = 2;
  return out;
}
Hash32 fresh_hash() { return system_random().bytes<32>(); }
Issue fresh_issue() { return {fresh_point(), 1, kLot, fresh_point(), {fresh_hash(), fresh_hash()}}; }

Result<std::unique_ptr<Ledger>> open(const std::string& file, const std::string& vfs) {
  SqliteLedgerOptions options;
  options.file = file;
  options.filter_log2_bits = 12;
  options.checkpoint_pages = 16;
  options.vfs = vfs;
  TRY(std::unique_ptr<Ledger> ledger, open_sqlite_ledger(std::move(options)));
  KeysetRecord record;
  record.number = 1;
  record.unit = "mana";
  record.id = *cashu::KeysetId::from_hex("0000000000000001");
  TRY_STATUS(ledger->store_keysets({record}));
  TRY_STATUS(ledger->set_prices({{"mana", kPrice}}));
  return ledger;
}

/// What the ledger said it had done.
struct Told {
  std::vector<PointBytes> spent;
  std::vector<PointBytes> signed_outputs;
  Wide received = 0;
};

/// Buys and swaps until the ledger refuses.
Told work(Ledger& ledger) {
  Told told;
  for (int round = 0; round < kRounds; ++round) {
    MintQuote quote;
    quote.id = to_hex(fresh_hash());
    quote.payment_hash = fresh_hash();
    quote.request = "lnbcrt";
    quote.unit = "mana";
    quote.amount = kLot;
    quote.invoice_msat = kLot * kPrice;
    if (!ledger.write_now(NewMintQuote{quote})) return told;
    if (!ledger.write_now(InvoicePaid{quote.payment_hash, quote.invoice_msat, {}})) return told;
    told.received += quote.invoice_msat;
    const Issue bought = fresh_issue();
    if (!ledger.write_now(MintWrite{fresh_hash(), quote.id, {bought}, {}})) return told;
    told.signed_outputs.push_back(bought.b_blinded);
    const Spend spend{fresh_point(), 1, kLot, ""};
    const Issue swapped = fresh_issue();
    if (!ledger.write_now(SwapWrite{fresh_hash(), {spend}, {swapped}})) return told;
    told.spent.push_back(spend.y);
    told.signed_outputs.push_back(swapped.b_blinded);
  }
  return told;
}

std::int64_t number(storage::Database& database, const char* sql) {
  auto row = database.query(sql);
  return row && row->next().value_or(false) ? row->integer(0) : -1;
}

void expect_kept(const std::string& file, const Told& told) {
  auto opened = open(file, "");
  ASSERT_TRUE(opened) << opened.error().message;
  Ledger& ledger = **opened;
  const auto states = ledger.proof_states(told.spent);
  ASSERT_TRUE(states);
  for (const ProofState& each : *states) EXPECT_EQ(each.state, ProofState::State::spent);
  const auto signatures = ledger.signatures(told.signed_outputs);
  ASSERT_TRUE(signatures);
  for (const auto& each : *signatures) EXPECT_TRUE(each.has_value());
  const Totals totals = ledger.totals();
  EXPECT_GE(totals.received_msat, told.received);
  EXPECT_TRUE(totals.solvent());
  auto database = storage::Database::open(file);
  ASSERT_TRUE(database);
  EXPECT_TRUE(database->check_integrity());
  EXPECT_EQ(totals.units[0].issued, number(*database, "SELECT coalesce(sum(amount), 0) FROM signatures"));
  EXPECT_EQ(totals.units[0].redeemed, number(*database, "SELECT coalesce(sum(amount), 0) FROM proofs"));
  EXPECT_EQ(totals.units[0].claimed,
            number(*database, "SELECT coalesce(sum(amount_issued), 0) FROM mint_quotes"));
  EXPECT_EQ(totals.received_msat,
            number(*database, "SELECT coalesce(sum(received_msat), 0) FROM mint_quotes"));
}

class LedgerPowerLoss : public testing::TestWithParam<Unsynced> {};

TEST_P(LedgerPowerLoss, NothingThatWasAnsweredIsLost) {
  PowerLossVfs vfs("ledger-power-loss");
  for (std::size_t sync = 1;; ++sync) {
    SCOPED_TRACE("power lost at sync " + std::to_string(sync));
    const TemporaryFolder folder;
    const std::string file = folder.path("mint.sqlite");
    vfs.lose_power_at_sync(sync, GetParam(), static_cast<unsigned>(sync));
    Told told;
    if (auto ledger = open(file, vfs.name())) {
      told = work(**ledger);
      if (vfs.lost()) {
        EXPECT_FALSE((*ledger)->health());
        const auto refused = (*ledger)->write_now(SwapWrite{fresh_hash(), {}, {}});
        ASSERT_FALSE(refused) << "it writes no more until a restart";
        EXPECT_EQ(refused.error().kind, ErrorKind::broken);
      }
    }
    const bool lost = vfs.lost();
    vfs.restore();
    expect_kept(file, told);
    if (!lost) {
      EXPECT_EQ(told.spent.size(), std::size_t{kRounds});
      EXPECT_GT(sync, std::size_t{kRounds}) << "every commit was tried";
      return;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Unsynced, LedgerPowerLoss, testing::Values(Unsynced::dropped, Unsynced::torn),
                         [](const auto& each) {
                           return each.param == Unsynced::dropped ? "Dropped" : "Torn";
                         });

}  // namespace
}  // namespace manastr::mint
