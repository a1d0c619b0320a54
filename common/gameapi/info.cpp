#include "common/gameapi/info.h"

namespace manastr::gameapi {

json::Value to_json(const GameInfo& info) {
  json::Array units;
  for (const auto& [unit, price] : info.price_msat) {
    json::Value each;
    each.set("unit", unit).set("price_msat", price);
    units.push_back(std::move(each));
  }
  json::Value out;
  out.set("settle", info.settle).set("units", std::move(units));
  return out;
}

Result<GameInfo> game_info_from_json(const json::Value& value) {
  GameInfo out;
  TRY(out.settle, json::get_bool(value, "settle", kInfoMember));
  TRY(const json::Array* units, json::get_array(value, "units", kInfoMember));
  if (units->size() > 64) return invalid("game_engine.units: more than 64");
  for (const json::Value& each : *units) {
    TRY(const std::string unit, json::get_string(each, "unit", "game_engine.units[]"));
    TRY(const std::uint64_t price, json::get_uint64(each, "price_msat", "game_engine.units[]"));
    if (!cashu::is_unit(unit) || price == 0)
      return invalid("game_engine.units[]: expected a unit with a price above 0");
    if (!out.price_msat.emplace(unit, price).second) return invalid("game_engine.units[]: a unit twice");
  }
  return out;
}

}  // namespace manastr::gameapi
