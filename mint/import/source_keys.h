// The keys of another mint's keysets, made again from its seed and held against their ids, and the records
// that our ledger gets of them.
#pragma once
#include "mint/import/source_mint.h"
#include "mint/keysets/foreign_keys.h"

namespace manastr::mint {

/// Where the seed given for an import belongs.
struct SourceSeed {
  crypto::SecretText text;
  bool is_mnemonic = false;  ///< ours from now on; else kept as the imported seed
};

class SourceKeys {
 public:
  struct Keyset {
    KeysetRecord record;
    DenominationKeys keys;
    Wide price = 0;
  };
  /// An error that names the first keyset whose id the seed does not give, or that can't be taken over.
  static Result<SourceKeys> match(const std::vector<SourceKeyset>& keysets, const SourceSeed& seed,
                                  const Derivations& derivations, UnixSeconds now);

  /// By the id as the source writes it. nullptr: none such.
  const Keyset* find(const std::string& id) const;
  Keyset* by_number(std::uint32_t number) { return &keysets_[number - 1]; }
  const std::vector<Keyset>& all() const { return keysets_; }
  std::vector<Keyset>& all() { return keysets_; }

 private:
  std::vector<Keyset> keysets_;               // by number, from 1
  std::map<std::string, std::size_t> by_id_;  // also those of the same keys under an older id
};

}  // namespace manastr::mint
