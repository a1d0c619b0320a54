#include "mint/keysets/keyset_plan.h"

#include <algorithm>

namespace manastr::mint {
namespace {

/// Between the clocks of mints on one database.
constexpr Seconds kSkew{60};

/// A clock was ahead when it was made, or this one is behind.
bool dated_ahead(const KeysetRecord& record, UnixSeconds now) { return record.created_at > now + kSkew; }

/// Of the mint's own seed: their positions count.
KeysetRecord* newest(std::vector<KeysetRecord>& records, std::string_view unit) {
  KeysetRecord* out = nullptr;
  for (KeysetRecord& record : records) {
    if (record.unit != unit || record.derivation != kOwnDerivation) continue;
    if (out == nullptr || record.position > out->position) out = &record;
  }
  return out;
}

bool fits(const KeysetRecord& record, const KeysetPlan& plan) {
  return !record.held && record.position >= plan.first_position &&
         record.input_fee_ppk == plan.input_fee_ppk && record.denominations == plan.denominations &&
         record.version() == plan.id_version;
}

bool expired(const KeysetRecord& record, UnixSeconds now) {
  return record.state == KeysetState::pruned || (record.final_expiry && *record.final_expiry <= now);
}

/// Of one dated ahead, the date can't be believed: the schedule goes on from the last that can, as if no
/// clock had been wrong. If there is none, this clock may be one that starts in 1970, and a date is waited
/// for.
UnixSeconds due_at(const std::vector<KeysetRecord>& records, const KeysetRecord& last, const KeysetPlan& plan,
                   UnixSeconds now) {
  if (!dated_ahead(last, now)) return last.created_at + plan.rotate_every;
  std::optional<UnixSeconds> begun;
  for (const KeysetRecord& record : records) {
    if (record.unit != plan.unit || record.derivation != kOwnDerivation || dated_ahead(record, now)) continue;
    begun = std::max(begun.value_or(record.created_at), record.created_at);
  }
  return begun.value_or(last.created_at) + plan.rotate_every;
}

/// Of keysets that were made after the backup that a held ledger comes from there is no record, nor of what
/// was spent of them: their keys must not come again, neither now nor after yet another restore. So positions
/// leap to the seconds since 2020, which no rotations reach.
std::uint32_t fresh_position(const std::vector<KeysetRecord>& records, const KeysetRecord* last,
                             const KeysetPlan& plan, UnixSeconds now) {
  constexpr std::int64_t kYear2020 = 1'577'836'800;
  constexpr std::int64_t kHighest = 2'000'000'000;  // a path has 31 bits
  const std::uint32_t next =
      last == nullptr ? plan.first_position : std::max(last->position + 1, plan.first_position);
  if (std::ranges::none_of(records, &KeysetRecord::held)) return next;
  const std::int64_t leap = std::clamp<std::int64_t>(count(now) - kYear2020, 0, kHighest);
  return std::max(next, static_cast<std::uint32_t>(leap));
}

std::optional<UnixSeconds> expiry_by(const KeysetPlan& plan, UnixSeconds now) {
  if (plan.ends) return plan.ends;
  return plan.lifetime > Seconds{0} ? std::optional(now + plan.lifetime) : std::nullopt;
}

}  // namespace

KeysetPlan plan_of(const CurrencyConfiguration& currency, const KeysetsConfiguration& keysets) {
  KeysetPlan out;
  out.unit = currency.unit;
  out.first_position = currency.keyset_index + 1;
  out.input_fee_ppk = currency.input_fee_ppk;
  out.denominations = keysets.denominations;
  out.id_version = keysets.id_version;
  out.rotate_every = currency.rotate_every.value_or(keysets.rotate_every);
  out.overlap = currency.overlap.value_or(keysets.overlap);
  out.lifetime = currency.keyset_lifetime.value_or(keysets.lifetime);
  out.ends = currency.final_expiry;
  return out;
}

std::vector<KeysetPlan> plans_of(const std::vector<CurrencyConfiguration>& currencies,
                                 const KeysetsConfiguration& keysets) {
  std::vector<KeysetPlan> out;
  out.reserve(currencies.size());
  for (const CurrencyConfiguration& currency : currencies) out.push_back(plan_of(currency, keysets));
  return out;
}

std::optional<KeysetPlan> token_plan(const AuthenticationConfiguration& authentication,
                                     const KeysetsConfiguration& keysets) {
  if (!authentication.enabled()) return std::nullopt;
  KeysetPlan out;
  out.unit = kAuthUnit;
  out.first_position = authentication.keyset_index + 1;
  out.denominations = 1;
  out.id_version = keysets.id_version;
  out.rotate_every = authentication.rotate_every;
  out.overlap = authentication.overlap;
  out.lifetime = authentication.keyset_lifetime;
  return out;
}

void succeed(std::vector<KeysetRecord>& records, const KeysetPlan& plan, UnixSeconds now, Seconds overlap,
             std::optional<UnixSeconds> final_expiry) {
  for (KeysetRecord& record : records) {
    if (record.unit != plan.unit || record.state != KeysetState::signing) continue;
    if (overlap > Seconds{0}) {
      record.state = KeysetState::overlap;
      record.overlap_until = now + overlap;
    } else {
      record.state = KeysetState::verifying;
    }
  }
  const KeysetRecord* last = newest(records, plan.unit);
  KeysetRecord fresh;
  fresh.number = static_cast<std::uint32_t>(records.size() + 1);
  fresh.unit = plan.unit;
  fresh.position = fresh_position(records, last, plan, now);
  fresh.input_fee_ppk = plan.input_fee_ppk;
  fresh.denominations = plan.denominations;
  fresh.final_expiry = final_expiry;
  fresh.created_at = now;
  records.push_back(std::move(fresh));
}

void succeed(std::vector<KeysetRecord>& records, const KeysetPlan& plan, UnixSeconds now) {
  succeed(records, plan, now, plan.overlap, expiry_by(plan, now));
}

void bring_forward(std::vector<KeysetRecord>& records, const std::vector<KeysetPlan>& plans,
                   UnixSeconds now) {
  for (KeysetRecord& record : records) {
    const bool wanted =
        std::ranges::any_of(plans, [&](const auto& plan) { return plan.unit == record.unit; });
    if (!wanted && record.is_money() && record.state < KeysetState::verifying)
      record.state = KeysetState::verifying;
  }
  for (const KeysetPlan& plan : plans) {
    KeysetRecord* last = newest(records, plan.unit);
    if (last == nullptr || !fits(*last, plan)) {
      succeed(records, plan, now, Seconds{0}, expiry_by(plan, now));
    } else if (last->state != KeysetState::signing && !expired(*last, now)) {
      last->state = KeysetState::signing;
    }
  }
}

void advance(std::vector<KeysetRecord>& records, const std::vector<KeysetPlan>& plans, UnixSeconds now) {
  for (const KeysetPlan& plan : plans) {
    const KeysetRecord* last = newest(records, plan.unit);
    if (last == nullptr) continue;
    if (dated_ahead(*last, now)) {
      for (KeysetRecord& record : records) {
        if (record.unit == plan.unit && record.state == KeysetState::overlap && record.overlap_until)
          record.overlap_until = std::min(*record.overlap_until, now + plan.overlap);
      }
    }
    if (plan.ends || plan.rotate_every <= Seconds{0} || due_at(records, *last, plan, now) > now) continue;
    // If it is this clock that is wrong, and behind, what it makes must not have expired when it is put
    // right.
    succeed(records, plan, now, plan.overlap, expiry_by(plan, std::max(now, last->created_at)));
  }
  for (KeysetRecord& record : records) {
    if (record.state == KeysetState::overlap && record.overlap_until.value_or(now) <= now)
      record.state = KeysetState::verifying;
  }
}

}  // namespace manastr::mint
