#include "mint/keysets/keyset_ring.h"

#include <algorithm>

#include "mint/keysets/keyset_plan.h"

namespace manastr::mint {
namespace {

Status check_unit_indices(const std::vector<KeysetRecord>& records) {
  // Keysets of blind tokens derive from the same seed, and may yet come.
  std::map<std::uint32_t, cashu::Unit> taken{{unit_index(kAuthUnit), cashu::Unit(kAuthUnit)}};
  for (const KeysetRecord& record : records) {
    if (record.derivation != kOwnDerivation) continue;
    const auto [it, fresh] = taken.emplace(unit_index(record.unit), record.unit);
    if (!fresh && it->second != record.unit) {
      return invalid("units " + it->second + " and " + record.unit +
                     " would get the same keys: give one of them another name");
    }
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<const KeysetRing>> KeysetRing::make(const Derivations& derivations,
                                                           std::vector<KeysetRecord> records,
                                                           std::vector<CurrencyConfiguration> currencies,
                                                           int fresh_version, const KeysetRing* former) {
  std::ranges::sort(records, {}, &KeysetRecord::number);
  TRY_STATUS(check_unit_indices(records));
  std::shared_ptr<KeysetRing> ring(new KeysetRing(derivations.root()));
  ring->currencies_ = std::move(currencies);
  for (std::size_t i = 0; i < records.size(); ++i) {
    KeysetRecord& record = records[i];
    if (record.number != i + 1)
      return broken("the ledger lacks the record of keyset number " + std::to_string(i + 1));
    const bool fresh = record.id.bytes().empty();
    const SigningKeyset* known = former == nullptr ? nullptr : former->by_number(record.number);
    std::shared_ptr<const SigningKeyset> keyset;
    if (known != nullptr && known->record() == record) {
      keyset = former->keysets_[i];
    } else if (known != nullptr && known->id() == record.id) {
      keyset = std::make_shared<const SigningKeyset>(known->in_state_of(record));
    } else {
      TRY(DenominationKeys keys, derivations.keys(record));
      keyset = std::make_shared<const SigningKeyset>(record, std::move(keys),
                                                     fresh ? fresh_version : record.version());
    }
    if (!fresh && keyset->id() != record.id) {
      return invalid("the mnemonic is not this ledger's: its " + record.unit + " keyset is " +
                     record.id.hex() + ", the mnemonic gives " + keyset->id_hex() +
                     "; put the right mnemonic back");
    }
    if (!ring->by_id_.emplace(keyset->id(), keyset.get()).second) {
      return invalid("two keysets have the id " + keyset->id_hex() + ": raise keyset_index of " +
                     record.unit);
    }
    ring->keysets_.push_back(std::move(keyset));
  }
  return ring;
}

Result<KeysetRing::Assembled> KeysetRing::assemble(const crypto::Secret<64>& seed,
                                                   std::vector<KeysetRecord> stored,
                                                   const Configuration& configuration, UnixSeconds now) {
  return assemble(Derivations(seed), std::move(stored), configuration, now);
}

Result<KeysetRing::Assembled> KeysetRing::assemble(const Derivations& derivations,
                                                   std::vector<KeysetRecord> stored,
                                                   const Configuration& configuration, UnixSeconds now) {
  bring_forward(stored, plans_of(configuration.currencies, configuration.keysets), now);
  Assembled out;
  TRY(out.ring,
      make(derivations, std::move(stored), configuration.currencies, configuration.keysets.id_version));
  out.records = out.ring->records();
  return out;
}

const SigningKeyset* KeysetRing::find(const cashu::KeysetId& id) const {
  const auto it = by_id_.find(id);
  return it == by_id_.end() ? nullptr : it->second;
}

const SigningKeyset* KeysetRing::by_number(std::uint32_t number) const {
  return number >= 1 && number <= keysets_.size() ? keysets_[number - 1].get() : nullptr;
}

const SigningKeyset* KeysetRing::active(std::string_view unit) const {
  for (const auto& keyset : keysets_) {
    if (keyset->active() && keyset->unit() == unit) return keyset.get();
  }
  return nullptr;
}

const CurrencyConfiguration* KeysetRing::currency(std::string_view unit) const {
  for (const CurrencyConfiguration& currency : currencies_) {
    if (currency.unit == unit) return &currency;
  }
  return nullptr;
}

std::size_t KeysetRing::expired(UnixSeconds now) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(keysets_, [&](const auto& keyset) { return keyset->expired(now); }));
}

std::vector<KeysetRecord> KeysetRing::records() const {
  std::vector<KeysetRecord> out;
  out.reserve(keysets_.size());
  for (const auto& keyset : keysets_) out.push_back(keyset->record());
  return out;
}

}  // namespace manastr::mint
