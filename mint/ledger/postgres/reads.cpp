#include "mint/ledger/postgres/reads.h"

#include <algorithm>
#include <unordered_map>

#include "mint/ledger/postgres/keyset_rows.h"

namespace manastr::mint {
namespace {

using postgres::Array;
using postgres::Parameters;
using postgres::Rows;
using postgres::Statement;

constexpr Statement kProofStates{
    "proof_states", "SELECT y, state, witness, match FROM mint.proofs WHERE y = ANY($1::bytea[])"};
constexpr Statement kSignatures{
    "signatures",
    "SELECT b_, keyset, amount, c_, e, s, operation FROM mint.signatures WHERE b_ = ANY($1::bytea[])"};
constexpr Statement kChange{"change",
                            "SELECT b_, keyset, amount, c_, e, s, operation FROM mint.signatures WHERE melt "
                            "= $1::bytea ORDER BY position"};
#define MINT_QUOTE_COLUMNS                                                                         \
  "SELECT id, node_key, request, unit, amount, amount_paid, amount_issued, invoice_msat, pubkey, " \
  "created_at, expires_at, updated_at, method, received_msat FROM mint.mint_quotes "
#define MELT_QUOTE_COLUMNS                                                                            \
  "SELECT id, node_key, request, unit, amount, fee_reserve, invoice_msat, names_amount, price_msat, " \
  "state, created_at, expires_at, inputs, input_fee, preimage, operation, method, attempt FROM "      \
  "mint.melt_quotes "
constexpr Statement kMintQuote{"mint_quote", MINT_QUOTE_COLUMNS "WHERE id = $1::bytea"};
constexpr Statement kMintQuoteOf{"mint_quote_of", MINT_QUOTE_COLUMNS "WHERE node_key = $1::bytea"};
constexpr Statement kPayable{"payable_mint_quotes", MINT_QUOTE_COLUMNS
                             "WHERE (received_msat = 0 OR method = 1) AND expires_at >= $1::int8"};
constexpr Statement kMeltQuote{"melt_quote", MELT_QUOTE_COLUMNS "WHERE id = $1::bytea"};
constexpr Statement kClaimMelts{
    "claim_melts",
    "UPDATE mint.payments SET holder = $1::text, lease = now() + interval '60 seconds' WHERE state = 1 "
    "AND node = $2::text AND CASE WHEN holder = $1::text THEN $3::int8 <> 0 ELSE lease < now() END "
    "RETURNING quote"};
constexpr Statement kMelts{
    "melts", MELT_QUOTE_COLUMNS "WHERE id = ANY($1::bytea[]) AND state = 1 ORDER BY created_at, id"};
constexpr Statement kBlanks{
    "blanks",
    "SELECT b_, keyset FROM mint.signatures WHERE c_ IS NULL AND melt = $1::bytea ORDER BY position"};
constexpr Statement kOperation{"operation",
                               "SELECT operation, credit_msat FROM mint.operations WHERE key = $1::bytea"};
constexpr Statement kVerdict{"verdict",
                             "SELECT announcement, verdict FROM mint.verdicts WHERE match = $1::bytea"};
constexpr Statement kClaims{"claims",
                            "SELECT claim FROM mint.claims WHERE match = $1::bytea ORDER BY at, claim_id"};
constexpr Statement kHasPending{
    "has_pending",
    "SELECT EXISTS(SELECT FROM mint.proofs WHERE state = 0 AND keyset = $1::int8) OR EXISTS(SELECT FROM "
    "mint.payments p JOIN mint.signatures s ON s.melt = p.quote WHERE p.state = 1 AND s.keyset = $1::int8)"};
constexpr Statement kIsForgotten{"is_forgotten", "SELECT FROM mint.pruned WHERE keyset = $1::int8 AND done"};
constexpr Statement kSpentToken{"spent_token", "SELECT request FROM mint.auth_tokens WHERE y = $1::bytea"};
constexpr Statement kTokenSignatures{
    "token_signatures",
    "SELECT b_, keyset, 1::int8, c_, e, s, operation FROM mint.auth_signatures WHERE b_ = ANY($1::bytea[])"};

Array array_of(std::span<const PointBytes> points) {
  Array out(Array::Element::bytea, points.size());
  for (const PointBytes& point : points) out.add(ByteView(point));
  return out;
}

std::string text(const Rows& rows, std::size_t row, int column) {
  return std::string(rows.text(row, column));
}

Result<MintQuote> mint_quote_in(const Rows& rows, std::size_t row) {
  MintQuote out;
  out.id = text(rows, row, 0);
  TRY(out.node_key, rows.array<32>(row, 1));
  out.request = text(rows, row, 2);
  out.unit = text(rows, row, 3);
  out.amount = rows.unsigned_integer(row, 4);
  out.amount_paid = rows.unsigned_integer(row, 5);
  out.amount_issued = rows.unsigned_integer(row, 6);
  out.invoice_msat = rows.unsigned_integer(row, 7);
  if (!rows.is_null(row, 8)) {
    TRY(const auto key, rows.array<33>(row, 8));
    out.pubkey = crypto::PublicKey::parse(key);
  }
  out.created_at = unix_seconds(rows.integer(row, 9));
  out.expires_at = unix_seconds(rows.integer(row, 10));
  out.updated_at = unix_seconds(rows.integer(row, 11));
  out.method = static_cast<Method>(rows.integer(row, 12));
  out.received_msat = rows.unsigned_integer(row, 13);
  return out;
}

Result<MeltQuote> melt_quote_in(const Rows& rows, std::size_t row) {
  MeltQuote out;
  out.id = text(rows, row, 0);
  TRY(out.node_key, rows.array<32>(row, 1));
  out.request = text(rows, row, 2);
  out.unit = text(rows, row, 3);
  out.amount = rows.unsigned_integer(row, 4);
  out.fee_reserve = rows.unsigned_integer(row, 5);
  out.invoice_msat = rows.unsigned_integer(row, 6);
  out.names_amount = rows.integer(row, 7) != 0;
  out.price_msat = rows.unsigned_integer(row, 8);
  out.state = static_cast<MeltQuote::State>(rows.integer(row, 9));
  out.created_at = unix_seconds(rows.integer(row, 10));
  out.expires_at = unix_seconds(rows.integer(row, 11));
  out.inputs = rows.unsigned_integer(row, 12);
  out.input_fee = rows.unsigned_integer(row, 13);
  if (!rows.is_null(row, 14)) {
    TRY(out.preimage, rows.array<32>(row, 14));
  }
  if (!rows.is_null(row, 15)) {
    TRY(out.operation, rows.array<32>(row, 15));
  }
  out.method = static_cast<Method>(rows.integer(row, 16));
  out.attempt = rows.unsigned_integer(row, 17);
  return out;
}

/// Columns b_, keyset, amount, c_, e, s, operation.
Result<StoredSignature> signature_of(const Rows& rows, std::size_t row) {
  StoredSignature out;
  out.keyset = static_cast<std::uint32_t>(rows.integer(row, 1));
  out.amount = rows.unsigned_integer(row, 2);
  out.pending = rows.is_null(row, 3);
  if (out.pending) return out;
  TRY(out.c_blinded, rows.array<33>(row, 3));
  TRY(out.dleq.e, rows.array<32>(row, 4));
  TRY(out.dleq.s, rows.array<32>(row, 5));
  TRY(out.operation, rows.array<32>(row, 6));
  return out;
}

/// Which of `points` each row is about, by its first column.
std::unordered_map<std::string_view, std::size_t> index_of(const Rows& rows) {
  std::unordered_map<std::string_view, std::size_t> out;
  for (std::size_t i = 0; i < rows.size(); ++i) out.emplace(rows.text(i, 0), i);
  return out;
}

}  // namespace

Result<std::vector<ProofState>> PostgresReads::proof_states(std::span<const PointBytes> ys) {
  std::vector<ProofState> out(ys.size());
  if (ys.empty()) return out;
  TRY(const Rows rows, pool_.read(kProofStates, Parameters().add(array_of(ys))));
  const auto at = index_of(rows);
  for (std::size_t i = 0; i < ys.size(); ++i) {
    const auto found = at.find(as_text(ys[i]));
    if (found == at.end()) continue;
    const std::size_t row = found->second;
    out[i].state = rows.integer(row, 1) == 0 ? ProofState::State::pending : ProofState::State::spent;
    if (out[i].state == ProofState::State::spent) out[i].witness = text(rows, row, 2);
    if (!rows.is_null(row, 3)) {
      TRY(out[i].match, rows.array<32>(row, 3));
    }
  }
  return out;
}

Result<std::vector<std::optional<StoredSignature>>> PostgresReads::signatures_of(
    const Statement& statement, std::span<const PointBytes> bs_blinded) {
  std::vector<std::optional<StoredSignature>> out(bs_blinded.size());
  if (bs_blinded.empty()) return out;
  TRY(const Rows rows, pool_.read(statement, Parameters().add(array_of(bs_blinded))));
  const auto at = index_of(rows);
  for (std::size_t i = 0; i < bs_blinded.size(); ++i) {
    const auto found = at.find(as_text(bs_blinded[i]));
    if (found == at.end()) continue;
    TRY(out[i], signature_of(rows, found->second));
  }
  return out;
}

Result<std::vector<std::optional<StoredSignature>>> PostgresReads::signatures(
    std::span<const PointBytes> bs_blinded) {
  return signatures_of(kSignatures, bs_blinded);
}

Result<std::vector<std::optional<StoredSignature>>> PostgresReads::token_signatures(
    std::span<const PointBytes> bs_blinded) {
  return signatures_of(kTokenSignatures, bs_blinded);
}

Result<std::optional<SpentToken>> PostgresReads::spent_token(const PointBytes& y) {
  TRY(const Rows rows, pool_.read(kSpentToken, Parameters().add(y)));
  if (rows.size() == 0) return std::nullopt;
  SpentToken out;
  if (!rows.is_null(0, 0)) {
    TRY(out.request, rows.array<32>(0, 0));
  }
  return out;
}

Result<std::optional<MintQuote>> PostgresReads::mint_quote(std::string_view id) {
  TRY(const Rows rows, pool_.read(kMintQuote, Parameters().add(id)));
  if (rows.size() == 0) return std::nullopt;
  return mint_quote_in(rows, 0);
}

Result<std::optional<MintQuote>> PostgresReads::mint_quote_of(const Hash32& node_key) {
  TRY(const Rows rows, pool_.read(kMintQuoteOf, Parameters().add(node_key)));
  if (rows.size() == 0) return std::nullopt;
  return mint_quote_in(rows, 0);
}

Result<std::optional<MeltQuote>> PostgresReads::melt_quote(std::string_view id) {
  TRY(const Rows rows, pool_.read(kMeltQuote, Parameters().add(id)));
  if (rows.size() == 0) return std::nullopt;
  TRY(MeltQuote out, melt_quote_in(rows, 0));
  if (out.state != MeltQuote::State::paid) return out;
  TRY(const Rows change, pool_.read(kChange, Parameters().add(id)));
  for (std::size_t i = 0; i < change.size(); ++i) {
    TRY(const StoredSignature signature, signature_of(change, i));
    out.change.push_back(signature);
  }
  return out;
}

Result<std::vector<MintQuote>> PostgresReads::payable_mint_quotes(UnixSeconds since) {
  TRY(const Rows rows, pool_.read(kPayable, Parameters().add(count(since))));
  std::vector<MintQuote> out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    TRY(MintQuote quote, mint_quote_in(rows, i));
    out.push_back(std::move(quote));
  }
  return out;
}

Result<std::vector<MeltQuote>> PostgresReads::claim_melts(const Holder& holder, bool own_too) {
  TRY(const Rows claimed,
      pool_.read(kClaimMelts, Parameters().add(holder.replica).add(holder.node).add(std::int64_t{own_too})));
  std::vector<MeltQuote> out;
  if (claimed.size() == 0) return out;
  Array ids(Array::Element::bytea, claimed.size());
  for (std::size_t i = 0; i < claimed.size(); ++i) ids.add(claimed.blob(i, 0));
  TRY(const Rows rows, pool_.read(kMelts, Parameters().add(ids)));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    TRY(MeltQuote quote, melt_quote_in(rows, i));
    out.push_back(std::move(quote));
  }
  return out;
}

Result<std::vector<BlankOutput>> PostgresReads::blank_outputs(std::string_view melt_quote) {
  TRY(const Rows rows, pool_.read(kBlanks, Parameters().add(melt_quote)));
  std::vector<BlankOutput> out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    TRY(const PointBytes b_blinded, rows.array<33>(i, 0));
    out.push_back({b_blinded, static_cast<std::uint32_t>(rows.integer(i, 1))});
  }
  return out;
}

Result<std::optional<StoredOperation>> PostgresReads::operation(const Hash32& key) {
  TRY(const Rows rows, pool_.read(kOperation, Parameters().add(key)));
  if (rows.size() == 0) return std::nullopt;
  TRY(const Hash32 operation, rows.array<32>(0, 0));
  return StoredOperation{operation, rows.unsigned_integer(0, 1)};
}

Result<std::optional<StoredVerdict>> PostgresReads::verdict(const match::MatchId& match) {
  TRY(const Rows rows, pool_.read(kVerdict, Parameters().add(match)));
  if (rows.size() == 0) return std::nullopt;
  StoredVerdict out{text(rows, 0, 0), text(rows, 0, 1), {}};
  TRY(const Rows claims, pool_.read(kClaims, Parameters().add(match)));
  for (std::size_t i = 0; i < claims.size(); ++i) out.claims.push_back(text(claims, i, 0));
  return out;
}

Result<std::vector<KeysetRecord>> PostgresReads::keysets() {
  TRY(auto connection, pool_.borrow());
  return read_keysets(*connection);
}

Result<bool> PostgresReads::has_pending(std::uint32_t keyset) {
  TRY(const Rows rows, pool_.read(kHasPending, Parameters().add(std::int64_t{keyset})));
  return rows.integer(0, 0) != 0;
}

Result<bool> PostgresReads::is_forgotten(std::uint32_t keyset) {
  TRY(const Rows rows, pool_.read(kIsForgotten, Parameters().add(std::int64_t{keyset})));
  return rows.size() != 0;
}

Status recognize(Ledger& ledger, Job& job) {
  if (!job.outcome || job.outcome->has_value()) return {};
  const auto signed_as = [&](const std::vector<Issue>& issues, const Hash32& operation,
                             bool tokens = false) -> Result<bool> {
    std::vector<PointBytes> bs;
    bs.reserve(issues.size());
    for (const Issue& issue : issues) bs.push_back(issue.b_blinded);
    TRY(const auto found, tokens ? ledger.token_signatures(bs) : ledger.signatures(bs));
    return !found.empty() && std::ranges::all_of(found, [&](const auto& each) {
      return each && !each->pending && each->operation == operation;
    });
  };
  if (const auto* tokens = std::get_if<IssueTokens>(&job.write)) {
    TRY(const bool same, signed_as(tokens->issues, tokens->operation, true));
    if (same) job.outcome = Written{.repeated = true};
    return {};
  }
  const auto keyed = [&](const Hash32& key, const Hash32& operation) -> Status {
    TRY(const auto stored, ledger.operation(key));
    if (stored && stored->operation == operation) job.outcome = Written{stored->credit_msat};
    return {};
  };
  if (const auto* mint = std::get_if<MintWrite>(&job.write)) {
    TRY(const bool same, signed_as(mint->issues, mint->operation));
    if (same) job.outcome = Written{.repeated = true};
  } else if (const auto* burn = std::get_if<BurnWrite>(&job.write)) {
    return keyed(burn->key, burn->operation);
  } else if (const auto* credited = std::get_if<CreditedIssue>(&job.write)) {
    return keyed(credited->key, credited->operation);
  }
  return {};
}

}  // namespace manastr::mint
