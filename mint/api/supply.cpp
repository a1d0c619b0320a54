#include "mint/api/supply.h"

#include "common/json/value.h"

namespace manastr::mint {
namespace {

using json::Array;
using json::Value;

constexpr Millis kKept{1'000};

/// As an integer; beyond 64 bits, which no mint reaches, as text.
Value number(Wide amount) {
  const auto whole = static_cast<std::int64_t>(amount);
  return Wide{whole} == amount ? Value(whole) : Value(to_text(amount));
}

Value keysets_of(const KeysetRing& ring, const Totals& totals, const std::string& unit, UnixSeconds now) {
  Array list;
  for (const KeysetTotals& keyset : totals.keysets) {
    const SigningKeyset* known = ring.by_number(keyset.number);
    if (known == nullptr || known->unit() != unit) continue;
    Value each;
    each.set("id", known->id_hex())
        .set("number", std::uint64_t{keyset.number})
        .set("active", known->offered(now));
    each.set("issued", number(keyset.issued)).set("redeemed", number(keyset.redeemed));
    each.set("outstanding", number(keyset.issued - keyset.redeemed - keyset.expired));
    list.push_back(std::move(each));
  }
  return list;
}

Value checkpoint_of(const Standing& standing) {
  if (!standing.checkpoint) return nullptr;
  Value out;
  out.set("text", standing.checkpoint->text).set("signature", to_hex(standing.checkpoint->signature));
  return out;
}

}  // namespace

std::string Supply::body() {
  const Monotonic now = parts_->clock->monotonic();
  const std::lock_guard lock(mutex_);
  if (body_.empty() || now - made_at_ >= kKept) {
    body_ = made_now();
    made_at_ = now;
  }
  return body_;
}

std::string Supply::made_now() const {
  const Totals totals = parts_->ledger->totals();
  const Standing standing = parts_->ledger->standing();
  const KeysetRing& ring = *parts_->keysets->now();
  Array units;
  for (const UnitTotals& unit : totals.units) {
    Value each;
    each.set("unit", unit.unit).set("price_msat", unit.price_msat);
    each.set("issued", number(unit.issued)).set("redeemed", number(unit.redeemed));
    each.set("outstanding", number(unit.outstanding()));
    each.set("paid_for", number(unit.paid_for)).set("claimed", number(unit.claimed));
    const CurrencyConfiguration* known = ring.currency(unit.unit);
    each.set("cap", known != nullptr && known->cap ? Value(*known->cap) : Value(nullptr));
    each.set("keysets", keysets_of(ring, totals, unit.unit, parts_->clock->now_seconds()));
    units.push_back(std::move(each));
  }
  Value out;
  out.set("units", std::move(units));
  out.set("received_msat", number(totals.received_msat)).set("paid_out_msat", number(totals.paid_out_msat));
  out.set("match_credit_msat", number(totals.credit_msat));
  out.set("liabilities_msat", number(totals.liabilities_msat()));
  out.set("issues", parts_->ledger->health().has_value());
  out.set("checkpoint_key", key_.hex()).set("checkpoint", checkpoint_of(standing));
  out.set("time", count(parts_->clock->now_seconds()));
  return out.dump();
}

}  // namespace manastr::mint
