#include "mint/ledger/postgres/administration.h"

#include <algorithm>
#include <limits>

#include "mint/ledger/postgres/auditor.h"
#include "mint/ledger/postgres/batch_statements.h"
#include "mint/ledger/postgres/keyset_rows.h"

namespace manastr::mint {
namespace {

using postgres::Connection;
using postgres::Outcome;
using postgres::Parameters;
using postgres::Rows;
using postgres::Statement;

constexpr Statement kLock{"lock_administration", "SELECT pg_advisory_xact_lock(5570193308277399044)"};
constexpr Statement kLockPrices{"lock_prices", "SELECT pg_advisory_xact_lock(5570193308277399043)"};
constexpr Statement kUnits{"units",
                           "SELECT unit, terms, cap, final_expiry, retired_at FROM mint.units ORDER BY unit"};
constexpr Statement kSetUnit{
    "set_unit",
    "INSERT INTO mint.units(unit, terms, cap, final_expiry, retired_at) VALUES($1::text, $2::text, $3::int8, "
    "$4::int8, $5::int8) ON CONFLICT (unit) DO UPDATE SET terms = excluded.terms, cap = excluded.cap, "
    "final_expiry = "
    "excluded.final_expiry, retired_at = excluded.retired_at"};
constexpr Statement kFullPrices{
    "full_prices",
    "SELECT unit, msat, promised_msat, promised_until, kept_since FROM mint.prices ORDER BY unit"};
constexpr Statement kSetPrice{
    "set_price",
    "INSERT INTO mint.prices(unit, msat, promised_msat, promised_until, kept_since) VALUES($1::text, "
    "$2::int8, "
    "$3::int8, $4::int8, $5::int8) ON CONFLICT (unit) DO UPDATE SET msat = excluded.msat, promised_msat = "
    "excluded.promised_msat, promised_until = excluded.promised_until, kept_since = excluded.kept_since"};
constexpr Statement kOpenQuotes{
    "open_quotes",
    "SELECT unit, sum(greatest(amount * before - invoice_msat, 0))::text, sum(greatest(amount * CASE WHEN "
    "unit = $2::text THEN $3::int8 ELSE before END - invoice_msat, 0))::text, max(created_at) FROM ("
    "SELECT q.unit, q.amount::numeric, q.invoice_msat, q.created_at, coalesce(p.msat, 0) AS before "
    "FROM mint.mint_quotes q LEFT JOIN mint.prices p USING (unit) "
    "WHERE q.received_msat = 0 AND q.method = 0 AND q.expires_at >= $1::int8 AND q.invoice_msat > 0 "
    "AND q.created_at > coalesce(p.kept_since, 0)) AS open GROUP BY unit ORDER BY unit"};
constexpr Statement kPendingMelts{
    "pending_melts_by_price",
    "SELECT q.unit, q.price_msat, sum(q.inputs)::text FROM mint.payments p JOIN mint.melt_quotes q ON q.id = "
    "p.quote WHERE p.state = 1 AND q.state = 1 GROUP BY 1, 2 ORDER BY 1, 2"};
constexpr Statement kAnswered{"answered", "SELECT operation, answer FROM mint.audit WHERE key = $1::bytea"};
constexpr Statement kAppend{
    "append_audit",
    "INSERT INTO mint.audit(number, at, admin, pubkey, roles, action, arguments, status, outcome, event, "
    "key, "
    "operation, answer) SELECT coalesce(max(number), 0) + 1, $1::int8, $2::bytea, $3::bytea, $4::text, "
    "$5::text, "
    "$6::bytea, $7::int8, $8::bytea, $9::bytea, $10::bytea, $11::bytea, $12::bytea FROM mint.audit"};
constexpr Statement kAudit{
    "audit",
    "SELECT number, at, admin, pubkey, roles, action, arguments, status, outcome, event FROM mint.audit "
    "WHERE number < $1::int8 ORDER BY number DESC LIMIT $2::int8"};

Parameters& add_time(Parameters& row, const std::optional<UnixSeconds>& time) {
  return time ? row.add(count(*time)) : row.add_null();
}

std::optional<UnixSeconds> time_of(const Rows& rows, std::size_t row, int column) {
  return rows.is_null(row, column) ? std::nullopt : std::optional(unix_seconds(rows.integer(row, column)));
}

/// A sum that can't be counted is more than any mint has.
Wide sum_of(const Rows& rows, std::size_t row, int column) {
  constexpr Wide kBeyond = Wide{1} << 100;
  return wide_from_text(rows.text(row, column)).value_or(kBeyond);
}

Result<Promises> promises_under(Connection& connection, const PriceChange& change, UnixSeconds now) {
  Promises out;
  TRY(const Rows quotes, connection.ask(kOpenQuotes, Parameters()
                                                         .add(count(now - kInvoiceGrace))
                                                         .add(change.unit)
                                                         .add(static_cast<std::int64_t>(change.msat))));
  for (std::size_t i = 0; i < quotes.size(); ++i) {
    out.mint_quotes.push_back({cashu::Unit(quotes.text(i, 0)), sum_of(quotes, i, 1), sum_of(quotes, i, 2),
                               unix_seconds(quotes.integer(i, 3))});
  }
  TRY(const Rows melts, connection.ask(kPendingMelts));
  for (std::size_t i = 0; i < melts.size(); ++i) {
    // Prices have no more than 63 bits: their product with what is capped so stays below 128.
    out.melts.push_back({cashu::Unit(melts.text(i, 0)), melts.unsigned_integer(i, 1),
                         std::min(sum_of(melts, i, 2), Wide{std::numeric_limits<std::int64_t>::max()})});
  }
  return out;
}

}  // namespace

Result<std::vector<UnitRecord>> read_units(Connection& connection) {
  TRY(const Rows rows, connection.ask(kUnits));
  std::vector<UnitRecord> out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    UnitRecord unit;
    unit.unit = rows.text(i, 0);
    if (!rows.is_null(i, 1)) {
      TRY(unit.terms, terms_from_text(unit.unit, rows.text(i, 1)));
    }
    if (!rows.is_null(i, 2)) unit.cap = rows.unsigned_integer(i, 2);
    unit.final_expiry = time_of(rows, i, 3);
    unit.retired_at = time_of(rows, i, 4);
    out.push_back(std::move(unit));
  }
  return out;
}

Result<std::vector<AuditLine>> read_audit(Connection& connection, std::uint64_t before, std::size_t limit) {
  constexpr std::int64_t kEnd = std::numeric_limits<std::int64_t>::max();
  const bool from_end = before == 0 || before > static_cast<std::uint64_t>(kEnd);
  TRY(const Rows rows, connection.ask(kAudit, Parameters()
                                                  .add(from_end ? kEnd : static_cast<std::int64_t>(before))
                                                  .add(static_cast<std::int64_t>(limit))));
  std::vector<AuditLine> out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    AuditLine line;
    line.number = rows.unsigned_integer(i, 0);
    line.call.at = unix_millis(rows.integer(i, 1));
    line.call.admin = rows.text(i, 2);
    TRY(line.call.pubkey, rows.array<32>(i, 3));
    line.call.roles = rows.text(i, 4);
    line.call.action = rows.text(i, 5);
    line.call.arguments = rows.text(i, 6);
    line.status = static_cast<int>(rows.integer(i, 7));
    line.outcome = rows.text(i, 8);
    TRY(line.call.event, rows.array<32>(i, 9));
    out.push_back(std::move(line));
  }
  return out;
}

Outcome<void> lock_administration(Connection& connection) {
  if (auto locked = connection.ask(kLock); !locked) return std::unexpected(locked.error());
  return {};
}

Status change_price(Connection& connection, const std::string& replica, Catalog& catalog,
                    const PriceChange& change, UnixSeconds now) {
  TRY_STATUS(connection.ask(kLockPrices));
  TRY_STATUS(read_prices(connection, catalog));
  TRY(const Rows rows, connection.ask(kFullPrices));
  std::vector<UnitPrice> prices;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    prices.push_back({cashu::Unit(rows.text(i, 0)), rows.unsigned_integer(i, 1), rows.unsigned_integer(i, 2),
                      unix_seconds(rows.integer(i, 3)), unix_seconds(rows.integer(i, 4))});
  }
  TRY(const Promises promises, promises_under(connection, change, now));
  TRY(const AuditedAccounts found, audited_accounts(connection, replica));
  Accounts all = found.others;
  for (const auto& [account, amount] : found.own) all[account] += amount;
  TRY(const std::vector<UnitPrice> changed,
      changed_price(totals_of(all, catalog), prices, change, promises, now));
  for (const UnitPrice& next : changed) {
    TRY_STATUS(connection.ask(kSetPrice, Parameters()
                                             .add(next.unit)
                                             .add(static_cast<std::int64_t>(next.msat))
                                             .add(static_cast<std::int64_t>(next.promised_msat))
                                             .add(count(next.promised_until))
                                             .add(count(next.kept_since))));
  }
  catalog.set_price(change.unit, change.msat);
  return {};
}

Result<bool> PostgresAdminRows::use_event(const Hash32& event, UnixSeconds now, UnixSeconds until) {
  TRY(const Rows used,
      connection_->ask(sql::kUseAuthorization, Parameters().add(event).add(count(until)).add(count(now))));
  return used.affected() == 1;
}

Result<std::optional<AdminRows::Answered>> PostgresAdminRows::answered(const Hash32& key) {
  TRY(const Rows rows, connection_->ask(kAnswered, Parameters().add(key)));
  if (rows.size() == 0) return std::nullopt;
  TRY(const Hash32 operation, rows.array<32>(0, 0));
  return Answered{operation, std::string(rows.text(0, 1))};
}

Result<AdminView> PostgresAdminRows::view() {
  AdminView out;
  TRY(out.units, read_units(*connection_));
  TRY(out.keysets, read_keysets(*connection_));
  TRY_STATUS(read_prices(*connection_, *catalog_));
  TRY(const AuditedAccounts found, audited_accounts(*connection_, replica_));
  Accounts all = found.others;
  for (const auto& [account, amount] : found.own) all[account] += amount;
  out.totals = totals_of(all, *catalog_);
  return out;
}

Status PostgresAdminRows::apply(const AdminEffect& effect, UnixSeconds now) {
  if (effect.price) TRY_STATUS(change_price(*connection_, replica_, *catalog_, *effect.price, now));
  if (effect.unit) {
    const UnitRecord& unit = *effect.unit;
    Parameters row;
    row.add(unit.unit);
    unit.terms ? row.add(terms_to_text(*unit.terms)) : row.add_null();
    unit.cap ? row.add(static_cast<std::int64_t>(*unit.cap)) : row.add_null();
    add_time(row, unit.final_expiry);
    add_time(row, unit.retired_at);
    TRY_STATUS(connection_->ask(kSetUnit, row));
  }
  if (effect.keysets.empty()) return {};
  TRY_STATUS(write_keysets(*connection_, effect.keysets));
  catalog_->set_keysets(effect.keysets);
  return {};
}

Status PostgresAdminRows::append(const AdminCall& call, const AdminOutcome& outcome,
                                 const std::string* answer) {
  Parameters row;
  row.add(count(call.at))
      .add(call.admin)
      .add(call.pubkey)
      .add(call.roles)
      .add(call.action)
      .add(call.arguments);
  row.add(std::int64_t{outcome.status});
  row.add(std::string_view(outcome.status != 200 ? outcome.text : outcome.repeated ? "repeated" : "done"));
  row.add(call.event);
  if (answer == nullptr) {
    row.add_null().add_null().add_null();
  } else {
    row.add(call.key).add(call.operation).add(*answer);
  }
  TRY_STATUS(connection_->ask(kAppend, row));
  return {};
}

}  // namespace manastr::mint
