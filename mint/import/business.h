// One import under way: the stages in which another mint's business gets into a ledger, and what is counted
// on the way. Used by import.cpp alone.
#pragma once
#include <set>

#include "mint/import/import.h"
#include "mint/import/loader.h"
#include "mint/import/verify.h"

namespace manastr::mint {

class Business {
 public:
  Business(SourceMint& source, SourceKeys& keys, Ledger& ledger, const Clock& clock);

  /// In this order.
  Status take_signatures();
  Status take_mint_quotes();
  Status take_melts();
  Status take_spent_proofs();
  /// Held against the source's own sums and the ledger's. Then the opening entry: what is there is what is
  /// owed from now on.
  Status close(bool cover_shortfall);

  ImportReport report;

 private:
  struct Melt {
    SourceMeltQuote quote;
    std::vector<CheckedProof> inputs;
    std::vector<CheckedSignature> change;
    std::vector<std::pair<std::int64_t, BlankOutput>> blanks;
    bool pending = false;  ///< under way, as far as anybody knows
    bool begun() const { return pending || quote.state == SourceMeltQuote::State::paid; }
  };
  struct Sums {
    Wide issued = 0;
    Wide spent = 0;
    Wide pending = 0;
  };

  Status read_melts();
  Status add_signatures(std::vector<SourceSignature>& batch);
  Status add_proofs(std::vector<SourceProof>& batch);
  /// Those that a melt or nobody knows of; or the others.
  Status take_proofs(bool of_melts);
  Status add_orphan(const CheckedProof& proof);
  Status begin_melts(const std::vector<Melt*>& melts);
  Status check_sums();
  Wide price_of(const std::string& unit) const;
  Result<cashu::Amount> fee_of(const std::vector<CheckedProof>& inputs) const;

  SourceMint* source_;
  SourceKeys* keys_;
  Ledger* ledger_;
  const UnixSeconds now_;
  Loader loader_;
  std::map<std::string, Melt> melts_;
  std::map<std::uint32_t, Sums> sums_;  // by keyset
  Wide float_ = 0;                      // stated at first, taken back at the end
  std::size_t signatures_ = 0, unsigned_outputs_ = 0, proofs_ = 0, older_ = 0, by_y_alone_ = 0, orphans_ = 0;
};

}  // namespace manastr::mint
