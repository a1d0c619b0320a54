#include "mint/audit/postgres_view.h"

#include <deque>

#include "common/postgres/connection.h"
#include "mint/ledger/postgres/auditor.h"
#include "mint/ledger/postgres/reads.h"
#include "mint/ledger/postgres/schema.h"

namespace manastr::mint {
namespace {

using postgres::Address;
using postgres::Connection;
using postgres::Parameters;
using postgres::Rows;
using postgres::Statement;

constexpr Millis kPatience{3'600'000};  // a count of many millions takes its time
constexpr std::int64_t kPage = 1'000;

constexpr Statement kSnapshot{"verify_snapshot", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"};
constexpr Statement kNoLimit{"verify_no_limit",
                             "SELECT set_config('statement_timeout', '0', false), "
                             "set_config('idle_in_transaction_session_timeout', '0', false)"};
constexpr Statement kChains{"verify_chains", "SELECT DISTINCT chain FROM mint.journal ORDER BY chain"};
constexpr Statement kEntries{"verify_entries",
                             "SELECT sequence, entry FROM mint.journal WHERE chain = $1::text AND sequence > "
                             "$2::int8 ORDER BY sequence "
                             "LIMIT $3::int8"};
constexpr Statement kCheckpoints{
    "verify_checkpoints",
    "SELECT number, text, signature FROM mint.checkpoints WHERE number > $1::int8 "
    "ORDER BY number LIMIT $2::int8"};
constexpr Statement kTotals{"verify_totals",
                            "SELECT replica, account, sum(amount)::text FROM mint.totals GROUP BY 1, 2"};
constexpr Statement kOpen{"verify_open",
                          "SELECT account, sum(amount)::text FROM mint.commits, unnest(accounts, amounts) AS "
                          "each(account, amount) WHERE NOT folded GROUP BY 1"};
constexpr Statement kSpent{
    "verify_spent",
    "SELECT keyset, count(*), sum(amount)::text FROM mint.proofs WHERE state = 1 GROUP "
    "BY 1"};
constexpr Statement kSigned{"verify_signed",
                            "SELECT keyset, count(*), sum(amount)::text FROM mint.signatures WHERE c_ IS NOT "
                            "NULL GROUP BY 1"};
constexpr Statement kHasPruned{"verify_has_pruned", "SELECT to_regclass('mint.pruned') IS NOT NULL"};
constexpr Statement kPruned{"verify_pruned",
                            "SELECT keyset, proofs::int8, redeemed::text, signatures::int8, issued::text, "
                            "CASE WHEN done THEN issued - "
                            "redeemed ELSE 0 END::text FROM mint.pruned"};
constexpr Statement kMintQuotes{
    "verify_mint_quotes",
    "SELECT unit, count(*), sum(amount_paid)::text, sum(amount_issued)::text, sum(received_msat)::text FROM "
    "mint.mint_quotes GROUP BY 1"};
constexpr Statement kOverissued{
    "verify_overissued",
    "SELECT convert_from(id, 'UTF8') FROM mint.mint_quotes WHERE amount_issued > amount_paid LIMIT 10"};
constexpr Statement kMelts{"verify_melts",
                           "SELECT count(*), coalesce(sum(paid_msat), 0)::text FROM mint.melt_quotes WHERE "
                           "state = 2"};
constexpr Statement kLocked{"verify_locked", "SELECT count(*) FROM mint.proofs WHERE state = 0"};
constexpr Statement kUnevenLocks{
    "verify_uneven_locks",
    "SELECT convert_from(coalesce(m.id, p.melt), 'UTF8'), m.id IS NULL FROM (SELECT melt, sum(amount) AS "
    "held "
    "FROM mint.proofs WHERE state = 0 GROUP BY 1) AS p FULL JOIN (SELECT id, inputs FROM mint.melt_quotes "
    "WHERE "
    "state = 1) AS m ON m.id = p.melt WHERE p.held IS DISTINCT FROM m.inputs LIMIT 10"};
constexpr Statement kSomeSignatures{
    "verify_some_signatures",
    "SELECT keyset, amount, b_, c_, e, s FROM mint.signatures TABLESAMPLE SYSTEM "
    "($1::text::float8) WHERE c_ IS NOT "
    "NULL LIMIT $2::int8"};
constexpr Statement kHasOpenings{"verify_has_openings", "SELECT to_regclass('mint.openings') IS NOT NULL"};
constexpr Statement kOpenings{"verify_openings",
                              "SELECT coalesce(sum(received_msat), 0)::text, coalesce(sum(paid_out_msat), "
                              "0)::text FROM mint.openings"};
constexpr Statement kCredits{"verify_credits", "SELECT coalesce(sum(msat), 0)::text FROM mint.match_credits"};

Wide wide(const Rows& rows, std::size_t row, int column) {
  return wide_from_text(rows.text(row, column)).value_or(0);
}

Result<Rows> ask(Connection& connection, const Statement& statement, const Parameters& parameters = {}) {
  connection.queue(statement, parameters);
  TRY(std::vector<Rows> rows, connection.run(kPatience));
  return std::move(rows.front());
}

/// Rows in pages, by the number in their first column.
template <class T>
class Pages : public Stream<T> {
 public:
  explicit Pages(Connection& connection) : connection_(&connection) {}
  Result<std::optional<T>> next() override {
    if (page_.empty() && !over_) {
      TRY(const Rows rows, fetch(*connection_, last_));
      over_ = rows.size() < static_cast<std::size_t>(kPage);
      for (std::size_t i = 0; i < rows.size(); ++i) page_.push_back(read(rows, i));
      if (rows.size() > 0) last_ = rows.integer(rows.size() - 1, 0);
    }
    if (page_.empty()) return std::nullopt;
    T out = std::move(page_.front());
    page_.pop_front();
    return out;
  }

 private:
  virtual Result<Rows> fetch(Connection& connection, std::int64_t beyond) = 0;
  virtual T read(const Rows& rows, std::size_t row) = 0;
  Connection* connection_;
  std::deque<T> page_;
  std::int64_t last_ = std::numeric_limits<std::int64_t>::min();
  bool over_ = false;
};

class Entries final : public Pages<StoredEntry> {
 public:
  Entries(Connection& connection, std::string chain) : Pages(connection), chain_(std::move(chain)) {}

 private:
  Result<Rows> fetch(Connection& connection, std::int64_t beyond) override {
    return ask(connection, kEntries, Parameters().add(chain_).add(beyond).add(kPage));
  }
  StoredEntry read(const Rows& rows, std::size_t row) override {
    return {rows.unsigned_integer(row, 0), std::string(rows.text(row, 1))};
  }
  const std::string chain_;
};

class Checkpoints final : public Pages<StoredCheckpoint> {
 public:
  using Pages::Pages;

 private:
  Result<Rows> fetch(Connection& connection, std::int64_t beyond) override {
    return ask(connection, kCheckpoints, Parameters().add(beyond).add(kPage));
  }
  StoredCheckpoint read(const Rows& rows, std::size_t row) override {
    StoredCheckpoint out{rows.unsigned_integer(row, 0), {.text = std::string(rows.text(row, 1))}};
    // One of another length is no signature of any text: that is for the walk to say.
    if (const auto signature = rows.array<64>(row, 2); signature) out.checkpoint.signature = *signature;
    return out;
  }
};

class PostgresView final : public LedgerView {
 public:
  PostgresView(const Address& address, std::unique_ptr<Connection> connection)
      : address_(address), connection_(std::move(connection)) {}

  Status begin() {
    TRY(const bool current, is_ledger_current(*connection_));
    if (!current)
      return invalid("the database's schema is older than this program's: run manastr-mint migrate first");
    TRY_STATUS(ask(*connection_, kNoLimit));
    TRY_STATUS(ask(*connection_, kSnapshot));
    return {};
  }

  Result<std::vector<KeysetRecord>> keysets() override { return PostgresReads(address_, 1).keysets(); }
  Result<Catalog> catalog() override {
    Catalog out;
    TRY_STATUS(read_prices(*connection_, out));
    return out;
  }
  Result<std::vector<std::string>> chains() override {
    TRY(const Rows rows, ask(*connection_, kChains));
    std::vector<std::string> out;
    for (std::size_t i = 0; i < rows.size(); ++i) out.emplace_back(rows.text(i, 0));
    return out;
  }
  Result<std::unique_ptr<Stream<StoredEntry>>> entries(const std::string& chain) override {
    return std::make_unique<Entries>(*connection_, chain);
  }
  Result<std::unique_ptr<Stream<StoredCheckpoint>>> checkpoints() override {
    return std::make_unique<Checkpoints>(*connection_);
  }
  Result<KeptTotals> kept(const std::map<std::string, std::uint64_t>&) override {
    KeptTotals out;
    TRY(const Rows totals, ask(*connection_, kTotals));
    for (std::size_t i = 0; i < totals.size(); ++i)
      add_changes(out.entered[std::string(totals.text(i, 0))],
                  {{std::string(totals.text(i, 1)), wide(totals, i, 2)}});
    TRY(const Rows open, ask(*connection_, kOpen));
    for (std::size_t i = 0; i < open.size(); ++i)
      add_changes(out.open, {{std::string(open.text(i, 0)), wide(open, i, 1)}});
    return out;
  }
  Result<CountedRows> count() override;
  Result<std::vector<StoredBlind>> some_signatures(std::uint64_t signatures, std::size_t most) override;
  /// Unique keys of the database see to that.
  Result<std::vector<std::string>> misplaced_points() override { return std::vector<std::string>{}; }

 private:
  const Address address_;
  std::unique_ptr<Connection> connection_;
};

Result<std::vector<StoredBlind>> PostgresView::some_signatures(std::uint64_t signatures, std::size_t most) {
  const std::string percent =
      signatures <= most
          ? "100"
          : std::to_string(100.0 * static_cast<double>(most) / static_cast<double>(signatures));
  TRY(const Rows rows,
      ask(*connection_, kSomeSignatures, Parameters().add(percent).add(static_cast<std::int64_t>(most))));
  std::vector<StoredBlind> out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    StoredBlind& row = out.emplace_back();
    row.keyset = static_cast<std::uint32_t>(rows.integer(i, 0));
    row.amount = rows.unsigned_integer(i, 1);
    // What has a wrong length stays all zeros, which nothing verifies with.
    row.b_blinded = rows.array<33>(i, 2).value_or(PointBytes{});
    row.c_blinded = rows.array<33>(i, 3).value_or(PointBytes{});
    row.dleq.e = rows.array<32>(i, 4).value_or(ByteArray<32>{});
    row.dleq.s = rows.array<32>(i, 5).value_or(ByteArray<32>{});
  }
  return out;
}

Result<CountedRows> PostgresView::count() {
  CountedRows out;
  const auto add = [&](std::string_view kind, std::string_view what, Wide amount) {
    add_changes(out.accounts, {{std::string(kind) + std::string(what), amount}});
  };
  const auto keyset = [](const Rows& rows, std::size_t i) { return std::to_string(rows.integer(i, 0)); };
  TRY(const Rows spent, ask(*connection_, kSpent));
  for (std::size_t i = 0; i < spent.size(); ++i) {
    add(kRedeemed, keyset(spent, i), wide(spent, i, 2));
    out.spent += spent.unsigned_integer(i, 1);
  }
  TRY(const Rows issued, ask(*connection_, kSigned));
  for (std::size_t i = 0; i < issued.size(); ++i) {
    add(kIssued, keyset(issued, i), wide(issued, i, 2));
    out.signatures += issued.unsigned_integer(i, 1);
  }
  TRY(const Rows has_pruned, ask(*connection_, kHasPruned));
  if (has_pruned.integer(0, 0) != 0) {
    TRY(const Rows pruned, ask(*connection_, kPruned));
    for (std::size_t i = 0; i < pruned.size(); ++i) {
      add(kRedeemed, keyset(pruned, i), wide(pruned, i, 2));
      add(kIssued, keyset(pruned, i), wide(pruned, i, 4));
      add(kExpired, keyset(pruned, i), wide(pruned, i, 5));
      out.pruned_proofs += pruned.unsigned_integer(i, 1);
      out.pruned_signatures += pruned.unsigned_integer(i, 3);
    }
  }
  TRY(const Rows quotes, ask(*connection_, kMintQuotes));
  for (std::size_t i = 0; i < quotes.size(); ++i) {
    out.mint_quotes += quotes.unsigned_integer(i, 1);
    add(kPaidFor, quotes.text(i, 0), wide(quotes, i, 2));
    add(kClaimed, quotes.text(i, 0), wide(quotes, i, 3));
    add(kReceived, "", wide(quotes, i, 4));
  }
  TRY(const Rows overissued, ask(*connection_, kOverissued));
  for (std::size_t i = 0; i < overissued.size(); ++i)
    note(out.faults, "of mint quote " + std::string(overissued.text(i, 0)) + " more was issued than paid");
  TRY(const Rows melts, ask(*connection_, kMelts));
  out.melts = melts.unsigned_integer(0, 0);
  add(kPaidOut, "", wide(melts, 0, 1));
  TRY(const Rows locked, ask(*connection_, kLocked));
  out.locked = locked.unsigned_integer(0, 0);
  TRY(const Rows uneven, ask(*connection_, kUnevenLocks));
  for (std::size_t i = 0; i < uneven.size(); ++i) {
    const std::string melt = "melt " + std::string(uneven.text(i, 0));
    note(out.faults, uneven.integer(i, 1) != 0
                         ? "proofs are locked by " + melt + ", which is not under way"
                         : melt + " is under way, and other proofs are locked for it than it says");
  }
  TRY(const Rows has_openings, ask(*connection_, kHasOpenings));
  if (has_openings.integer(0, 0) != 0) {
    TRY(const Rows openings, ask(*connection_, kOpenings));
    add(kReceived, "", wide(openings, 0, 0));
    add(kPaidOut, "", wide(openings, 0, 1));
  }
  TRY(const Rows credits, ask(*connection_, kCredits));
  add(kCredit, "", wide(credits, 0, 0));
  return out;
}

}  // namespace

Result<std::unique_ptr<LedgerView>> view_postgres_ledger(const crypto::SecretText& url, bool restoring) {
  TRY(const Address address, Address::parse(url, "manastr-mint verify"));
  TRY(std::unique_ptr<Connection> connection, Connection::open(address));
  if (!restoring) TRY_STATUS(check_restored(*connection));
  auto view = std::make_unique<PostgresView>(address, std::move(connection));
  TRY_STATUS(view->begin());
  return std::unique_ptr<LedgerView>(std::move(view));
}

}  // namespace manastr::mint
