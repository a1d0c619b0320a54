// The ledger's transactions as values: each is done whole or not at all. Made by the pipeline and the quotes
// after everything that can be checked without the ledger has been; what only the ledger knows (spent,
// signed, paid) it checks itself.
#pragma once
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "common/base/error.h"
#include "mint/ledger/records.h"

namespace manastr::mint {

struct Spend {
  PointBytes y{};
  std::uint32_t keyset = 0;
  cashu::Amount amount = 0;
  std::string witness;  ///< kept where NUT-07 must return it: conditions; else ""
};
struct Issue {
  PointBytes b_blinded{};
  std::uint32_t keyset = 0;
  cashu::Amount amount = 0;
  PointBytes c_blinded{};
  crypto::Dleq dleq;
};

/// A blind authentication token (NUT-22) that is spent with a write, or not at all: 31002 if it was spent
/// before, but for the same request.
struct TokenSpend {
  PointBytes y{};
  std::uint32_t keyset = 0;  ///< KeysetRecord::number, of unit `auth`
  std::optional<Hash32>
      request;  ///< fingerprint of a request that may be repeated; nullopt: good for one alone
};

/// NUT-03. 11001 or 11002 for the inputs, 11003 or 11004 for the outputs.
struct SwapWrite {
  Hash32 operation{};
  std::vector<Spend> spends;
  std::vector<Issue> issues;
  std::optional<TokenSpend> token = std::nullopt;
};
struct NewMintQuote {
  MintQuote quote;
  std::optional<TokenSpend> token = std::nullopt;
};
/// A payment came in for a mint quote. Credits it at the price in force: received / price, of an invoice no
/// more than its amount. The same payment again, or one for a quote that isn't there: does nothing.
struct PaymentReceived {
  std::string quote;
  Hash32 payment_hash{};
  Msat received = 0;
  UnixSeconds at{};
};
/// NUT-04, and NUT-29 of several quotes of one unit: all or none. 20001 nothing paid, 20002 all issued, 11005
/// more than is left, 11003/11004.
struct MintWrite {
  Hash32 operation{};
  struct Part {
    std::string quote;
    cashu::Amount amount = 0;  ///< issued of it
  };
  std::vector<Part> parts;  ///< each quote once; together the sum of the issues
  std::vector<Issue> issues;
  UnixSeconds at{};
  std::optional<TokenSpend> token = std::nullopt;
};
struct NewMeltQuote {
  MeltQuote quote;
  std::optional<TokenSpend> token = std::nullopt;
};
/// NUT-05, the journal before paying: locks inputs and blank outputs. 20005 or 20006 if this quote or another
/// one of the same node_key is under way or paid.
struct BeginMelt {
  Hash32 operation{};
  std::string quote;
  std::vector<Spend> spends;
  std::vector<BlankOutput> blanks;
  cashu::Amount input_fee = 0;
  /// Free again if the melt fails before UseToken has spent it for good.
  std::optional<TokenSpend> token = std::nullopt;
  std::uint64_t attempt = 0;  ///< a name for this try among all of the quote; below 2^63
};
/// The payment left: inputs are spent, the first of the blanks signed, the others free again.
struct FinishMelt {
  std::string quote;
  std::optional<Hash32> preimage;
  Msat paid = 0;  ///< invoice and fee
  std::vector<Issue> change;
};
/// The payment failed for good: inputs and blanks are free again. Does nothing if the quote is under way by
/// another attempt than this.
struct ReleaseMelt {
  std::string quote;
  std::uint64_t attempt = 0;
};
/// A NIP-98 event id, used up until then, that second included. Refused (401) if it is used.
struct UseAuthorization {
  Hash32 event{};
  UnixSeconds now{};
  UnixSeconds until{};
};
/// Burns proofs and credits the match with their value less the input fee.
struct BurnWrite {
  Hash32 key{};  ///< the caller's operation id
  Hash32 operation{};
  match::MatchId match{};
  std::vector<Spend> spends;
  cashu::Amount burned = 0;  ///< less the input fee
  std::uint64_t price_msat = 0;
};
/// Issues against the match's credit. 16003 if it is too small.
struct CreditedIssue {
  Hash32 key{};
  Hash32 operation{};
  match::MatchId match{};
  std::vector<Issue> issues;
  Wide cost_msat = 0;
};
struct SettleGroup {
  Hash32 operation{};
  std::vector<Spend> spends;
  std::vector<Issue> issues;
};
/// All groups of one claimant and the evidence. A group that was executed with these very outputs counts as
/// done; a claim is kept if it settles a group, or came with the verdict.
struct SettleWrite {
  match::MatchId match{};
  nostr::EventId verdict_id{};
  nostr::EventId claim_id{};
  std::string announcement;
  std::string verdict;
  std::string claim;
  std::vector<SettleGroup> groups;
};

/// Nothing is left of a pruned keyset: what was issued of it and never redeemed is owed to nobody any more.
/// Again: does nothing.
struct BookExpired {
  std::uint32_t keyset = 0;
};
/// A blind token spent for a request that writes nothing else, or has written it already.
struct UseToken {
  TokenSpend token;
};
/// NUT-22: blind tokens for someone whom a clear one names. 11003 if one was signed before, 31004 beyond the
/// subject's limit.
struct IssueTokens {
  Hash32 operation{};
  std::vector<Issue> issues;  ///< each once
  Hash32 subject{};           ///< who, as a keyed hash
  std::int64_t hour = 0;      ///< since 1970
  std::uint64_t most = 0;     ///< of one subject in an hour, at least this many; 0: no limit
};

/// What another mint had done before its business was taken over (an import): the proofs that it has spent,
/// the signatures that it has given, and the money that this leaves. The one write that need not conserve by
/// itself: it states the opening balance.
struct TakeOver {
  Hash32 operation{};  ///< with money, once
  std::vector<Spend> spends;
  std::vector<Issue> issues;
  Wide received_msat = 0;  ///< less than 0 takes an earlier statement back
  Wide paid_out_msat = 0;
  /// Pending here, and begun there: only the operator ends them.
  std::vector<std::string> foreign_melts;
};

using Write = std::variant<SwapWrite, NewMintQuote, PaymentReceived, MintWrite, NewMeltQuote, BeginMelt,
                           FinishMelt, ReleaseMelt, UseAuthorization, BurnWrite, CreditedIssue, SettleWrite,
                           BookExpired, UseToken, IssueTokens, TakeOver>;

/// Ends what has begun outside: written also while the books don't add up.
inline bool ends_payment(const Write& write) {
  return std::holds_alternative<FinishMelt>(write) || std::holds_alternative<ReleaseMelt>(write) ||
         std::holds_alternative<PaymentReceived>(write);
}

/// What the caller may want to know of a write that was done.
struct Written {
  std::uint64_t credit_msat = 0;  ///< of the match, after a burn or an issue against it
  /// The very request was in the ledger before, by another mint: nothing was added, no token spent.
  bool repeated = false;
};
std::unexpected<Error> refused_token();        ///< 31002
std::unexpected<Error> refused_more_tokens();  ///< 31004

using WriteDone = std::move_only_function<void(Result<Written>)>;

}  // namespace manastr::mint
