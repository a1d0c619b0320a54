#include "mint/ledger/sqlite_ledger.h"

#include <algorithm>
#include <mutex>
#include <thread>

#include "mint/ledger/sqlite_schema.h"
#include "tests/support/temporary_folder.h"
#include "tests/unit/mint/ledger/fresh.h"
#include "tests/unit/mint/ledger/keysets_suite.h"
#include "tests/unit/mint/ledger/ledger_suite.h"
#include "tests/unit/mint/ledger/token_suite.h"

namespace manastr::mint::test {
namespace {

class SqlitePlace final : public LedgerPlace {
 public:
  Result<std::unique_ptr<Ledger>> open() override {
    SqliteLedgerOptions options;
    options.file = folder_.path("ledger.sqlite");
    options.filter_log2_bits = 16;
    return open_sqlite_ledger(std::move(options));
  }
  std::vector<std::string> column(const std::string& what, const std::string& table,
                                  const std::string& rest) override {
    auto database = *storage::Database::open(folder_.path("ledger.sqlite"), {.create = false, .vfs = ""});
    auto row = *database.query("SELECT " + what + " FROM " + table + " " + rest);
    std::vector<std::string> out;
    while (row.next().value()) out.emplace_back(row.text(0));
    return out;
  }

 private:
  const manastr::test::TemporaryFolder folder_;
};

std::unique_ptr<LedgerPlace> in_sqlite() { return std::make_unique<SqlitePlace>(); }

INSTANTIATE_TEST_SUITE_P(Sqlite, LedgerTest, testing::Values(&in_sqlite), [](const auto&) { return "file"; });

TEST(SqliteLedger, OfTheFirstSchemaIsBroughtForward) {
  const Spend spent = spend(8);
  const Spend locked = spend(4);
  const Issue signed_before = issue(16);
  const manastr::test::TemporaryFolder folder;
  const std::string file = folder.path("old.sqlite");
  {
    auto old = storage::Database::open(file);
    ASSERT_TRUE(storage::migrate(*old, storage::kMintLedger, ledger_migrations().first(1)));
    ASSERT_TRUE(old->run("INSERT INTO keysets VALUES(1, ?, 'mana', 1, 0, 32, 1, NULL)", ByteArray<8>{0, 1}));
    ASSERT_TRUE(old->run("INSERT INTO prices VALUES('mana', 200)"));
    for (const int hour : {400'000, 400'001}) {
      ASSERT_TRUE(old->run("INSERT INTO unit_totals VALUES('mana', ?, 8, 4, 10, 8)", hour));
      ASSERT_TRUE(old->run("INSERT INTO money_totals VALUES(?, 1900, 0, 0)", hour));
    }
    ASSERT_TRUE(old->run("INSERT INTO proofs VALUES(?, 1, 8, 1, NULL, NULL, NULL)", spent.y));
    ASSERT_TRUE(old->run("INSERT INTO proofs VALUES(?, 1, 4, 0, 7, NULL, NULL)", locked.y));
    ASSERT_TRUE(old->run("INSERT INTO signatures VALUES(?, 1, 16, ?, ?, ?, ?, NULL, NULL)",
                         signed_before.b_blinded, signed_before.c_blinded, signed_before.dleq.e,
                         signed_before.dleq.s, fresh_hash()));
  }
  auto opened = open_sqlite_ledger({.file = file, .filter_log2_bits = 16, .vfs = "", .on_commit = {}});
  ASSERT_TRUE(opened) << opened.error().message;
  Ledger& ledger = **opened;
  const auto state = [&](const Spend& proof) {
    return (*ledger.proof_states(std::span(&proof.y, 1)))[0].state;
  };
  const auto code = [&](Write write) { return ledger.write_now(std::move(write)).error().code; };
  EXPECT_EQ(state(spent), ProofState::State::spent);
  EXPECT_EQ(state(locked), ProofState::State::pending);
  EXPECT_EQ(code(SwapWrite{fresh_hash(), {spent}, {}}), cashu::kProofsSpent);
  EXPECT_EQ(code(SwapWrite{fresh_hash(), {locked}, {}}), cashu::kProofsPending);
  EXPECT_EQ(code(SwapWrite{fresh_hash(), {}, {signed_before}}), cashu::kOutputsAlreadySigned);
  const auto found = ledger.signatures(std::span(&signed_before.b_blinded, 1));
  ASSERT_TRUE(found && (*found)[0]);
  EXPECT_EQ((*found)[0]->c_blinded, signed_before.c_blinded);
  const Totals totals = ledger.totals();
  ASSERT_EQ(totals.units.size(), 1U);
  EXPECT_EQ(totals.units[0].issued, 16);
  EXPECT_EQ(totals.units[0].redeemed, 8);
  EXPECT_EQ(totals.units[0].paid_for, 20);
  EXPECT_EQ(totals.units[0].claimed, 16);
  EXPECT_EQ(totals.received_msat, 3'800);
  EXPECT_EQ(totals.keysets.at(0), (KeysetTotals{1, 16, 8}));
}

TEST(SqliteLedger, WhatIsSpentIsSpentForWhoReadsWhileTheIndexMoves) {
  constexpr std::size_t kSwaps = 1'000;
  const manastr::test::TemporaryFolder folder;
  auto ledger = *open_sqlite_ledger({.file = folder.path("ledger.sqlite"),
                                     .filter_log2_bits = 16,
                                     .recent_points = 64,
                                     .vfs = "",
                                     .on_commit = {}});
  KeysetRecord keyset{.number = 1, .id = *cashu::KeysetId::from_hex("0000000000000001"), .unit = "mana"};
  ASSERT_TRUE(ledger->store_keysets({keyset}));
  std::mutex mutex;
  std::vector<PointBytes> spent;  // committed
  bool over = false;
  std::thread writer([&] {
    for (std::size_t i = 0; i < kSwaps; ++i) {
      const Spend proof = spend(1);
      const bool written = ledger->write_now(SwapWrite{fresh_hash(), {proof}, {issue(1)}}).has_value();
      const std::lock_guard lock(mutex);
      if (written) spent.push_back(proof.y);
    }
    const std::lock_guard lock(mutex);
    over = true;
  });
  std::size_t lost = 0;
  for (bool last = false; !last;) {
    std::vector<PointBytes> ys;
    {
      const std::lock_guard lock(mutex);
      last = over;
      ys.assign(spent.end() - static_cast<std::ptrdiff_t>(std::min<std::size_t>(spent.size(), 200)),
                spent.end());
    }
    const auto states = ledger->proof_states(ys);
    if (!states) break;
    lost += static_cast<std::size_t>(std::ranges::count_if(
        *states, [](const ProofState& each) { return each.state != ProofState::State::spent; }));
  }
  writer.join();
  EXPECT_EQ(spent.size(), kSwaps);
  EXPECT_EQ(lost, 0U);
}

}  // namespace
}  // namespace manastr::mint::test
