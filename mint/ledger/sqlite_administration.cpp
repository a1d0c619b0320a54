#include "mint/ledger/sqlite_administration.h"

#include <algorithm>
#include <limits>
#include <map>

#include "mint/ledger/sqlite_keysets.h"

namespace manastr::mint {

using storage::Database;
using storage::Query;

namespace {

std::optional<std::int64_t> in_seconds(const std::optional<UnixSeconds>& time) {
  return time ? std::optional(count(*time)) : std::nullopt;
}

std::optional<UnixSeconds> seconds_of(const Query& row, int column) {
  return row.is_null(column) ? std::nullopt : std::optional(unix_seconds(row.integer(column)));
}

Result<Promises> promises_under(Database& database, const PriceChange& change, UnixSeconds now) {
  Promises out;
  std::map<cashu::Unit, OpenQuotes> quotes;
  TRY(Query row, database.query("SELECT q.unit, q.amount, q.invoice_msat, q.created_at, ifnull(p.msat, 0) "
                                "FROM mint_quotes q LEFT JOIN prices p USING(unit) "
                                "WHERE q.received_msat = 0 AND q.method = 0 AND q.expires_at >= ? "
                                "AND q.invoice_msat > 0 AND q.created_at > ifnull(p.kept_since, 0)",
                                count(now - kInvoiceGrace)));
  for (;;) {
    TRY(const bool found, row.next());
    if (!found) break;
    OpenQuotes& open = quotes[cashu::Unit(row.text(0))];
    const auto shortfall = [&](std::uint64_t price) {
      return std::max(Wide{0}, value_of(row.unsigned_integer(1), price) - row.unsigned_integer(2));
    };
    const std::uint64_t price = row.unsigned_integer(4);
    open.before += shortfall(price);
    open.after += shortfall(row.text(0) == change.unit ? change.msat : price);
    open.latest = std::max(open.latest, unix_seconds(row.integer(3)));
  }
  for (auto& [unit, open] : quotes) {
    open.unit = unit;
    out.mint_quotes.push_back(std::move(open));
  }
  TRY(Query melt, database.query("SELECT unit, price_msat, inputs FROM melt_quotes WHERE state = 1"));
  for (;;) {
    TRY(const bool found, melt.next());
    if (!found) return out;
    out.melts.push_back({cashu::Unit(melt.text(0)), melt.unsigned_integer(1), melt.unsigned_integer(2)});
  }
}

}  // namespace

Result<std::vector<UnitRecord>> read_units(Database& database) {
  TRY(Query row,
      database.query("SELECT unit, terms, cap, final_expiry, retired_at FROM units ORDER BY unit"));
  std::vector<UnitRecord> out;
  for (;;) {
    TRY(const bool found, row.next());
    if (!found) return out;
    UnitRecord unit;
    unit.unit = row.text(0);
    if (!row.is_null(1)) {
      TRY(unit.terms, terms_from_text(unit.unit, row.text(1)));
    }
    if (!row.is_null(2)) unit.cap = row.unsigned_integer(2);
    unit.final_expiry = seconds_of(row, 3);
    unit.retired_at = seconds_of(row, 4);
    out.push_back(std::move(unit));
  }
}

Result<std::vector<AuditLine>> read_audit(Database& database, std::uint64_t before, std::size_t limit) {
  constexpr auto kEnd = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  TRY(Query row,
      database.query("SELECT number, at, admin, pubkey, roles, action, arguments, status, outcome, event "
                     "FROM audit WHERE number < ? ORDER BY number DESC LIMIT ?",
                     before == 0 ? kEnd : std::min(before, kEnd), std::uint64_t{limit}));
  std::vector<AuditLine> out;
  for (;;) {
    TRY(const bool found, row.next());
    if (!found) return out;
    AuditLine line;
    line.number = row.unsigned_integer(0);
    line.call.at = unix_millis(row.integer(1));
    line.call.admin = row.text(2);
    TRY(line.call.pubkey, row.array<32>(3));
    line.call.roles = row.text(4);
    line.call.action = row.text(5);
    line.call.arguments = row.text(6);
    line.status = static_cast<int>(row.integer(7));
    line.outcome = row.text(8);
    TRY(line.call.event, row.array<32>(9));
    out.push_back(std::move(line));
  }
}

Result<std::vector<UnitPrice>> read_prices(Database& database) {
  TRY(Query row, database.query("SELECT unit, msat, promised_msat, promised_until, kept_since FROM prices"));
  std::vector<UnitPrice> out;
  for (;;) {
    TRY(const bool found, row.next());
    if (!found) return out;
    out.push_back({cashu::Unit(row.text(0)), row.unsigned_integer(1), row.unsigned_integer(2),
                   unix_seconds(row.integer(3)), unix_seconds(row.integer(4))});
  }
}

Status change_price(Database& database, Books& books, const PriceChange& change, UnixSeconds now) {
  TRY(const std::vector<UnitPrice> prices, read_prices(database));
  TRY(const Promises promises, promises_under(database, change, now));
  TRY(const std::vector<UnitPrice> changed, changed_price(books.totals(), prices, change, promises, now));
  for (const UnitPrice& next : changed) {
    TRY_STATUS(database.run(
        "INSERT INTO prices(unit, msat, promised_msat, promised_until, kept_since) VALUES(?1, ?2, ?3, ?4, "
        "?5) ON CONFLICT(unit) DO UPDATE SET msat = ?2, promised_msat = ?3, promised_until = ?4, kept_since "
        "= ?5",
        next.unit, next.msat, next.promised_msat, count(next.promised_until), count(next.kept_since)));
  }
  books.set_price(books.unit(change.unit), change.msat);
  return {};
}

void set_caps(Books& books, const std::vector<UnitRecord>& units) {
  for (const UnitRecord& unit : units) books.set_cap(books.unit(unit.unit), unit.cap);
}

Result<bool> SqliteAdminRows::use_event(const Hash32& event, UnixSeconds now, UnixSeconds until) {
  TRY_STATUS(database_->run("DELETE FROM authorizations WHERE until < ?", count(now)));
  TRY_STATUS(database_->run("INSERT INTO authorizations VALUES(?, ?) ON CONFLICT(event) DO NOTHING", event,
                            count(until)));
  return database_->changes() == 1;
}

Result<std::optional<AdminRows::Answered>> SqliteAdminRows::answered(const Hash32& key) {
  TRY(Query row, database_->query("SELECT operation, answer FROM audit WHERE key = ?", key));
  TRY(const bool found, row.next());
  if (!found) return std::nullopt;
  TRY(const Hash32 operation, row.array<32>(0));
  return Answered{operation, std::string(row.text(1))};
}

Result<AdminView> SqliteAdminRows::view() {
  AdminView out;
  TRY(out.units, read_units(*database_));
  TRY(out.keysets, read_keysets(*database_));
  out.totals = books_->totals();
  return out;
}

Status SqliteAdminRows::apply(const AdminEffect& effect, UnixSeconds now) {
  if (effect.price) TRY_STATUS(change_price(*database_, *books_, *effect.price, now));
  if (effect.unit) {
    const UnitRecord& unit = *effect.unit;
    TRY_STATUS(database_->run(
        "INSERT INTO units(unit, terms, cap, final_expiry, retired_at) VALUES(?1, ?2, ?3, ?4, ?5) "
        "ON CONFLICT(unit) DO UPDATE SET terms = ?2, cap = ?3, final_expiry = ?4, retired_at = ?5",
        unit.unit, unit.terms ? std::optional(terms_to_text(*unit.terms)) : std::nullopt, unit.cap,
        in_seconds(unit.final_expiry), in_seconds(unit.retired_at)));
    set_caps(*books_, {unit});
  }
  if (effect.keysets.empty()) return {};
  TRY_STATUS(write_keysets(*database_, effect.keysets));
  books_->set_keysets(effect.keysets);
  return {};
}

Status SqliteAdminRows::append(const AdminCall& call, const AdminOutcome& outcome,
                               const std::string* answer) {
  const std::string told = outcome.status != 200 ? outcome.text : outcome.repeated ? "repeated" : "done";
  return database_->run(
      "INSERT INTO audit SELECT ifnull(max(number), 0) + 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM audit",
      count(call.at), call.admin, call.pubkey, call.roles, call.action, call.arguments, outcome.status, told,
      call.event, answer == nullptr ? std::nullopt : call.key,
      answer == nullptr ? std::nullopt : std::optional(call.operation),
      answer == nullptr ? std::nullopt : std::optional(*answer));
}

}  // namespace manastr::mint
