#include "mint/admin/live_units.h"

#include <algorithm>

namespace manastr::mint {
namespace {

constexpr std::size_t kMaxKeysets = 4096;  // rings are kept as long as the mint runs

}  // namespace

Result<std::shared_ptr<const KeysetRing>> LiveUnits::make(std::vector<KeysetRecord> keysets,
                                                          const std::vector<UnitRecord>& units) const {
  TRY(std::vector<CurrencyConfiguration> currencies, units_in_force(rules_.of_file, units));
  return KeysetRing::make(rotation_->derivations(), std::move(keysets), std::move(currencies),
                          rules_.id_version, rotation_->keysets().now());
}

Result<LiveUnits::Change> LiveUnits::change_of(const AdminRequest& request, const AdminView& view,
                                               UnixSeconds now) const {
  Change out;
  if (request.unit == kAuthUnit) {
    const auto* rotate = std::get_if<RotateKeys>(&request.change);
    if (rotate == nullptr || rotate->input_fee_ppk) {
      return invalid(
          "unit: \"auth\" is the name of NUT-22's blind auth tokens, which are no money: their keys can be "
          "rotated, and that is all");
    }
    if (!rules_.tokens)
      return refused(cashu::kUnitUnsupported, "this mint has no [auth], and so no blind auth tokens");
    out.keys = rules_.tokens;
    return out;
  }
  TRY(UnitChange change, change_unit(request, view.units, rules_, now));
  out.effect.unit = std::move(change.record);
  out.effect.price = std::move(change.price);
  if (!change.keys) return out;
  KeysetPlan& plan = out.keys.emplace();
  plan.unit = request.unit;
  plan.input_fee_ppk = change.keys->input_fee_ppk;
  plan.denominations = rules_.denominations;
  plan.overlap = rules_.overlap;
  plan.lifetime = rules_.lifetime;
  plan.ends = change.keys->final_expiry;
  return out;
}

Result<AdminEffect> LiveUnits::effect_of(const AdminRequest& request, const AdminView& view,
                                         UnixSeconds now) const {
  TRY(Change change, change_of(request, view, now));
  AdminEffect out = std::move(change.effect);
  if (!change.keys) return out;
  if (view.keysets.size() >= kMaxKeysets) return invalid("this mint has as many keysets as it can keep");
  std::vector<KeysetRecord> keysets = view.keysets;
  succeed(keysets, *change.keys, now);
  for (std::size_t i = 0; i < keysets.size(); ++i) {
    if (i >= view.keysets.size() || keysets[i] != view.keysets[i]) out.keysets.push_back(keysets[i]);
  }
  TRY(const auto ring, ring_of(view, out));
  out.keysets.back() = ring->by_number(out.keysets.back().number)->record();  // with its id
  return out;
}

Result<std::shared_ptr<const KeysetRing>> LiveUnits::ring_of(const AdminView& view,
                                                             const AdminEffect& effect) const {
  std::vector<KeysetRecord> keysets = view.keysets;
  for (const KeysetRecord& record : effect.keysets) {
    const auto known = std::ranges::find(keysets, record.number, &KeysetRecord::number);
    known == keysets.end() ? keysets.push_back(record) : void(*known = record);
  }
  std::vector<UnitRecord> units = view.units;
  if (effect.unit) {
    const auto known = std::ranges::find(units, effect.unit->unit, &UnitRecord::unit);
    known == units.end() ? units.push_back(*effect.unit) : void(*known = *effect.unit);
  }
  return make(std::move(keysets), units);
}

}  // namespace manastr::mint
