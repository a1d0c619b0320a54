// Queries of the PostgreSQL ledger, over a pool of connections, from any thread. They see what is committed,
// by whichever mint.
#pragma once
#include <memory>

#include "common/postgres/pool.h"
#include "mint/ledger/ledger.h"
#include "mint/ledger/postgres/batch_plan.h"
#include "mint/ledger/seen_filter.h"

namespace manastr::mint {

class PostgresReads {
 public:
  PostgresReads(postgres::Address address, std::size_t connections)
      : pool_(std::move(address), connections) {}

  Result<std::vector<ProofState>> proof_states(std::span<const PointBytes> ys);
  Result<std::vector<std::optional<StoredSignature>>> signatures(std::span<const PointBytes> bs_blinded);
  Result<std::optional<MintQuote>> mint_quote(std::string_view id);
  Result<std::optional<MintQuote>> mint_quote_of(const Hash32& node_key);
  Result<std::optional<MeltQuote>> melt_quote(std::string_view id);
  Result<std::vector<MintQuote>> payable_mint_quotes(UnixSeconds since);
  /// Takes over what is under way at `holder.node` and whose holder has let the lease run out. `own_too`: and
  /// what is this replica's, however old the lease: at the start alone, for later it may be about to be sent.
  Result<std::vector<MeltQuote>> claim_melts(const Holder& holder, bool own_too);
  Result<std::vector<BlankOutput>> blank_outputs(std::string_view melt_quote);
  Result<std::optional<StoredOperation>> operation(const Hash32& key);
  Result<std::optional<StoredVerdict>> verdict(const match::MatchId& match);
  Result<std::vector<KeysetRecord>> keysets();
  /// Whether a payment under way holds proofs or blank outputs of it.
  Result<bool> has_pending(std::uint32_t keyset);
  /// Its breakage is booked.
  Result<bool> is_forgotten(std::uint32_t keyset);
  Result<std::optional<SpentToken>> spent_token(const PointBytes& y);
  Result<std::vector<std::optional<StoredSignature>>> token_signatures(
      std::span<const PointBytes> bs_blinded);

  postgres::Pool& pool() { return pool_; }

 private:
  Result<std::vector<std::optional<StoredSignature>>> signatures_of(const postgres::Statement& statement,
                                                                    std::span<const PointBytes> bs_blinded);
  postgres::Pool pool_;
};

/// Makes a success of a refusal whose very request is in the ledger already: another mint was faster. (Batch
/// does so for swaps.)
Status recognize(Ledger& ledger, Job& refused);

}  // namespace manastr::mint
