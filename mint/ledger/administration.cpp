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

Status check_price(const MintQuote& quote, std::uint64_t price_msat) {
  if (quote.invoice_msat == 0 || value_of(quote.amount, price_msat) <= Wide{quote.invoice_msat}) return {};
  return unavailable("the price of " + quote.unit + " has just changed: ask again");
}

Result<UnitPrice> changed_price(const Totals& totals, const std::vector<UnitPrice>& prices,
                                const PriceChange& change, const OpenQuotes& open, UnixSeconds now) {
  UnitPrice next{.unit = change.unit, .msat = change.msat};
  const auto before = std::ranges::find(prices, change.unit, &UnitPrice::unit);
  if (before != prices.end()) {
    next.kept_since = before->kept_since;
    const bool promised = before->promised_until > now;
    const std::uint64_t highest = std::max(before->msat, promised ? before->promised_msat : 0);
    if (highest > change.msat) {
      next.promised_msat = highest;
      next.promised_until =
          before->msat > change.msat ? now + change.melt_quotes_live : before->promised_until;
    }
  }
  // Each unit at the highest price that somebody may still ask for it.
  const auto gap = [&](bool changed) {
    Wide owed = totals.credit_msat;
    for (const UnitTotals& unit : totals.units) {
      Wide price = unit.price_msat;
      const auto row = std::ranges::find(prices, unit.unit, &UnitPrice::unit);
      const UnitPrice* in_force = changed && unit.unit == next.unit ? &next
                                  : row == prices.end()             ? nullptr
                                                                    : &*row;
      if (in_force != nullptr) {
        price = in_force->msat;
        if (in_force->promised_until > now) price = std::max(price, Wide{in_force->promised_msat});
      }
      owed += unit.owed() * price;
    }
    return owed - totals.assets_msat();
  };
  const Wide after = gap(true);
  if (after > 0 && after > gap(false)) {
    return invalid("this price of " + change.unit + " would let the mint owe " + to_text(after) +
                   " msat more than it has taken in: keep price_msat where it was until enough is melted");
  }
  if (open.shortfall <= 0 || after + open.shortfall <= 0) return next;
  if (change.keep_mint_quotes) {
    return invalid(
        "mint quotes under way promise " + change.unit + " at the old price, for " + to_text(open.shortfall) +
        " msat less than it would be worth: wait until they have expired, or send \"keep_quotes\": false, "
        "then they are credited at the new price");
  }
  next.kept_since = std::max(now, open.latest);  // another mint's clock may be ahead
  return next;
}

}  // namespace manastr::mint
