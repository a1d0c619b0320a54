// All keysets of the mint as they stand at one moment, with the units. Immutable: a change makes another ring
// (keysets.h), which shares the keys with the former.
#pragma once
#include <map>
#include <memory>
#include <vector>

#include "common/base/error.h"
#include "mint/configuration/configuration.h"
#include "mint/keysets/signing_keyset.h"

namespace manastr::mint {

class KeysetRing {
 public:
  /// Of exactly these records, in any order. Keys that `former` has are shared, others derived; an id that
  /// comes out different from the record's means another mnemonic than the ledger's: an error in one line. A
  /// record without an id is fresh and gets that of `fresh_version`. Units that share a derivation index and
  /// keysets that share an id are refused.
  static Result<std::shared_ptr<const KeysetRing>> make(const Derivations& derivations,
                                                        std::vector<KeysetRecord> records,
                                                        std::vector<CurrencyConfiguration> currencies,
                                                        int fresh_version,
                                                        const KeysetRing* former = nullptr);

  struct Assembled;
  /// What a start makes of what the ledger has stored (keyset_plan.h), for tests and tools.
  static Result<Assembled> assemble(const Derivations& derivations, std::vector<KeysetRecord> stored,
                                    const Configuration& configuration, UnixSeconds now = {});
  /// Where all keys are the mint's own.
  static Result<Assembled> assemble(const crypto::Secret<64>& seed, std::vector<KeysetRecord> stored,
                                    const Configuration& configuration, UnixSeconds now = {});

  /// nullptr if there is none.
  const SigningKeyset* find(const cashu::KeysetId& id) const;
  const SigningKeyset* by_number(std::uint32_t number) const;
  const SigningKeyset* active(std::string_view unit) const;
  const CurrencyConfiguration* currency(std::string_view unit) const;
  /// Ascending by number.
  const std::vector<std::shared_ptr<const SigningKeyset>>& all() const { return keysets_; }
  std::vector<KeysetRecord> records() const;
  /// How many can't be used any more. Of one ring this number tells which ones.
  std::size_t expired(UnixSeconds now) const;
  const std::vector<CurrencyConfiguration>& currencies() const { return currencies_; }
  /// The key of the mint itself for NUT-06: the root of its tree.
  const crypto::PublicKey& mint_key() const { return mint_key_; }

 private:
  explicit KeysetRing(crypto::PublicKey mint_key) : mint_key_(mint_key) {}
  crypto::PublicKey mint_key_;
  std::vector<std::shared_ptr<const SigningKeyset>> keysets_;  // ascending by number, which counts from 1
  std::map<cashu::KeysetId, const SigningKeyset*> by_id_;
  std::vector<CurrencyConfiguration> currencies_;
};

struct KeysetRing::Assembled {
  std::shared_ptr<const KeysetRing> ring;
  /// What the ledger has to remember now, all of it: states may differ from what was stored.
  std::vector<KeysetRecord> records;
};

}  // namespace manastr::mint
