// The power goes at each sync point of a ledger's life: what was acknowledged is there, nothing is half
// there, the sums are those of the rows, and whoever asks again gets the reply that was or would have been
// given.
#include <gtest/gtest.h>

#include <algorithm>
#include <future>

#include "common/storage/database.h"
#include "mint/ledger/sqlite_ledger.h"
#include "tests/support/power_loss_vfs.h"
#include "tests/support/temporary_folder.h"
#include "tests/unit/mint/ledger/scripted_life.h"

namespace manastr::mint::test {
namespace {

using manastr::test::PowerLossVfs;
using manastr::test::TemporaryFolder;
using manastr::test::Unsynced;
using storage::Durability;

Result<std::unique_ptr<Ledger>> open(const std::string& file, const PowerLossVfs* vfs = nullptr,
                                     Durability durability = Durability::full) {
  return open_sqlite_ledger(
      {.file = file,
       .filter_log2_bits = 12,
       .recent_points = 3,     // so that commits move some into the file's index
       .checkpoint_pages = 8,  // so that checkpoints and the log's restart are among the sync points
       .durability = durability,
       .vfs = vfs == nullptr ? "" : vfs->name(),
       .on_commit = {}});
}

struct Lived {
  bool prepared = false;
  std::size_t acknowledged = 0;  ///< acts whose caller was told, from the first
  std::size_t asked = 0;
};

/// What the caller was told: kDone, the code of a refusal, or nullopt where the ledger gave out.
std::optional<int> answer(const Result<Written>& written) {
  if (written) return kDone;
  if (written.error().kind != ErrorKind::refused) return std::nullopt;
  return written.error().code;
}

/// Acts until the ledger gives out.
Lived live(Ledger& ledger, const std::vector<Act>& acts) {
  Lived out;
  if (!prepare(ledger)) return out;
  out.prepared = true;
  while (out.asked < acts.size()) {
    std::vector<std::future<Result<Written>>> replies;
    do {
      auto reply = std::make_shared<std::promise<Result<Written>>>();
      replies.push_back(reply->get_future());
      EXPECT_TRUE(ledger.write(acts[out.asked].write,
                               [reply](Result<Written> written) { reply->set_value(std::move(written)); }));
    } while (acts[out.asked++].with_next);
    for (auto& reply : replies) {
      const auto said = answer(reply.get());
      if (!said) return out;
      EXPECT_EQ(*said, acts[out.acknowledged].answer) << "act " << out.acknowledged;
      ++out.acknowledged;
    }
  }
  return out;
}

/// Pictures after 0, 1, ... acts of an undisturbed life.
std::vector<std::string> undisturbed(const std::vector<Act>& acts) {
  const TemporaryFolder folder;
  const auto ledger = open(folder.path("mint.sqlite")).value();
  EXPECT_TRUE(prepare(*ledger));
  std::vector<std::string> out{picture(*ledger).value()};
  for (const Act& act : acts) {
    EXPECT_EQ(answer(ledger->write_now(act.write)), act.answer) << "act " << out.size() - 1;
    out.push_back(picture(*ledger).value());
  }
  EXPECT_TRUE(ledger->totals().solvent());
  return out;
}

/// The sums that are kept against the rows that they are kept of; "" if they agree.
std::string miscounted(const std::string& file, const Totals& totals) {
  auto rows = storage::Database::open(file, {.create = false, .read_only = true});
  if (!rows) return rows.error().message;
  if (const Status whole = rows->check_integrity(); !whole) return whole.error().message;
  const auto sum = [&](const std::string& sql) {
    auto row = rows->query(sql);
    return row && row->next().value_or(false) ? Wide{row->integer(0)} : Wide{-1};
  };
  for (const UnitTotals& unit : totals.units) {
    const std::string keyset = " AND keyset = (SELECT number FROM keysets WHERE unit = '" + unit.unit + "')";
    const std::string quotes = " FROM mint_quotes WHERE unit = '" + unit.unit + "'";
    if (unit.issued != sum("SELECT coalesce(sum(amount), 0) FROM signatures WHERE c_ IS NOT NULL" + keyset) ||
        unit.redeemed != sum("SELECT coalesce(sum(amount), 0) FROM proofs WHERE state = 1" + keyset) ||
        unit.paid_for != sum("SELECT coalesce(sum(amount_paid), 0)" + quotes) ||
        unit.claimed != sum("SELECT coalesce(sum(amount_issued), 0)" + quotes)) {
      return "the sums of " + unit.unit + " are not those of its rows";
    }
  }
  if (totals.received_msat != sum("SELECT coalesce(sum(received_msat), 0) FROM mint_quotes") ||
      totals.paid_out_msat != sum("SELECT coalesce(sum(paid_msat), 0) FROM melt_quotes WHERE state = 2") ||
      totals.credit_msat != sum("SELECT coalesce(sum(msat), 0) FROM match_credits")) {
    return "the sums of money are not those of the rows";
  }
  return totals.solvent() ? "" : "the ledger owes more than it has";
}

/// What is wrong with the ledger that the loss left behind; "" if nothing is. `vfs` has its power back.
std::string damage(const std::string& file, const PowerLossVfs& vfs, const Lived& lived,
                   const std::vector<Act>& acts, const std::vector<std::string>& pictures) {
  auto ledger = open(file, &vfs);
  if (!ledger) return "it does not open: " + ledger.error().message;
  if (lived.prepared && (*ledger)->keysets().value().size() != 3) return "keysets are lost";
  if (const Status again = prepare(**ledger); !again) return again.error().message;

  const auto found = picture(**ledger);
  if (!found) return found.error().message;
  // The last of those that it may be as after: what was not acknowledged may have reached the disk, by the
  // checkpointer's sync of the log.
  std::size_t reached = lived.asked;
  while (reached > lived.acknowledged && pictures[reached] != *found) --reached;
  if (pictures[reached] != *found) {
    return "it is not as after any of the acts " + std::to_string(lived.acknowledged) + " to " +
           std::to_string(lived.asked) + ":\n" + *found;
  }
  if (std::string fault = miscounted(file, (*ledger)->totals()); !fault.empty()) return fault;

  // The callers ask again: the last one that was told, those that were not, then all that is left.
  for (std::size_t i = lived.acknowledged - std::min<std::size_t>(lived.acknowledged, 1); i < acts.size();
       ++i) {
    if (i + 1 < reached && acts[i].answer != kDone) continue;  // what it was refused for may be over
    const auto said = answer((*ledger)->write_now(acts[i].write));
    const bool recorded = acts[i].answer == kDone && is_recorded(**ledger, acts[i].write);
    if (said != acts[i].answer && !recorded)
      return "act " + std::to_string(i) + " is answered differently when asked again";
  }
  const auto end = picture(**ledger);
  if (!end || *end != pictures.back()) return "the life does not end as it would have:\n" + end.value_or("");
  return miscounted(file, (*ledger)->totals());
}

class LedgerPowerLoss : public testing::TestWithParam<Unsynced> {};

TEST_P(LedgerPowerLoss, LosesNothingAtAnySyncPoint) {
  const std::vector<Act> acts = life();
  const std::vector<std::string> pictures = undisturbed(acts);
  PowerLossVfs vfs("ledger-power-loss");
  std::size_t sync = 1;
  for (bool lost = true; lost; ++sync) {
    const TemporaryFolder folder;
    const std::string file = folder.path("mint.sqlite");
    vfs.restore();  // counts the syncs anew
    vfs.lose_power_at_sync(sync, GetParam(), static_cast<unsigned>(sync));
    Lived lived;
    if (auto ledger = open(file, &vfs)) {
      lived = live(**ledger, acts);
      EXPECT_EQ((*ledger)->health().has_value(), lived.prepared && lived.acknowledged == acts.size());
      if (vfs.lost()) {
        EXPECT_EQ(answer((*ledger)->write_now(acts[0].write)), std::nullopt)
            << "it writes no more until a restart";
      }
    }
    lost = vfs.lost();
    vfs.restore();
    ASSERT_EQ(damage(file, vfs, lived, acts, pictures), "")
        << "power lost at sync " << sync << ", " << lived.acknowledged << " of " << lived.asked
        << " acts acknowledged";
    if (lost) continue;
    EXPECT_EQ(lived.acknowledged, acts.size());
  }
  const auto waits = std::ranges::count(acts, false, &Act::with_next);
  EXPECT_GT(sync, static_cast<std::size_t>(waits)) << "each commit that someone waits for has its own sync";
}

TEST_P(LedgerPowerLoss, IsFoundWhereNothingIsSynced) {
  const std::vector<Act> acts = life();
  const std::vector<std::string> pictures = undisturbed(acts);
  PowerLossVfs vfs("ledger-power-loss");
  const TemporaryFolder folder;
  const std::string file = folder.path("mint.sqlite");
  Lived lived;
  {
    const auto ledger = open(file, &vfs, Durability::off).value();
    lived = live(*ledger, acts);
    vfs.lose_power_now(GetParam(), 7);  // before the ledger is closed, which would write and sync the log
  }
  vfs.restore();
  EXPECT_EQ(lived.acknowledged, acts.size());
  EXPECT_NE(damage(file, vfs, lived, acts, pictures), "");
}

INSTANTIATE_TEST_SUITE_P(Unsynced, LedgerPowerLoss, testing::Values(Unsynced::dropped, Unsynced::torn),
                         [](const auto& each) {
                           return each.param == Unsynced::dropped ? "dropped" : "torn";
                         });

}  // namespace
}  // namespace manastr::mint::test
