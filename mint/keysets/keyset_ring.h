// All keysets of the mint, and the rules by which a start makes new ones (NUT-02). Made once at start from
// the mnemonic, the ledger's records and mint.toml; read by all threads after that.
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
  struct Assembled;
  /// Derives the stored keysets anew; an id that comes out different means another mnemonic than the
  /// ledger's: an error in one line. A unit whose fee, denominations, id version or `keyset_index` is another
  /// than its newest keyset's gets a fresh keyset, and the older ones become inactive: a fee never changes
  /// under an id. Units that share a derivation index and keysets that share an id are refused.
  static Result<Assembled> assemble(const crypto::Secret<64>& seed, std::vector<KeysetRecord> stored,
                                    const Configuration& configuration);

  /// nullptr if there is none.
  const SigningKeyset* find(const cashu::KeysetId& id) const;
  const SigningKeyset* by_number(std::uint32_t number) const;
  const SigningKeyset* active(std::string_view unit) const;
  const CurrencyConfiguration* currency(std::string_view unit) const;
  const std::vector<std::unique_ptr<SigningKeyset>>& all() const { return keysets_; }
  const std::vector<CurrencyConfiguration>& currencies() const { return currencies_; }
  /// The key of the mint itself for NUT-06: the root of its tree.
  const crypto::PublicKey& mint_key() const { return mint_key_; }

 private:
  explicit KeysetRing(crypto::PublicKey mint_key) : mint_key_(mint_key) {}
  crypto::PublicKey mint_key_;
  std::vector<std::unique_ptr<SigningKeyset>> keysets_;  // ascending by number, which counts from 1
  std::map<cashu::KeysetId, const SigningKeyset*> by_id_;
  std::vector<CurrencyConfiguration> currencies_;
};

struct KeysetRing::Assembled {
  std::shared_ptr<const KeysetRing> ring;
  /// What the ledger has to remember now, all of it: `active` may differ from what was stored.
  std::vector<KeysetRecord> records;
};

}  // namespace manastr::mint
