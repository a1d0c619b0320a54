// One keyset of the mint with its private keys: what the crypto workers verify and sign with. Immutable after
// it is made, so that every worker reads it without a lock. Private keys are wiped when it ends.
#pragma once
#include <vector>

#include "common/cashu/types.h"
#include "common/crypto/bip39.h"
#include "mint/configuration/configuration.h"

namespace manastr::mint {

/// A keyset as the ledger remembers it: all that the mnemonic does not say.
struct KeysetRecord {
  std::uint32_t number = 0;  ///< the ledger's own short name of it, from 1
  cashu::KeysetId id;
  cashu::Unit unit;
  std::uint32_t position = 1;  ///< idx of the derivation path
  std::uint64_t input_fee_ppk = 0;
  std::uint32_t denominations = 32;  ///< 2^0 .. 2^(n-1)
  bool active = true;
  std::optional<UnixSeconds> final_expiry;
  int version() const { return id.bytes().size() == 8 ? 1 : 2; }
};

class SigningKeyset {
 public:
  struct Denomination {
    crypto::SecretKey secret;
    crypto::PublicKey key;
  };

  /// Path m/129372'/U'/position'/i' (cdk's), U = the first four bytes of SHA-256 of the upper-case unit
  /// without the top bit, i = exponent of the amount. `record.id` is ignored: id() is what NUT-02 derives.
  static SigningKeyset derive(const crypto::ExtendedKey& master, KeysetRecord record, int version);

  const cashu::KeysetId& id() const { return record_.id; }
  const std::string& id_hex() const { return id_hex_; }
  const cashu::Unit& unit() const { return record_.unit; }
  const KeysetRecord& record() const { return record_; }
  std::uint32_t number() const { return record_.number; }
  std::uint64_t input_fee_ppk() const { return record_.input_fee_ppk; }
  bool active() const { return record_.active; }
  bool expired(UnixSeconds now) const { return record_.final_expiry && *record_.final_expiry <= now; }
  /// nullptr if `amount` is no key of this keyset.
  const Denomination* denomination(cashu::Amount amount) const;
  const std::vector<Denomination>& denominations() const { return denominations_; }
  cashu::Keyset published() const;

 private:
  friend class KeysetRing;
  SigningKeyset(KeysetRecord record, std::vector<Denomination> denominations);
  KeysetRecord record_;
  std::string id_hex_;
  std::vector<Denomination> denominations_;
};

/// U of the path above.
std::uint32_t unit_index(std::string_view unit);

}  // namespace manastr::mint
