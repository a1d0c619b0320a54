#include "mint/keysets/unit_record.h"

#include <algorithm>

#include "common/json/reader.h"
#include "common/json/value.h"

namespace manastr::mint {

Result<std::vector<CurrencyConfiguration>> units_in_force(std::vector<CurrencyConfiguration> of_file,
                                                          const std::vector<UnitRecord>& records) {
  std::vector<CurrencyConfiguration> out = std::move(of_file);
  for (const UnitRecord& record : records) {
    auto unit = std::ranges::find(out, record.unit, &CurrencyConfiguration::unit);
    if (record.terms && unit != out.end()) {
      return invalid(
          "[currencies." + unit->name + "]: the unit " + record.unit +
          " was made by an operator at run time and is kept in the ledger: take the section out of the "
          "file, or give it another unit");
    }
    if (unit == out.end()) {
      if (!record.terms) continue;  // its section was taken out of the file
      unit = out.insert(out.end(), *record.terms);
      unit->name = unit->unit = record.unit;
      unit->of_file = false;
    }
    unit->cap = record.cap;
    unit->final_expiry = record.final_expiry;
    unit->retired = record.retired_at.has_value();
    if (unit->retired) unit->issued_by.clear();
  }
  return out;
}

std::string terms_to_text(const CurrencyConfiguration& terms) {
  json::Array issuers;
  if (terms.issued_by_lightning()) issuers.emplace_back("lightning");
  if (terms.issued_by_engine()) issuers.emplace_back("engine");
  json::Value out;
  out.set("precision", int{terms.precision})
      .set("min_amount", terms.min_amount)
      .set("max_amount", terms.max_amount)
      .set("fee_reserve_ppm", std::uint64_t{terms.fee_reserve_ppm})
      .set("price_msat", terms.price_msat)
      .set("issued_by", std::move(issuers))
      .set("meltable", terms.meltable)
      .set("input_fee_ppk", terms.input_fee_ppk);
  return out.dump();
}

Result<CurrencyConfiguration> terms_from_text(std::string_view unit, std::string_view text) {
  const auto read = [&]() -> Result<CurrencyConfiguration> {
    TRY(const json::Value value, json::parse(text));
    CurrencyConfiguration out;
    out.name = out.unit = unit;
    TRY(const std::uint64_t precision, json::get_uint64(value, "precision"));
    out.precision = static_cast<std::uint8_t>(precision);
    TRY(out.min_amount, json::get_uint64(value, "min_amount"));
    TRY(out.max_amount, json::get_uint64(value, "max_amount"));
    TRY(const std::uint64_t ppm, json::get_uint64(value, "fee_reserve_ppm"));
    out.fee_reserve_ppm = static_cast<std::uint32_t>(ppm);
    TRY(out.price_msat, json::get_uint64(value, "price_msat"));
    TRY(const json::Array* issuers, json::get_array(value, "issued_by"));
    out.issued_by.clear();
    for (const json::Value& each : *issuers)
      out.issued_by.push_back(each == json::Value("engine") ? Issuer::engine : Issuer::lightning);
    TRY(out.meltable, json::get_bool(value, "meltable"));
    TRY(out.input_fee_ppk, json::get_uint64(value, "input_fee_ppk"));
    out.of_file = false;
    return out;
  };
  auto out = read();
  if (!out)
    return broken("the ledger's unit " + std::string(unit) + " can't be read: " + out.error().message);
  return out;
}

}  // namespace manastr::mint
