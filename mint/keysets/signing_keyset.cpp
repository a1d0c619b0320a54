#include "mint/keysets/signing_keyset.h"

#include <bit>

namespace manastr::mint {
namespace {

cashu::Keys public_keys(const DenominationKeys& denominations) {
  cashu::Keys out;
  for (std::size_t i = 0; i < denominations.size(); ++i) {
    out.emplace(cashu::Amount{1} << i, denominations[i].key);
  }
  return out;
}

cashu::KeysetId id_of(const KeysetRecord& record, const DenominationKeys& denominations, int version) {
  const cashu::Keys keys = public_keys(denominations);
  return version == 1
             ? cashu::derive_keyset_id_v1(keys)
             : cashu::derive_keyset_id_v2(keys, record.unit, record.input_fee_ppk, record.final_expiry);
}

}  // namespace

SigningKeyset::SigningKeyset(KeysetRecord record, std::shared_ptr<const DenominationKeys> keys)
    : record_(std::move(record)), id_hex_(record_.id.hex()), keys_(std::move(keys)) {}

SigningKeyset::SigningKeyset(KeysetRecord record, DenominationKeys keys, int version)
    : record_(std::move(record)), keys_(std::make_shared<const DenominationKeys>(std::move(keys))) {
  record_.id = id_of(record_, *keys_, version);
  id_hex_ = record_.id.hex();
}

SigningKeyset SigningKeyset::in_state_of(const KeysetRecord& record) const { return {record, keys_}; }

const SigningKeyset::Denomination* SigningKeyset::denomination(cashu::Amount amount) const {
  if (!std::has_single_bit(amount)) return nullptr;
  const auto exponent = static_cast<std::size_t>(std::countr_zero(amount));
  return exponent < keys_->size() ? &(*keys_)[exponent] : nullptr;
}

cashu::Keyset SigningKeyset::published(UnixSeconds now) const {
  cashu::Keyset out;
  out.id = record_.id;
  out.unit = record_.unit;
  out.active = offered(now);
  out.input_fee_ppk = record_.input_fee_ppk;
  out.final_expiry = record_.final_expiry;
  out.keys = public_keys(*keys_);
  return out;
}

}  // namespace manastr::mint
