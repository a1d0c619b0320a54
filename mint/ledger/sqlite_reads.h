// Queries of the SQLite ledger, and the connections for them: any thread borrows one, they see committed
// writes alone.
#pragma once
#include <memory>
#include <mutex>

#include "common/storage/database.h"
#include "mint/ledger/ledger.h"
#include "mint/ledger/point_index.h"

namespace manastr::mint {

class SqliteReads {
 public:
  SqliteReads(storage::OpenOptions options, std::string file, const PointIndex& proofs,
              const PointIndex& outputs);

  Result<std::vector<ProofState>> proof_states(std::span<const PointBytes> ys);
  Result<std::vector<std::optional<StoredSignature>>> signatures(std::span<const PointBytes> bs_blinded);
  Result<std::optional<MintQuote>> mint_quote(std::string_view id);
  Result<std::optional<MintQuote>> mint_quote_of(const Hash32& node_key);
  Result<std::optional<MeltQuote>> melt_quote(std::string_view id);
  Result<std::vector<MintQuote>> payable_mint_quotes(UnixSeconds since);
  Result<std::vector<MeltQuote>> pending_melts();
  Result<std::vector<BlankOutput>> blank_outputs(std::string_view melt_quote);
  Result<std::optional<StoredOperation>> operation(const Hash32& key);
  Result<std::optional<StoredVerdict>> verdict(const match::MatchId& match);
  Result<std::vector<KeysetRecord>> keysets();
  Result<std::vector<UnitRecord>> units();
  Result<std::vector<AuditLine>> audit(std::uint64_t before, std::size_t limit);
  Result<std::optional<SpentToken>> spent_token(const PointBytes& y);
  Result<std::vector<std::optional<StoredSignature>>> token_signatures(
      std::span<const PointBytes> bs_blinded);

 private:
  class Borrowed;
  Result<Borrowed> borrow();
  const storage::OpenOptions options_;
  const std::string file_;
  const PointIndex* proofs_;
  const PointIndex* outputs_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<storage::Database>> idle_;
};

}  // namespace manastr::mint
