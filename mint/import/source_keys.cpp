#include "mint/import/source_keys.h"

#include "common/crypto/hash.h"

namespace manastr::mint {
namespace {

constexpr std::size_t kMostKeys = 64;

/// Ids before NUT-02's: base64 of a hash over the keys' hex.
std::string old_id(const DenominationKeys& keys) {
  std::string text;
  for (const DenominationKey& each : keys) text += each.key.hex();
  return to_base64(crypto::sha256(as_bytes(text))).substr(0, 12);
}

bool is_powers_of_two(const std::vector<std::uint64_t>& amounts) {
  for (std::size_t i = 0; i < amounts.size(); ++i) {
    if (amounts[i] != std::uint64_t{1} << i) return false;
  }
  return !amounts.empty() && amounts.size() <= kMostKeys;
}

std::string derivation_of(const SourceKeyset& keyset, const std::vector<std::uint32_t>& path,
                          const SourceSeed& seed) {
  constexpr std::uint32_t kPurpose = 129372;
  if (keyset.hashed) return std::string(kForeignHash) + ":" + keyset.path;
  if (!seed.is_mnemonic) return std::string(kForeignPath) + ":" + keyset.path;
  if (path.size() == 3 && path[0] == kPurpose && path[1] == unit_index(keyset.unit))
    return std::string(kOwnDerivation);
  return std::string(kOwnPath) + ":" + keyset.path;
}

}  // namespace

Result<SourceKeys> SourceKeys::match(const std::vector<SourceKeyset>& keysets, const SourceSeed& seed,
                                     const Derivations& derivations, UnixSeconds now) {
  SourceKeys out;
  std::vector<std::pair<std::string, crypto::PublicKey>> older;  // ids that name keys of another keyset
  for (const SourceKeyset& each : keysets) {
    const auto path = parse_hardened_path(each.path);
    if (!path || path->empty())
      return invalid("keyset " + each.id +
                     " has a derivation path that this program does not know: " + each.path);
    if (!is_powers_of_two(each.amounts))
      return invalid("keyset " + each.id +
                     " has keys for other amounts than 1, 2, 4, …: it can't be taken over");
    if (!cashu::is_unit(each.unit)) return invalid("keyset " + each.id + " has a unit that is none");
    Keyset keyset;
    KeysetRecord& record = keyset.record;
    record.unit = each.unit;
    record.position = path->back();
    record.input_fee_ppk = each.input_fee_ppk;
    record.denominations = static_cast<std::uint32_t>(each.amounts.size());
    if (each.final_expiry) record.final_expiry = unix_seconds(*each.final_expiry);
    record.derivation = derivation_of(each, *path, seed);
    record.created_at = now;
    // Fresh keysets are of our own derivation, and only such are succeeded by one.
    const bool goes_on = each.active && record.derivation == kOwnDerivation;
    record.state = goes_on ? KeysetState::signing : KeysetState::verifying;
    TRY(keyset.keys, derivations.keys(record));
    cashu::Keys keys;
    for (std::size_t i = 0; i < keyset.keys.size(); ++i)
      keys.emplace(cashu::Amount{1} << i, keyset.keys[i].key);
    if (each.id.size() == 12 && old_id(keyset.keys) == each.id) {
      older.emplace_back(each.id, keyset.keys.front().key);
      continue;
    }
    const auto id = cashu::KeysetId::from_hex(each.id);
    const bool fits =
        id && (*id == cashu::derive_keyset_id_v1(keys) ||
               *id == cashu::derive_keyset_id_v2(keys, each.unit, each.input_fee_ppk, record.final_expiry));
    if (!fits) {
      return invalid("the seed does not give the keys of keyset " + each.id + " (" + each.unit + ", path " +
                     each.path + "): give the seed that it was made with");
    }
    record.id = *id;
    record.number = static_cast<std::uint32_t>(out.keysets_.size() + 1);
    out.by_id_[each.id] = out.keysets_.size();
    out.keysets_.push_back(std::move(keyset));
  }
  for (const auto& [id, first_key] : older) {
    for (std::size_t i = 0; i < out.keysets_.size(); ++i) {
      if (out.keysets_[i].keys.front().key == first_key) out.by_id_[id] = i;
    }
    if (!out.by_id_.contains(id))
      return invalid("keyset " + id +
                     " has an id of before NUT-02 alone: let the other mint's own migrations run first");
  }
  if (out.keysets_.empty()) return invalid("the source has no keyset");
  return out;
}

const SourceKeys::Keyset* SourceKeys::find(const std::string& id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &keysets_[found->second];
}

}  // namespace manastr::mint
