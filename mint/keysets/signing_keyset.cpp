#include "mint/keysets/signing_keyset.h"

#include <bit>

#include "common/crypto/hash.h"

namespace manastr::mint {
namespace {

constexpr std::uint32_t kPurpose = 129372;

cashu::Keys public_keys(const std::vector<SigningKeyset::Denomination>& denominations) {
  cashu::Keys out;
  for (std::size_t i = 0; i < denominations.size(); ++i) {
    out.emplace(cashu::Amount{1} << i, denominations[i].key);
  }
  return out;
}

}  // namespace

std::uint32_t unit_index(std::string_view unit) {
  std::string upper(unit);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  const Hash32 hash = crypto::sha256(as_bytes(upper));
  const std::uint32_t word = static_cast<std::uint32_t>(hash[0]) << 24 |
                             static_cast<std::uint32_t>(hash[1]) << 16 |
                             static_cast<std::uint32_t>(hash[2]) << 8 | hash[3];
  return word & ~crypto::kHardened;
}

SigningKeyset::SigningKeyset(KeysetRecord record, std::vector<Denomination> denominations)
    : record_(std::move(record)), denominations_(std::move(denominations)) {}

SigningKeyset SigningKeyset::derive(const crypto::ExtendedKey& master, KeysetRecord record, int version) {
  const crypto::ExtendedKey branch = master.child(kPurpose | crypto::kHardened)
                                         .child(unit_index(record.unit) | crypto::kHardened)
                                         .child(record.position | crypto::kHardened);
  std::vector<Denomination> denominations;
  denominations.reserve(record.denominations);
  for (std::uint32_t i = 0; i < record.denominations; ++i) {
    crypto::ExtendedKey leaf = branch.child(i | crypto::kHardened);
    crypto::PublicKey key = leaf.key.public_key();
    denominations.push_back({std::move(leaf.key), key});
  }
  SigningKeyset out(std::move(record), std::move(denominations));
  const cashu::Keys keys = public_keys(out.denominations_);
  out.record_.id = version == 1
                       ? cashu::derive_keyset_id_v1(keys)
                       : cashu::derive_keyset_id_v2(keys, out.record_.unit, out.record_.input_fee_ppk,
                                                    out.record_.final_expiry);
  out.id_hex_ = out.record_.id.hex();
  return out;
}

const SigningKeyset::Denomination* SigningKeyset::denomination(cashu::Amount amount) const {
  if (!std::has_single_bit(amount)) return nullptr;
  const auto exponent = static_cast<std::size_t>(std::countr_zero(amount));
  return exponent < denominations_.size() ? &denominations_[exponent] : nullptr;
}

cashu::Keyset SigningKeyset::published() const {
  cashu::Keyset out;
  out.id = record_.id;
  out.unit = record_.unit;
  out.active = record_.active;
  out.input_fee_ppk = record_.input_fee_ppk;
  out.final_expiry = record_.final_expiry;
  out.keys = public_keys(denominations_);
  return out;
}

}  // namespace manastr::mint
