// One keyset of the mint with its private keys: what the crypto workers verify and sign with. Immutable after
// it is made, so that every worker reads it without a lock. Private keys are wiped when the last keyset that
// shares them ends.
#pragma once
#include <memory>

#include "mint/keysets/derivation.h"

namespace manastr::mint {

class SigningKeyset {
 public:
  using Denomination = DenominationKey;

  /// `record.id` is ignored: id() is what NUT-02 derives from the keys, by `version`.
  SigningKeyset(KeysetRecord record, DenominationKeys keys, int version);
  /// The same keys in another state.
  SigningKeyset in_state_of(const KeysetRecord& record) const;

  const cashu::KeysetId& id() const { return record_.id; }
  const std::string& id_hex() const { return id_hex_; }
  const cashu::Unit& unit() const { return record_.unit; }
  const KeysetRecord& record() const { return record_; }
  std::uint32_t number() const { return record_.number; }
  std::uint64_t input_fee_ppk() const { return record_.input_fee_ppk; }
  bool is_money() const { return record_.is_money(); }
  /// The newest of its unit. Look at expired() too.
  bool active() const { return record_.state == KeysetState::signing; }
  /// NUT-02's `active`: what wallets are to ask signatures of.
  bool offered(UnixSeconds now) const { return active() && !expired(now); }
  /// Active, or in its overlap, and not held after a restore. Look at expired() too.
  bool signs(UnixSeconds now) const {
    if (record_.held) return false;
    return active() || (record_.state == KeysetState::overlap && now < record_.overlap_until);
  }
  /// Nothing is signed or taken any more (NUT-02). One that is pruned stays so whatever the clock says.
  bool expired(UnixSeconds now) const {
    return (record_.final_expiry && *record_.final_expiry <= now) || record_.state == KeysetState::pruned;
  }
  /// nullptr if `amount` is no key of this keyset.
  const Denomination* denomination(cashu::Amount amount) const;
  const DenominationKeys& denominations() const { return *keys_; }
  cashu::Keyset published(UnixSeconds now) const;

 private:
  SigningKeyset(KeysetRecord record, std::shared_ptr<const DenominationKeys> keys);
  KeysetRecord record_;
  std::string id_hex_;
  std::shared_ptr<const DenominationKeys> keys_;
};

}  // namespace manastr::mint
