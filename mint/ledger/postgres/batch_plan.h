// One write of a batch: which rows to lock and read for it, and, these at hand, what it adds and changes, or
// why it is refused. No I/O but queueing.
#pragma once
#include <optional>
#include <unordered_set>

#include "common/postgres/connection.h"
#include "mint/ledger/accounts.h"
#include "mint/ledger/writes.h"

namespace manastr::mint {

/// A write on its way.
struct Job {
  Write write;
  WriteDone done;
  std::optional<Result<Written>> outcome;
  unsigned deferrals = 0;
};

/// Which replica of the mint this is, and whose Lightning node it pays through.
struct Holder {
  std::string replica;
  std::string node;
  /// Of this process. Who takes the replica's name later fences it off: it commits nothing any more.
  ByteArray<16> incarnation{};
};

/// What a write touches, as hashes: two writes of one batch have none in common (a collision makes one wait).
using Footprint = std::unordered_set<std::uint64_t>;
/// False, and `taken` unchanged, if `write` must wait for the next batch.
bool claim_footprint(const Write& write, Footprint& taken);

std::unexpected<Error> refused_proof(bool locked);
std::unexpected<Error> refused_output(bool reserved);

// Rows to come; they point into their job's write.
struct BatchProof {
  const Spend* spend;
  std::string_view melt;  ///< it locks it; "": spent
  const match::MatchId* match;
  Job* job;
};
struct BatchOutput {
  const PointBytes* b_blinded;
  std::uint32_t keyset;
  const Issue* issue;  ///< null: reserved for `melt`
  const Hash32* operation;
  std::string_view melt;
  std::size_t position;
  Job* job;
};
/// A statement that must touch one row.
struct BatchStep {
  const postgres::Statement* statement;
  postgres::Parameters parameters;
  std::optional<Error> on_miss;  ///< why the write is refused otherwise; nullopt: it waits for the next batch
  bool may_miss = false;
  Job* job = nullptr;
  std::string order;  ///< steps that two mints may take for the same rows go in this order; "" before all
};

class BatchPart {
 public:
  BatchPart(Job& job, const std::vector<postgres::Rows>& locked, Catalog& catalog, const Holder& holder)
      : job_(&job), locked_(&locked), catalog_(&catalog), holder_(&holder) {}

  /// Locks are taken in this order.
  static std::string lock_order(const Write& write);
  /// How many statements: their answers are `locked`.
  static std::size_t queue_locks(postgres::Connection& connection, const Write& write);

  /// Refused also if it alone would raise what the mint owes above what it has, whatever the totals are; but
  /// for PaymentReceived and FinishMelt, since the money has come or left.
  Result<Written> plan();
  std::vector<BatchProof> proofs;
  std::vector<BatchOutput> outputs;
  std::vector<BatchStep> steps;
  Tally tally;
  /// Of the tally's gap, what a quote of another price takes: set aside when the prices changed.
  Wide promised = 0;

 private:
  Result<Written> operator()(const SwapWrite& write);
  Result<Written> operator()(const NewMintQuote& write);
  Result<Written> operator()(const PaymentReceived& write);
  Result<Written> operator()(const MintWrite& write);
  Result<Written> operator()(const NewMeltQuote& write);
  Result<Written> operator()(const BeginMelt& write);
  Result<Written> operator()(const FinishMelt& write);
  Result<Written> operator()(const ReleaseMelt& write);
  Result<Written> operator()(const UseAuthorization& write);
  Result<Written> operator()(const BurnWrite& write);
  Result<Written> operator()(const CreditedIssue& write);
  Result<Written> operator()(const SettleWrite& write);
  Result<Written> operator()(const BookExpired& write);
  Result<Written> operator()(const UseToken& write);
  Result<Written> operator()(const IssueTokens& write);
  Result<Written> operator()(const TakeOver& write);

  Status spend(const std::vector<Spend>& spends, const match::MatchId* match);
  Status issue(const std::vector<Issue>& issues, const Hash32& operation);
  void use(const std::optional<TokenSpend>& token, std::string_view melt = "");
  void step(const postgres::Statement& statement, postgres::Parameters parameters,
            std::optional<Error> on_miss = std::nullopt);
  void side_step(const postgres::Statement& statement, postgres::Parameters parameters);
  const postgres::Rows& locked(std::size_t index) const { return (*locked_)[index]; }

  Job* job_;
  const std::vector<postgres::Rows>* locked_;
  Catalog* catalog_;
  const Holder* holder_;
};

}  // namespace manastr::mint
