#include "mint/admin/live_units.h"

#include <algorithm>

#include "common/telemetry/log.h"

namespace manastr::mint {
namespace {

constexpr std::size_t kMaxKeysets = 4096;  // rings are kept as long as the mint runs

}  // namespace

LiveUnits::LiveUnits(Keysets& keysets, const Derivations& derivations, Ledger& ledger, UnitRules rules)
    : keysets_(&keysets), derivations_(&derivations), ledger_(&ledger), rules_(std::move(rules)) {}

LiveUnits::~LiveUnits() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Result<std::shared_ptr<const KeysetRing>> LiveUnits::make(std::vector<KeysetRecord> keysets,
                                                          const std::vector<UnitRecord>& units) const {
  TRY(std::vector<CurrencyConfiguration> currencies, units_in_force(rules_.of_file, units));
  return KeysetRing::make(*derivations_, std::move(keysets), std::move(currencies), rules_.id_version,
                          keysets_->now());
}

Result<AdminEffect> LiveUnits::effect_of(const AdminRequest& request, const AdminView& view,
                                         UnixSeconds now) const {
  TRY(UnitChange change, change_unit(request, view.units, rules_, now));
  AdminEffect out;
  out.unit = std::move(change.record);
  out.price = std::move(change.price);
  if (!change.keys) return out;
  if (view.keysets.size() >= kMaxKeysets) return invalid("this mint has as many keysets as it can keep");
  KeysetRecord fresh;
  fresh.number = static_cast<std::uint32_t>(view.keysets.size() + 1);
  fresh.unit = request.unit;
  fresh.position = 1;
  fresh.input_fee_ppk = change.keys->input_fee_ppk;
  fresh.denominations = rules_.denominations;
  fresh.final_expiry = change.keys->final_expiry;
  fresh.created_at = now;
  for (const KeysetRecord& record : view.keysets) {
    if (record.unit != request.unit || record.derivation != kOwnDerivation) continue;
    fresh.position = std::max(fresh.position, record.position + 1);
    if (record.state != KeysetState::signing) continue;
    KeysetRecord& former = out.keysets.emplace_back(record);
    former.state = KeysetState::verifying;
  }
  out.keysets.push_back(fresh);
  TRY(const auto ring, ring_of(view, out));
  out.keysets.back() = ring->by_number(fresh.number)->record();  // with its id
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

Status LiveUnits::refresh() {
  const std::lock_guard one_at_a_time(refresh_mutex_);
  TRY(std::vector<KeysetRecord> keysets, ledger_->keysets());
  TRY(const std::vector<UnitRecord> units, ledger_->units());
  const KeysetRing* now = keysets_->now();
  TRY(const std::vector<CurrencyConfiguration> currencies, units_in_force(rules_.of_file, units));
  if (now->currencies() == currencies && now->records() == keysets) return {};
  TRY(std::shared_ptr<const KeysetRing> next, make(std::move(keysets), units));
  keysets_->publish(std::move(next));
  telemetry::log_info("units or keysets have changed", {{"units", keysets_->now()->currencies().size()},
                                                        {"keysets", keysets_->now()->all().size()}});
  return {};
}

void LiveUnits::follow(Millis every) {
  thread_ = std::thread([this, every] {
    std::string trouble;
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, every, [&] { return stopping_; })) {
      lock.unlock();
      const Status fresh = refresh();
      const std::string now = fresh ? "" : fresh.error().message;
      if (now != trouble && !now.empty()) telemetry::log_warn("units can't be looked up", {{"why", now}});
      trouble = now;
      lock.lock();
    }
  });
}

}  // namespace manastr::mint
