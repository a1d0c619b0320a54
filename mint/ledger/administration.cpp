#include "mint/ledger/administration.h"

#include <algorithm>

namespace manastr::mint {
namespace {

constexpr int kBadRequest = 400;
constexpr int kUnauthorized = 401;

/// Codes that have an HTTP status of their own begin with it: 40300.
AdminOutcome refusal(const Error& error) {
  constexpr int kMalformed = 10000;
  const bool own = error.code >= kUnauthorized * 100;
  return {own ? error.code / 100 : kBadRequest, error.code == 0 ? kMalformed : error.code, error.message,
          false};
}

bool is_answer(const Error& error) {
  return error.kind == ErrorKind::invalid || error.kind == ErrorKind::refused;
}

Result<AdminOutcome> outcome_of(AdminRows& rows, const AdminCall& call, const AdminPlan& plan) {
  const UnixSeconds now = std::chrono::floor<Seconds>(call.at);
  TRY(const bool fresh, rows.use_event(call.event, now, call.event_until));
  if (!fresh) {
    return AdminOutcome{kUnauthorized, kUnauthorized * 100,
                        "this authorization event was used before: sign a new one", false};
  }
  if (call.key) {
    TRY(auto before, rows.answered(*call.key));
    if (before && before->operation != call.operation)
      return refusal(invalid("operation: this id was used for another call: take a fresh one").error());
    if (before) return AdminOutcome{200, 0, std::move(before->answer), true};
  }
  TRY(const AdminView view, rows.view());
  Result<AdminEffect> effect = plan(view);
  if (!effect) {
    if (!is_answer(effect.error())) return std::unexpected(effect.error());
    return refusal(effect.error());
  }
  if (const Status applied = rows.apply(*effect, now); !applied) {
    if (!is_answer(applied.error())) return std::unexpected(applied.error());
    return refusal(applied.error());
  }
  return AdminOutcome{200, 0, std::move(effect->answer), false};
}

}  // namespace

Result<AdminOutcome> decide(AdminRows& rows, const AdminCall& call, const AdminPlan& plan) {
  TRY(AdminOutcome outcome, outcome_of(rows, call, plan));
  const bool done_now = outcome.status == 200 && !outcome.repeated;
  TRY_STATUS(rows.append(call, outcome, done_now && call.key ? &outcome.text : nullptr));
  return outcome;
}

namespace {

UnitPrice row_of(const std::vector<UnitPrice>& prices, const cashu::Unit& unit) {
  const auto found = std::ranges::find(prices, unit, &UnitPrice::unit);
  return found == prices.end() ? UnitPrice{.unit = unit} : *found;
}

/// At which somebody may still melt.
std::uint64_t highest(const UnitPrice& price, UnixSeconds now) {
  return std::max(price.msat, price.promised_until > now ? price.promised_msat : 0);
}

UnitPrice row_after(const std::vector<UnitPrice>& prices, const PriceChange& change, UnixSeconds now) {
  const UnitPrice before = row_of(prices, change.unit);
  UnitPrice next{.unit = change.unit, .msat = change.msat, .kept_since = before.kept_since};
  const std::uint64_t promised = highest(before, now);
  if (promised > change.msat) {
    next.promised_msat = promised;
    next.promised_until = before.msat > change.msat ? now + change.melt_quotes_live : before.promised_until;
  }
  return next;
}

}  // namespace

Status check_price(const MintQuote& quote, std::uint64_t price_msat) {
  if (quote.invoice_msat == 0 || value_of(quote.amount, price_msat) <= Wide{quote.invoice_msat}) return {};
  return unavailable("the price of " + quote.unit + " has just changed: ask again");
}

Result<std::vector<UnitPrice>> changed_price(const Totals& totals, const std::vector<UnitPrice>& prices,
                                             const PriceChange& change, const Promises& promises,
                                             UnixSeconds now) {
  std::vector<UnitPrice> rows{row_after(prices, change, now)};
  const auto gap = [&](bool changed) {
    const auto price = [&](const cashu::Unit& unit) {
      return changed && unit == change.unit ? highest(rows.front(), now) : highest(row_of(prices, unit), now);
    };
    Wide owed = totals.credit_msat;
    for (const UnitTotals& unit : totals.units) owed += unit.owed() * price(unit.unit);
    // A payment may succeed long after its quote has expired.
    for (const PendingMelts& melt : promises.melts)
      owed += melt.inputs * std::max(Wide{0}, Wide{melt.price_msat} - price(melt.unit));
    return owed - totals.assets_msat();
  };
  const Wide before = gap(false);
  const Wide after = gap(true);
  if (after > 0 && after > before) {
    return invalid("this price of " + change.unit + " would let the mint owe " + to_text(after) +
                   " msat more than it has taken in: keep price_msat where it was until enough is melted");
  }
  Wide kept_before = before;
  Wide kept = after;
  Wide own = 0;
  for (const OpenQuotes& open : promises.mint_quotes) {
    kept_before += open.before;
    kept += open.after;
    if (open.unit == change.unit) own = open.after;
  }
  if (kept <= 0 || kept <= kept_before) return rows;
  if (change.keep_mint_quotes) {
    return invalid(
        "mint quotes under way were promised at former prices: if they are paid, this price of " +
        change.unit + " would let the mint owe " + to_text(kept) +
        " msat more than it has taken in: wait until they have expired, or send \"keep_quotes\": false, "
        "then they are credited at the price of the day that they are paid");
  }
  const bool own_suffice = kept - own <= 0 || kept - own <= kept_before;
  for (const OpenQuotes& open : promises.mint_quotes) {
    if (open.after <= 0) continue;
    const UnixSeconds since = std::max(now, open.latest);  // another mint's clock may be ahead
    if (open.unit == change.unit) {
      rows.front().kept_since = since;
    } else if (!own_suffice) {
      rows.push_back(row_of(prices, open.unit));
      rows.back().kept_since = since;
    }
  }
  return rows;
}

}  // namespace manastr::mint
