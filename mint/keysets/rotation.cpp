#include "mint/keysets/rotation.h"

#include <algorithm>

#include "common/base/failpoint.h"
#include "common/telemetry/log.h"

namespace manastr::mint {
namespace {

constexpr int kTries = 5;
// Looks that requests may bring about, per second and at once.
constexpr double kLooksPerSecond = 20;
constexpr double kLooksAtOnce = 20;

bool is_over(const KeysetRecord& record, Seconds after, UnixSeconds now) {
  return record.final_expiry && *record.final_expiry + after <= now;
}

}  // namespace

Rotation::Rotation(Derivations derivations, KeysetStore& store, const Configuration& configuration,
                   RotationOptions options, const Clock& clock)
    : derivations_(std::move(derivations)),
      store_(&store),
      configuration_(configuration.keysets),
      token_plan_(token_plan(configuration.authentication, configuration.keysets)),
      options_(std::move(options)),
      clock_(&clock),
      currencies_(configuration.currencies),
      plans_(plans()),
      looks_left_(kLooksAtOnce) {}

Result<std::unique_ptr<Rotation>> Rotation::open(Derivations derivations, KeysetStore& store,
                                                 const Configuration& configuration, RotationOptions options,
                                                 const Clock& clock) {
  std::unique_ptr<Rotation> out(
      new Rotation(std::move(derivations), store, configuration, std::move(options), clock));
  const std::lock_guard lock(out->mutex_);
  TRY_STATUS(out->change([&](std::vector<KeysetRecord>& records) -> Status {
    // After the keysets: a unit that another mint makes meanwhile must not look like one that is no more.
    if (out->options_.currencies) {
      TRY(out->currencies_, out->options_.currencies());
      out->plans_ = out->plans();
    }
    bring_forward(records, out->plans_, clock.now_seconds());
    return {};
  }));
  out->keysets_->asks(out.get());
  return out;
}

Rotation::~Rotation() {
  {
    const std::lock_guard lock(stop_mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

/// Of the units that there are now, and of the blind tokens.
std::vector<KeysetPlan> Rotation::plans() const {
  std::vector<KeysetPlan> out = plans_of(currencies_, configuration_);
  if (token_plan_) out.push_back(*token_plan_);
  return out;
}

/// Stored, then in force.
Status Rotation::change(const Edit& edit) {
  for (int i = 0; i < kTries; ++i) {
    TRY(const std::vector<KeysetRecord> before, store_->keysets());
    std::vector<KeysetRecord> after = before;
    TRY_STATUS(edit(after));
    if (after == before && !before.empty()) return take_over(before);
    const KeysetRing* former = keysets_ ? keysets_->now() : nullptr;
    TRY(std::shared_ptr<const KeysetRing> ring,
        KeysetRing::make(derivations_, std::move(after), currencies_, configuration_.id_version, former));
    TRY(const bool stored, store_->change_keysets(before, ring->records()));
    if (!stored) continue;
    failpoint("mint.keysets-stored");
    for (const auto& keyset : ring->all()) {
      const SigningKeyset* known = former == nullptr ? nullptr : former->by_number(keyset->number());
      if (keyset->active() && (known == nullptr || !known->active())) {
        telemetry::log_info("a keyset is active", {{"unit", keyset->unit()}, {"id", keyset->id_hex()}});
      }
    }
    if (keysets_) {
      keysets_->publish(std::move(ring));
    } else {
      keysets_ = std::make_unique<Keysets>(std::move(ring));
    }
    return {};
  }
  return unavailable("other mints on this database change its keysets all the time: try again");
}

Status Rotation::take_over(std::vector<KeysetRecord> records) {
  const KeysetRing* former = keysets_ ? keysets_->now() : nullptr;
  if (former != nullptr && former->currencies() == currencies_ && former->records() == records) return {};
  TRY(std::shared_ptr<const KeysetRing> ring,
      KeysetRing::make(derivations_, std::move(records), currencies_, configuration_.id_version, former));
  if (keysets_) {
    keysets_->publish(std::move(ring));
  } else {
    keysets_ = std::make_unique<Keysets>(std::move(ring));
  }
  return {};
}

/// With mutex_ held.
Status Rotation::reload() {
  TRY(std::vector<KeysetRecord> records, store_->keysets());
  if (options_.currencies) {
    TRY(std::vector<CurrencyConfiguration> currencies, options_.currencies());
    if (currencies != currencies_) {
      currencies_ = std::move(currencies);
      plans_ = plans();
    }
  }
  return take_over(std::move(records));
}

Status Rotation::refresh() {
  const std::lock_guard lock(mutex_);
  return reload();
}

Result<const KeysetRing*> Rotation::look() {
  if (!options_.shared) return keysets_->now();
  // A look that begins after this line has seen all that was there when the caller asked.
  const std::uint64_t begun = looks_.load();
  const std::lock_guard lock(mutex_);
  if (looks_.load() != begun) return keysets_->now();
  const Monotonic now = clock_->monotonic();
  const double passed = std::chrono::duration<double>(now - looked_at_).count();
  looks_left_ = std::min(kLooksAtOnce, looks_left_ + passed * kLooksPerSecond);
  looked_at_ = now;
  if (looks_left_ < 1) return unavailable("too many requests name keysets that this mint lacks: try again");
  looks_left_ -= 1;
  ++looks_;
  TRY_STATUS(reload());
  return keysets_->now();
}

Status Rotation::tick() {
  const std::lock_guard lock(mutex_);
  const UnixSeconds now = clock_->now_seconds();
  if (options_.shared) {
    ++looks_;
    TRY_STATUS(reload());
  }
  const std::vector<KeysetRecord> before = keysets_->now()->records();
  std::vector<KeysetRecord> after = before;
  advance(after, plans_, now);
  if (after == before) return {};
  return change([&](std::vector<KeysetRecord>& records) -> Status {
    advance(records, plans_, now);
    return {};
  });
}

Result<bool> Rotation::prune() {
  if (options_.prune_after <= Seconds{0}) return false;
  const UnixSeconds now = clock_->now_seconds();
  const Monotonic passed = clock_->monotonic();
  for (const KeysetRecord& record : keysets_->now()->records()) {
    if (record.state == KeysetState::pruned) continue;
    if (!is_over(record, options_.prune_after, now)) {
      due_since_.erase(record.number);
      continue;
    }
    const Monotonic due_since = due_since_.try_emplace(record.number, passed).first->second;
    if (passed - due_since < options_.sure_after) continue;
    TRY(const bool pending, store_->has_pending(record.number));
    if (pending) continue;
    const std::lock_guard lock(mutex_);
    TRY_STATUS(change([&](std::vector<KeysetRecord>& records) -> Status {
      records[record.number - 1].state = KeysetState::pruned;
      records[record.number - 1].overlap_until.reset();
      return {};
    }));
    telemetry::log_info("a keyset is past its final expiry for good: what was spent of it is forgotten",
                        {{"unit", record.unit}, {"id", record.id.hex()}});
  }
  for (const auto& keyset : keysets_->now()->all()) {
    if (keyset->record().state != KeysetState::pruned) continue;
    if (std::ranges::find(forgotten_, keyset->number()) != forgotten_.end()) continue;
    TRY(const KeysetStore::Pruned state, store_->prune(keyset->number()));
    if (state == KeysetStore::Pruned::more) return true;
    if (state == KeysetStore::Pruned::done) forgotten_.push_back(keyset->number());
  }
  return false;
}

// --- the thread

void Rotation::start() {
  thread_ = std::thread([this] { loop(); });
}

/// False: it is time to stop.
bool Rotation::wait(Millis time) {
  std::unique_lock lock(stop_mutex_);
  return !wake_.wait_for(lock, time, [&] { return stopping_; });
}

void Rotation::loop() {
  bool well = true;
  Monotonic tick_at = clock_->monotonic();
  for (;;) {
    Status status;
    if (tick_at <= clock_->monotonic()) {
      tick_at = clock_->monotonic() + options_.every;
      status = tick();
    }
    auto more = prune();
    if (status && !more) status = std::unexpected(more.error());
    if (!status && well)
      telemetry::log_warn("keysets can't be looked after now", {{"why", status.error().message}});
    well = status.has_value();
    if (!wait(more.value_or(false) ? options_.between_batches : options_.every)) return;
  }
}

}  // namespace manastr::mint
