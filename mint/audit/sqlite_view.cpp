#include "mint/audit/sqlite_view.h"

#include "common/storage/database.h"
#include "mint/audit/point_check.h"
#include "mint/ledger/sqlite_keysets.h"
#include "mint/ledger/sqlite_schema.h"

namespace manastr::mint {
namespace {

using storage::Database;
using storage::Query;

class Entries final : public Stream<StoredEntry> {
 public:
  explicit Entries(Query rows) : rows_(std::move(rows)) {}
  Result<std::optional<StoredEntry>> next() override {
    TRY(const bool found, rows_.next());
    if (!found) return std::nullopt;
    return StoredEntry{rows_.unsigned_integer(0), std::string(rows_.text(1))};
  }

 private:
  Query rows_;
};

class Checkpoints final : public Stream<StoredCheckpoint> {
 public:
  explicit Checkpoints(Query rows) : rows_(std::move(rows)) {}
  Result<std::optional<StoredCheckpoint>> next() override {
    TRY(const bool found, rows_.next());
    if (!found) return std::nullopt;
    StoredCheckpoint out{rows_.unsigned_integer(0), {.text = std::string(rows_.text(1))}};
    // One of another length is no signature of any text: that is for the walk to say.
    if (const auto signature = rows_.array<64>(2); signature) out.checkpoint.signature = *signature;
    return out;
  }

 private:
  Query rows_;
};

class SqliteView final : public LedgerView {
 public:
  explicit SqliteView(Database database) : database_(std::move(database)) {}

  Status begin() {
    TRY_STATUS(database_.execute("BEGIN"));
    TRY(Query row, database_.query("PRAGMA user_version"));
    TRY([[maybe_unused]] const bool found, row.next());
    const auto known = static_cast<std::int64_t>(ledger_migrations().size());
    if (row.integer(0) == known) return {};
    return invalid(database_.path() + " has schema " + std::to_string(row.integer(0)) +
                   ", this program knows " + std::to_string(known) +
                   ": start the mint once, or use its program");
  }

  Result<std::vector<KeysetRecord>> keysets() override { return read_keysets(database_); }
  Result<Catalog> catalog() override {
    Catalog out;
    std::vector<KeysetRecord> keysets;
    TRY_STATUS(each("SELECT number, unit FROM keysets", [&](const Query& row) {
      KeysetRecord& record = keysets.emplace_back();
      record.number = static_cast<std::uint32_t>(row.integer(0));
      record.unit = row.text(1);
    }));
    out.set_keysets(keysets);
    TRY_STATUS(each("SELECT unit, msat FROM prices",
                    [&](const Query& row) { out.set_price(row.text(0), row.unsigned_integer(1)); }));
    return out;
  }

  Result<std::vector<std::string>> chains() override {
    std::vector<std::string> out;
    TRY_STATUS(each("SELECT DISTINCT chain FROM journal ORDER BY chain",
                    [&](const Query& row) { out.emplace_back(row.text(0)); }));
    return out;
  }
  Result<std::unique_ptr<Stream<StoredEntry>>> entries(const std::string& chain) override {
    TRY(Query rows,
        database_.query("SELECT sequence, entry FROM journal WHERE chain = ? ORDER BY sequence", chain));
    return std::make_unique<Entries>(std::move(rows));
  }
  Result<std::unique_ptr<Stream<StoredCheckpoint>>> checkpoints() override {
    TRY(Query rows, database_.query("SELECT number, text, signature FROM checkpoints ORDER BY number"));
    return std::make_unique<Checkpoints>(std::move(rows));
  }

  Result<KeptTotals> kept(const std::map<std::string, std::uint64_t>& lengths) override;
  Result<CountedRows> count() override;
  Result<std::vector<StoredBlind>> some_signatures(std::uint64_t signatures, std::size_t most) override;
  Result<std::vector<std::string>> misplaced_points() override {
    TRY_STATUS(
        database_.execute("COMMIT"));  // the rest is about rows alone, and each table of its own moment
    std::vector<std::string> faults;
    TRY_STATUS(check_points(database_, "proofs", "y", faults));
    TRY_STATUS(check_points(database_, "signatures", "b_", faults));
    return faults;
  }

 private:
  template <class Take>
  Status each(const std::string& sql, const Take& take) {
    TRY(Query row, database_.query(sql));
    for (;;) {
      TRY(const bool found, row.next());
      if (!found) return {};
      take(row);
    }
  }

  Database database_;
};

Result<KeptTotals> SqliteView::kept(const std::map<std::string, std::uint64_t>& lengths) {
  const auto length = lengths.find(std::string(kOnlyChain));
  const auto head = length == lengths.end() ? 0 : static_cast<std::int64_t>(length->second);
  KeptTotals out;
  const auto add = [&](std::int64_t entry, std::string_view kind, std::string_view what,
                       std::int64_t amount) {
    if (amount == 0) return;
    if (entry > head + 1)
      note(out.faults, "there are totals of entry " + std::to_string(entry) +
                           ", and the journal ends at entry " + std::to_string(head) +
                           ": its tail is missing");
    Accounts& to = entry > head ? out.open : out.entered[std::string(kOnlyChain)];
    add_changes(to, {{std::string(kind) + std::string(what), amount}});
  };
  TRY_STATUS(
      each("SELECT entry, keyset, issued, redeemed, expired FROM keyset_totals", [&](const Query& row) {
        add(row.integer(0), kIssued, row.text(1), row.integer(2));
        add(row.integer(0), kRedeemed, row.text(1), row.integer(3));
        add(row.integer(0), kExpired, row.text(1), row.integer(4));
      }));
  TRY_STATUS(each("SELECT entry, unit, paid_for, claimed FROM unit_totals", [&](const Query& row) {
    add(row.integer(0), kPaidFor, row.text(1), row.integer(2));
    add(row.integer(0), kClaimed, row.text(1), row.integer(3));
  }));
  TRY_STATUS(each("SELECT entry, received_msat, paid_out_msat, credit_msat, overrun_msat FROM money_totals",
                  [&](const Query& row) {
                    add(row.integer(0), kReceived, "", row.integer(1));
                    add(row.integer(0), kPaidOut, "", row.integer(2));
                    add(row.integer(0), kCredit, "", row.integer(3));
                    add(row.integer(0), kOverrun, "", row.integer(4));
                  }));
  return out;
}

/// Row by row: no sorting, so that ten million take no more memory than ten.
Result<CountedRows> SqliteView::count() {
  CountedRows out;
  std::map<std::int64_t, Wide> issued, redeemed, expired, locked;  // by keyset; by melt
  TRY_STATUS(each("SELECT keyset, amount, state, melt FROM proofs", [&](const Query& row) {
    if (row.integer(2) == 1) {
      redeemed[row.integer(0)] += row.unsigned_integer(1);
      ++out.spent;
    } else {
      locked[row.integer(3)] += row.unsigned_integer(1);
      ++out.locked;
    }
  }));
  TRY_STATUS(each("SELECT keyset, amount FROM signatures WHERE c_ IS NOT NULL", [&](const Query& row) {
    issued[row.integer(0)] += row.unsigned_integer(1);
    ++out.signatures;
  }));
  bool pruned = false;
  TRY_STATUS(each("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'pruned'",
                  [&](const Query&) { pruned = true; }));
  if (pruned) {
    TRY_STATUS(
        each("SELECT keyset, proofs, redeemed, signatures, issued, done FROM pruned", [&](const Query& row) {
          redeemed[row.integer(0)] += row.integer(2);
          issued[row.integer(0)] += row.integer(4);
          if (row.integer(5) != 0) expired[row.integer(0)] += row.integer(4) - row.integer(2);
          out.pruned_proofs += row.unsigned_integer(1);
          out.pruned_signatures += row.unsigned_integer(3);
        }));
  }
  const auto set = [&](std::string_view kind, std::string_view what, Wide amount) {
    add_changes(out.accounts, {{std::string(kind) + std::string(what), amount}});
  };
  for (const auto& [keyset, amount] : issued) set(kIssued, std::to_string(keyset), amount);
  for (const auto& [keyset, amount] : redeemed) set(kRedeemed, std::to_string(keyset), amount);
  for (const auto& [keyset, amount] : expired) set(kExpired, std::to_string(keyset), amount);
  TRY_STATUS(each(
      "SELECT id, unit, amount_paid, amount_issued, received_msat FROM mint_quotes", [&](const Query& row) {
        ++out.mint_quotes;
        set(kPaidFor, row.text(1), row.integer(2));
        set(kClaimed, row.text(1), row.integer(3));
        set(kReceived, "", row.integer(4));
        if (row.integer(3) > row.integer(2))
          note(out.faults, "of mint quote " + std::string(row.text(0)) + " more was issued than paid");
      }));
  TRY_STATUS(each("SELECT number, id, state, inputs, paid_msat FROM melt_quotes WHERE state > 0",
                  [&](const Query& row) {
                    if (row.integer(2) == 2) {
                      ++out.melts;
                      set(kPaidOut, "", row.integer(4));
                      return;
                    }
                    const auto held = locked.find(row.integer(0));
                    if (held == locked.end() || held->second != Wide{row.unsigned_integer(3)})
                      note(out.faults, "melt " + std::string(row.text(1)) +
                                           " is under way, and other proofs are locked for it than it says");
                    if (held != locked.end()) locked.erase(held);
                  }));
  for (const auto& [melt, amount] : locked)
    note(out.faults,
         to_text(amount) + " are locked by melt number " + std::to_string(melt) + ", which is not under way");
  bool opened = false;
  TRY_STATUS(each("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'openings'",
                  [&](const Query&) { opened = true; }));
  if (opened) {
    TRY_STATUS(each("SELECT received_msat, paid_out_msat FROM openings", [&](const Query& row) {
      set(kReceived, "", row.integer(0));
      set(kPaidOut, "", row.integer(1));
    }));
  }
  TRY_STATUS(
      each("SELECT msat FROM match_credits", [&](const Query& row) { set(kCredit, "", row.integer(0)); }));
  return out;
}

Result<std::vector<StoredBlind>> SqliteView::some_signatures(std::uint64_t signatures, std::size_t most) {
  std::vector<StoredBlind> out;
  std::int64_t highest = 0;
  TRY_STATUS(each("SELECT max(number) FROM signatures", [&](const Query& row) { highest = row.integer(0); }));
  const std::int64_t stride =
      signatures <= most ? 1 : std::max<std::int64_t>(1, highest / static_cast<std::int64_t>(most));
  TRY(Query row,
      database_.query("SELECT number, keyset, amount, b_, c_, e, s FROM signatures WHERE number >= ? AND c_ "
                      "IS NOT NULL ORDER BY number LIMIT 1"));
  for (std::int64_t at = 1; at <= highest;) {
    row.reset();
    row.bind(1, at);
    TRY(const bool found, row.next());
    if (!found) break;
    StoredBlind& blind = out.emplace_back();
    blind.keyset = static_cast<std::uint32_t>(row.integer(1));
    blind.amount = row.unsigned_integer(2);
    // What has a wrong length stays all zeros, which nothing verifies with.
    blind.b_blinded = row.array<33>(3).value_or(PointBytes{});
    blind.c_blinded = row.array<33>(4).value_or(PointBytes{});
    blind.dleq.e = row.array<32>(5).value_or(ByteArray<32>{});
    blind.dleq.s = row.array<32>(6).value_or(ByteArray<32>{});
    at = std::max(at, row.integer(0)) + stride;
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<LedgerView>> view_sqlite_ledger(const std::string& file) {
  TRY(Database database, Database::open(file, {.create = false, .read_only = true, .wal_autocheckpoint = 0}));
  auto view = std::make_unique<SqliteView>(std::move(database));
  TRY_STATUS(view->begin());
  return std::unique_ptr<LedgerView>(std::move(view));
}

}  // namespace manastr::mint
