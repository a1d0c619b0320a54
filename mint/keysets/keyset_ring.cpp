#include "mint/keysets/keyset_ring.h"

#include <algorithm>

namespace manastr::mint {
namespace {

Status check_unit_indices(const std::vector<KeysetRecord>& records) {
  std::map<std::uint32_t, cashu::Unit> taken;
  for (const KeysetRecord& record : records) {
    const auto [it, fresh] = taken.emplace(unit_index(record.unit), record.unit);
    if (!fresh && it->second != record.unit) {
      return invalid("units " + it->second + " and " + record.unit +
                     " would get the same keys: give one of them another name");
    }
  }
  return {};
}

/// Adds a keyset for `currency` unless its newest one fits, and leaves exactly one of its keysets active.
void bring_forward(std::vector<KeysetRecord>& records, const CurrencyConfiguration& currency,
                   const KeysetsConfiguration& keysets) {
  KeysetRecord* newest = nullptr;
  for (KeysetRecord& record : records) {
    if (record.unit != currency.unit) continue;
    record.active = false;
    if (newest == nullptr || record.position > newest->position) newest = &record;
  }
  const std::uint32_t wanted = currency.keyset_index + 1;
  if (newest != nullptr && newest->position >= wanted && newest->input_fee_ppk == currency.input_fee_ppk &&
      newest->denominations == keysets.denominations && newest->version() == keysets.id_version) {
    newest->active = true;
    return;
  }
  KeysetRecord fresh;
  fresh.number = static_cast<std::uint32_t>(records.size() + 1);
  fresh.unit = currency.unit;
  fresh.position = newest == nullptr ? wanted : std::max(newest->position + 1, wanted);
  fresh.input_fee_ppk = currency.input_fee_ppk;
  fresh.denominations = keysets.denominations;
  records.push_back(std::move(fresh));
}

}  // namespace

Result<KeysetRing::Assembled> KeysetRing::assemble(const crypto::Secret<64>& seed,
                                                   std::vector<KeysetRecord> stored,
                                                   const Configuration& configuration) {
  const crypto::ExtendedKey master = crypto::ExtendedKey::master(seed.reveal());
  const std::size_t known = stored.size();
  std::ranges::sort(stored, {}, &KeysetRecord::number);
  for (KeysetRecord& record : stored) record.active = false;
  for (const CurrencyConfiguration& currency : configuration.currencies) {
    bring_forward(stored, currency, configuration.keysets);
  }
  TRY_STATUS(check_unit_indices(stored));

  std::shared_ptr<KeysetRing> ring(new KeysetRing(master.key.public_key()));
  ring->currencies_ = configuration.currencies;
  Assembled out;
  for (std::size_t i = 0; i < stored.size(); ++i) {
    if (stored[i].number != i + 1)
      return broken("the ledger lacks the record of keyset number " + std::to_string(i + 1));
    const int version = i < known ? stored[i].version() : configuration.keysets.id_version;
    const cashu::KeysetId expected = stored[i].id;
    auto keyset = std::make_unique<SigningKeyset>(SigningKeyset::derive(master, stored[i], version));
    if (i < known && keyset->id() != expected) {
      return invalid("the mnemonic is not this ledger's: its " + stored[i].unit + " keyset is " +
                     expected.hex() + ", the mnemonic gives " + keyset->id_hex() +
                     "; put the right mnemonic back");
    }
    if (!ring->by_id_.emplace(keyset->id(), keyset.get()).second) {
      return invalid("two keysets have the id " + keyset->id_hex() + ": raise keyset_index of " +
                     stored[i].unit);
    }
    out.records.push_back(keyset->record());
    ring->keysets_.push_back(std::move(keyset));
  }
  out.ring = std::move(ring);
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

}  // namespace manastr::mint
