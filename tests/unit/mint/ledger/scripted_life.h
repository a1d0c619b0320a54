// A short life of a ledger, the same each time: quotes, issues, swaps, melts, burns, settlements, and
// refusals between them. For tests that interrupt it: what was written so far is named by a picture of all
// that the ledger remembers.
#pragma once
#include <algorithm>
#include <string>
#include <vector>

#include "common/gameapi/requests.h"
#include "mint/ledger/ledger.h"

namespace manastr::mint::test {

constexpr std::uint64_t kManaMsat = 200;
constexpr std::uint64_t kSatMsat = 1000;
enum : std::uint32_t { kMana = 1, kLoot = 2, kSat = 3 };  // keysets by number

inline Hash32 hash_of(unsigned number) {
  Hash32 out{};
  out[30] = static_cast<Byte>(number >> 8);
  out[31] = static_cast<Byte>(number);
  return out;
}
inline PointBytes point(Byte kind, unsigned number) {
  PointBytes out{2, kind};
  out[31] = static_cast<Byte>(number >> 8);
  out[32] = static_cast<Byte>(number);
  return out;
}

/// The proof with this number; what it is worth is for its user to remember.
inline Spend proof(unsigned number, cashu::Amount amount, std::uint32_t keyset = kMana) {
  return {point('y', number), keyset, amount, number % 2 == 0 ? "" : "{\"signatures\":[]}"};
}
inline Issue output(unsigned number, cashu::Amount amount, std::uint32_t keyset = kMana) {
  return {point('b', number),
          keyset,
          amount,
          point('c', number),
          {hash_of(7000 + number), hash_of(8000 + number)}};
}

/// A blind token for a request, or for one that is not kept.
inline TokenSpend token(unsigned number, std::optional<Hash32> request = std::nullopt) {
  return {point('k', number), 1, request};
}

/// What the caller is to be told.
enum : int { kDone = -1 };
struct Act {
  Write write;
  int answer = kDone;      ///< or the code of the refusal
  bool with_next = false;  ///< asked for at once with the act after it, without waiting for a reply
};

/// What every start of the mint does before anything else.
inline Status prepare(Ledger& ledger) {
  std::vector<KeysetRecord> keysets;
  for (const auto& [number, unit] : {std::pair{kMana, "mana"}, {kLoot, "loot"}, {kSat, "sat"}}) {
    const ByteArray<8> id{0, static_cast<Byte>(number)};
    keysets.push_back({.number = number, .id = *cashu::KeysetId::from_bytes(id), .unit = unit});
  }
  TRY_STATUS(ledger.store_keysets(keysets));
  return ledger.set_prices({{"mana", kManaMsat}, {"loot", kManaMsat}, {"sat", kSatMsat}});
}

inline std::vector<Act> life() {
  const UnixSeconds now = unix_seconds(1'800'000'000);
  const match::MatchId match = hash_of(900);
  const auto mint_quote = [&](unsigned number, const char* unit, cashu::Amount amount, Msat invoice) {
    return MintQuote{.id = "mint-" + std::to_string(number),
                     .node_key = hash_of(number),
                     .request = "lnbc" + std::to_string(number),
                     .unit = unit,
                     .amount = amount,
                     .invoice_msat = invoice,
                     .created_at = now,
                     .expires_at = now + Seconds(600),
                     .updated_at = now};
  };
  const MeltQuote melt{.id = "melt",
                       .node_key = hash_of(50),
                       .request = "lnbc50",
                       .unit = "mana",
                       .amount = 300,
                       .fee_reserve = 20,
                       .invoice_msat = 60'000,
                       .price_msat = kManaMsat,
                       .created_at = now,
                       .expires_at = now + Seconds(600)};
  const BeginMelt begin{hash_of(105),
                        "melt",
                        {proof(12, 256), proof(13, 128)},
                        {{point('b', 30), kMana}, {point('b', 31), kMana}, {point('b', 32), kMana}},
                        1,
                        token(1, hash_of(105))};
  const SwapWrite locked{hash_of(106), {proof(12, 256)}, {output(40, 256)}};
  const SwapWrite halved{
      hash_of(101), {proof(1, 512)}, {output(10, 256), output(11, 256)}, token(2, hash_of(101))};
  const BurnWrite burn{hash_of(201), hash_of(107), match, {proof(14, 64)}, 63, kManaMsat};
  const CreditedIssue loot{
      hash_of(202), hash_of(108), match, {output(41, 32, kLoot), output(42, 8, kLoot)}, 8'000};
  const auto settle = [&](unsigned claim, std::vector<SettleGroup> groups) {
    return SettleWrite{match,
                       hash_of(300),
                       hash_of(claim),
                       "{\"kind\":31006}",
                       "{\"kind\":31005}",
                       "claim " + std::to_string(claim),
                       std::move(groups)};
  };
  const SettleGroup winnings{
      hash_of(109), {proof(15, 32), proof(16, 8)}, {output(43, 32, kLoot), output(44, 8, kLoot)}};
  const SettleGroup refund{hash_of(110), {proof(20, 100, kSat)}, {output(45, 100, kSat)}};

  return {
      {NewMintQuote{mint_quote(1, "mana", 1000, 200'000)}},
      {MintWrite{hash_of(100), {{"mint-1", 1000}}, {output(1, 1000)}, now}, cashu::kQuoteNotPaid},
      {PaymentReceived{"mint-1", hash_of(1), 200'000, now + Seconds(1)}},
      {MintWrite{hash_of(100),
                 {{"mint-1", 1000}},
                 {output(1, 512), output(2, 256), output(3, 128), output(4, 64), output(5, 40)},
                 now + Seconds(2)}},
      {NewMintQuote{mint_quote(2, "sat", 100, 100'000)}, kDone, true},
      {halved, kDone, true},
      {SwapWrite{hash_of(102), {proof(2, 256)}, {output(12, 256)}}, kDone, true},
      {SwapWrite{hash_of(103), {proof(1, 512)}, {output(13, 512)}}, cashu::kProofsSpent, true},
      {SwapWrite{hash_of(104), {proof(3, 128)}, {output(10, 128)}}, cashu::kOutputsAlreadySigned, true},
      {PaymentReceived{"mint-2", hash_of(2), 100'000, now + Seconds(3)}},
      {MintWrite{hash_of(111), {{"mint-2", 100}}, {output(20, 100, kSat)}, now + Seconds(3)}},
      {NewMeltQuote{melt}},
      {begin},
      {locked, cashu::kProofsPending},
      {ReleaseMelt{"melt"}},
      {begin},
      {SwapWrite{hash_of(112), {proof(3, 128)}, {output(31, 128)}}, cashu::kOutputsPending},
      {FinishMelt{"melt", hash_of(51), 61'000, {output(30, 64), output(31, 14)}}},
      {locked, cashu::kProofsSpent},
      {UseAuthorization{hash_of(400), now, now + Seconds(120)}},
      {UseAuthorization{hash_of(400), now, now + Seconds(120)}, 0},
      {burn},
      {loot, kDone, true},
      {CreditedIssue{hash_of(203), hash_of(113), match, {output(46, 512, kLoot)}, 102'400},
       gameapi::kNoBurnCredit, true},
      {settle(301, {winnings}), kDone, true},
      {settle(302, {winnings, refund})},
      {SwapWrite{hash_of(114), {proof(41, 32, kLoot)}, {output(47, 32, kLoot)}}},
      {UseToken{token(3)}},
      {UseToken{token(3)}, cashu::kBlindAuthFailed},
      {UseToken{token(2, hash_of(115))}, cashu::kBlindAuthFailed},
      {IssueTokens{hash_of(116), {output(50, 1), output(51, 1)}, hash_of(401), 500'000, 2}},
      {IssueTokens{hash_of(117), {output(52, 1)}, hash_of(401), 500'000, 2}, cashu::kBlindTokensTooOften},
  };
}

inline std::string text(const StoredSignature& signature) {
  return std::to_string(signature.keyset) + ":" + std::to_string(signature.amount) +
         (signature.pending ? " pending " : " ") + to_hex(signature.c_blinded) + to_hex(signature.dleq.e) +
         to_hex(signature.dleq.s) + to_hex(signature.operation);
}

/// All that a caller could learn from the ledger, as text: equal pictures, equal ledgers.
inline Result<std::string> picture(Ledger& ledger) {
  std::string out;
  std::vector<PointBytes> ys, bs;
  for (unsigned i = 0; i < 60; ++i) {
    ys.push_back(point('y', i));
    bs.push_back(point('b', i));
  }
  TRY(const auto states, ledger.proof_states(ys));
  TRY(const auto signatures, ledger.signatures(bs));
  for (unsigned i = 0; i < ys.size(); ++i) {
    const ProofState& state = states.at(i);
    if (state.state != ProofState::State::unspent) {
      out += "proof " + std::to_string(i) +
             (state.state == ProofState::State::spent ? " spent " : " locked ") + state.witness +
             (state.match ? to_hex(*state.match) : "") +
             (ledger.may_know_proof(ys[i]) ? "\n" : " missing in the filter\n");
    }
    if (signatures.at(i)) {
      out += "output " + std::to_string(i) + " " + text(*signatures[i]) +
             (ledger.may_know_output(bs[i]) ? "\n" : " missing in the filter\n");
    }
  }
  for (const char* id : {"mint-1", "mint-2"}) {
    TRY(const auto quote, ledger.mint_quote(id));
    if (!quote) continue;
    out += quote->id + " " + quote->request + " " + quote->unit + " " + std::to_string(quote->amount) +
           " paid " + std::to_string(quote->amount_paid) + " issued " + std::to_string(quote->amount_issued) +
           " at " + std::to_string(count(quote->updated_at)) + "\n";
  }
  TRY(const auto melt, ledger.melt_quote("melt"));
  if (melt) {
    out += melt->id + " " + melt->request + " state " + std::to_string(static_cast<int>(melt->state)) +
           " inputs " + std::to_string(melt->inputs) + " preimage " +
           (melt->preimage ? to_hex(*melt->preimage) : "none") + to_hex(melt->operation) + "\n";
    for (const StoredSignature& change : melt->change) out += "change " + text(change) + "\n";
    TRY(const auto blanks, ledger.blank_outputs("melt"));
    out += std::to_string(blanks.size()) + " blanks\n";
  }
  for (unsigned key = 201; key <= 203; ++key) {
    TRY(const auto operation, ledger.operation(hash_of(key)));
    if (operation)
      out +=
          "operation " + to_hex(operation->operation) + " " + std::to_string(operation->credit_msat) + "\n";
  }
  TRY(const auto verdict, ledger.verdict(hash_of(900)));
  if (verdict) {
    out += verdict->announcement + verdict->verdict;
    for (const std::string& claim : verdict->claims) out += " " + claim;
    out += "\n";
  }
  TRY(const auto tokens, ledger.token_signatures(bs));
  for (unsigned i = 0; i < bs.size(); ++i) {
    TRY(const auto spent, ledger.spent_token(point('k', i)));
    if (spent)
      out += "token " + std::to_string(i) + " " + (spent->request ? to_hex(*spent->request) : "") + "\n";
    if (tokens.at(i)) out += "token output " + std::to_string(i) + " " + text(*tokens[i]) + "\n";
  }
  const Totals totals = ledger.totals();
  for (const UnitTotals& unit : totals.units) {
    out += unit.unit + " at " + std::to_string(unit.price_msat) + " issued " + to_text(unit.issued) +
           " redeemed " + to_text(unit.redeemed) + " paid for " + to_text(unit.paid_for) + " claimed " +
           to_text(unit.claimed) + "\n";
  }
  return out + "received " + to_text(totals.received_msat) + " paid out " + to_text(totals.paid_out_msat) +
         " credit " + to_text(totals.credit_msat) + "\n";
}

/// How the pipeline answers a request that it was asked before: from what is stored, if that is all of it.
/// True if `write` is in the ledger with exactly the reply that it would be given now.
inline bool is_recorded(Ledger& ledger, const Write& write) {
  const auto signed_as = [&](const std::vector<Issue>& issues, const Hash32& operation, bool tokens = false) {
    std::vector<PointBytes> bs;
    for (const Issue& issue : issues) bs.push_back(issue.b_blinded);
    const auto found = tokens ? ledger.token_signatures(bs) : ledger.signatures(bs);
    return found && std::ranges::equal(*found, issues, [&](const auto& stored, const Issue& issue) {
             return stored && stored->operation == operation && stored->c_blinded == issue.c_blinded &&
                    stored->dleq == issue.dleq && stored->amount == issue.amount;
           });
  };
  const auto keyed = [&](const Hash32& key, const Hash32& operation) {
    const auto found = ledger.operation(key);
    return found && *found && (*found)->operation == operation;
  };
  if (const auto* swap = std::get_if<SwapWrite>(&write)) return signed_as(swap->issues, swap->operation);
  if (const auto* mint = std::get_if<MintWrite>(&write)) return signed_as(mint->issues, mint->operation);
  if (const auto* quote = std::get_if<NewMintQuote>(&write)) {
    const auto found = ledger.mint_quote(quote->quote.id);
    return found && *found && (*found)->request == quote->quote.request;
  }
  if (const auto* quote = std::get_if<NewMeltQuote>(&write)) {
    const auto found = ledger.melt_quote(quote->quote.id);
    return found && *found && (*found)->request == quote->quote.request;
  }
  if (const auto* begin = std::get_if<BeginMelt>(&write)) {
    const auto found = ledger.melt_quote(begin->quote);
    return found && *found && (*found)->state != MeltQuote::State::unpaid &&
           (*found)->operation == begin->operation;
  }
  if (const auto* burn = std::get_if<BurnWrite>(&write)) return keyed(burn->key, burn->operation);
  if (const auto* issue = std::get_if<CreditedIssue>(&write)) {
    return keyed(issue->key, issue->operation) && signed_as(issue->issues, issue->operation);
  }
  if (const auto* issue = std::get_if<IssueTokens>(&write))
    return signed_as(issue->issues, issue->operation, true);
  if (const auto* use = std::get_if<UseToken>(&write)) {
    const auto found = ledger.spent_token(use->token.y);
    return found && *found && (*found)->request == use->token.request;
  }
  // Its event is used up whether its caller heard so or not: the caller signs another.
  return std::holds_alternative<UseAuthorization>(write);
}

}  // namespace manastr::mint::test
