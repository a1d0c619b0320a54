#include "mint/admin/unit_changes.h"

#include <algorithm>

namespace manastr::mint {
namespace {

constexpr std::size_t kMaxUnits = 200;

/// A unit as it stands, and where it comes from.
struct Standing {
  UnitRecord record;
  const CurrencyConfiguration* terms;  ///< of the file or of `record`
  bool of_file() const { return !record.terms; }
  /// `error` unless the ledger is the master of its terms.
  Status must_be_ours(std::string_view key) const {
    if (!of_file()) return {};
    return invalid(record.unit + " is a unit of mint.toml: set " + std::string(key) + " in [currencies." +
                   terms->name + "] and start the mint again");
  }
};

Status check_price_of(const cashu::Unit& unit, std::uint64_t msat) {
  if (unit == "sat" && msat != 1'000) return invalid("price_msat: a sat is 1000 msat");
  if (unit == "msat" && msat != 1) return invalid("price_msat: a msat is 1 msat");
  return {};
}

Status check_expiry(UnixSeconds expiry, UnixSeconds now) {
  if (expiry > now) return {};
  return invalid("final_expiry: expected a time to come; here it is " + std::to_string(count(now)));
}

struct Change {
  Standing unit;
  const UnitRules& rules;
  UnixSeconds now;

  Result<UnitChange> operator()(const CreateUnit&) const { return broken("a unit can't be made twice"); }

  Result<UnitChange> operator()(const SetPrice& change) const {
    TRY_STATUS(unit.must_be_ours("price_msat"));
    TRY_STATUS(check_price_of(unit.record.unit, change.msat));
    UnitChange out{.record = unit.record};
    out.record.terms->price_msat = change.msat;
    out.price = PriceChange{unit.record.unit, change.msat, rules.melt_quotes_live, change.keep_quotes};
    return out;
  }

  Result<UnitChange> operator()(const SetCap& change) const {
    UnitChange out{.record = unit.record};
    out.record.cap = change.cap;
    return out;
  }

  Result<UnitChange> operator()(const SetLimits& change) const {
    TRY_STATUS(unit.must_be_ours(change.min_amount        ? "min_amount"
                                 : change.max_amount      ? "max_amount"
                                 : change.fee_reserve_ppm ? "fee_reserve"
                                 : change.issued_by       ? "issued_by"
                                                          : "meltable"));
    UnitChange out{.record = unit.record};
    CurrencyConfiguration& terms = *out.record.terms;
    terms.min_amount = change.min_amount.value_or(terms.min_amount);
    terms.max_amount = change.max_amount.value_or(terms.max_amount);
    if (terms.min_amount > terms.max_amount) return invalid("min_amount: expected at most max_amount");
    terms.fee_reserve_ppm = change.fee_reserve_ppm.value_or(terms.fee_reserve_ppm);
    if (change.issued_by && unit.record.retired_at)
      return invalid("issued_by: the unit is retired, nobody issues it any more");
    if (change.issued_by) terms.issued_by = *change.issued_by;
    terms.meltable = change.meltable.value_or(terms.meltable);
    return out;
  }

  Result<UnitChange> operator()(const RotateKeys& change) const {
    if (change.input_fee_ppk) TRY_STATUS(unit.must_be_ours("input_fee_ppk"));
    UnitChange out{.record = unit.record};
    if (change.input_fee_ppk) out.record.terms->input_fee_ppk = *change.input_fee_ppk;
    out.record.final_expiry.reset();
    out.keys = UnitChange::Keys{change.input_fee_ppk.value_or(unit.terms->input_fee_ppk), std::nullopt};
    return out;
  }

  Result<UnitChange> operator()(const ExpireUnit& change) const {
    TRY_STATUS(check_expiry(change.final_expiry, now));
    UnitChange out{.record = unit.record};
    out.record.final_expiry = change.final_expiry;
    out.keys = UnitChange::Keys{unit.terms->input_fee_ppk, change.final_expiry};
    return out;
  }

  Result<UnitChange> operator()(const RetireUnit&) const {
    if (unit.record.retired_at) return invalid(unit.record.unit + " is retired already");
    UnitChange out{.record = unit.record};
    out.record.retired_at = now;
    return out;
  }
};

Result<UnitChange> create(const cashu::Unit& unit, const CreateUnit& request,
                          const std::vector<UnitRecord>& units, const UnitRules& rules, UnixSeconds now) {
  if (unit == kAuthUnit) return invalid("unit: \"auth\" is the name of NUT-22's blind auth tokens");
  if (std::ranges::find(rules.of_file, unit, &CurrencyConfiguration::unit) != rules.of_file.end())
    return invalid("unit: " + unit + " stands in mint.toml already");
  const auto known = std::ranges::find(units, unit, &UnitRecord::unit);
  if (known != units.end() && known->terms) return invalid("unit: there is a unit " + unit + " already");
  if (units.size() >= kMaxUnits) return invalid("this mint has as many units as it can keep");
  if (request.terms.min_amount > request.terms.max_amount)
    return invalid("min_amount: expected at most max_amount");
  TRY_STATUS(check_price_of(unit, request.terms.price_msat));
  if (request.final_expiry) TRY_STATUS(check_expiry(*request.final_expiry, now));
  UnitChange out;
  out.record = {
      .unit = unit, .terms = request.terms, .cap = request.cap, .final_expiry = request.final_expiry};
  out.price = PriceChange{unit, request.terms.price_msat, rules.melt_quotes_live, true};
  out.keys = UnitChange::Keys{request.terms.input_fee_ppk, request.final_expiry};
  return out;
}

}  // namespace

Result<UnitChange> change_unit(const AdminRequest& request, const std::vector<UnitRecord>& units,
                               const UnitRules& rules, UnixSeconds now) {
  if (const auto* fresh = std::get_if<CreateUnit>(&request.change))
    return create(request.unit, *fresh, units, rules, now);
  const auto known = std::ranges::find(units, request.unit, &UnitRecord::unit);
  const auto of_file = std::ranges::find(rules.of_file, request.unit, &CurrencyConfiguration::unit);
  Standing standing{known == units.end() ? UnitRecord{.unit = request.unit} : *known, nullptr};
  if (standing.record.terms) {
    standing.terms = &*standing.record.terms;
  } else if (of_file != rules.of_file.end()) {
    standing.terms = &*of_file;
  } else {
    return refused(cashu::kUnitUnsupported,
                   "this mint has no unit " + request.unit + ": GET /admin/v1/units lists them");
  }
  return std::visit(Change{standing, rules, now}, request.change);
}

}  // namespace manastr::mint
