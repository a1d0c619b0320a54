// Applies one Write after the other to an open transaction of the SQLite ledger. Used by its committing
// thread alone.
#pragma once
#include "common/storage/database.h"
#include "mint/ledger/books.h"
#include "mint/ledger/point_index.h"
#include "mint/ledger/writes.h"

namespace manastr::mint {

class SqliteWrites {
 public:
  SqliteWrites(storage::Database& database, Books& books, PointIndex& proofs, PointIndex& outputs)
      : database_(&database), books_(&books), proofs_(&proofs), outputs_(&outputs) {}

  /// An error leaves the transaction and the books in an undefined state: the caller rolls both back. Asserts
  /// solvency, and that of no keyset more is redeemed than was issued.
  Result<Written> apply(const Write& write);
  /// After a refusal: "" or why it means that nothing must be issued any more.
  const std::string& violation() const { return violation_; }
  /// The difference to `before` into the rows of the journal's entry `entry`.
  Status store_totals(const Sums& before, std::int64_t entry);

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
  Status claim(const MintWrite::Part& part, UnixSeconds at);
  Status lock(const std::vector<Spend>& spends, std::int64_t melt);
  Status check_caps(const std::vector<Issue>& issues) const;
  Status issue(const std::vector<Issue>& issues, const Hash32& operation);
  Status reserve(const BlankOutput& blank, std::int64_t melt, std::size_t position);
  Status must_not_be_pruned(std::uint32_t keyset) const;
  /// `melt`: the quote with which it goes free again, or "".
  Status use(const std::optional<TokenSpend>& token, std::string_view melt = "");
  Status must_be_new_proof(const PointBytes& y);
  Status must_be_new_output(const PointBytes& b_blinded);
  Result<std::uint64_t> credit(const match::MatchId& match);
  Status use_key(const Hash32& key, const Hash32& operation, std::uint64_t credit_msat);
  /// What a melt under way holds, by keyset.
  Result<std::vector<std::pair<std::uint32_t, Wide>>> held(std::int64_t melt);
  Result<bool> group_done(const SettleGroup& group);

  storage::Database* database_;
  Books* books_;
  PointIndex* proofs_;
  PointIndex* outputs_;
  std::string violation_;
};

}  // namespace manastr::mint
