#include <algorithm>
#include <bit>

#include "player/wallet_state.h"

namespace manastr::player {

using cashu::Amount;
using mintclient::QuoteState;

// --- Lightning ---

Result<mintclient::MintQuote> Wallet::request_mint(const cashu::Unit& unit, Amount amount) {
  if (amount == 0) return invalid("the amount must be at least 1");
  TRY([[maybe_unused]] const cashu::Keyset* keys, state_->active_keyset(unit));
  TRY(const std::uint64_t index, state_->store.next_quote_key());
  TRY(auto quote, state_->client->mint_quote(
                      {.unit = unit, .amount = amount, .pubkey = state_->quote_key(index).public_key()}));
  TRY_STATUS(state_->store.add_quote({quote.id, quote.request, unit, amount, quote.expiry, index, true}));
  return quote;
}

Result<MintedQuote> Wallet::mint_paid(const std::string& quote_id) {
  TRY(const auto known, state_->store.quote(quote_id));
  if (!known) return invalid("this wallet has no mint quote " + quote_id);
  MintedQuote out;
  out.quote.id = quote_id;
  out.quote.request = known->request;
  out.quote.unit = known->unit;
  out.quote.amount = known->amount;
  out.quote.expiry = known->expiry;
  out.quote.state = QuoteState::issued;
  out.minted = true;
  if (!known->open) return out;
  TRY(const auto begun, state_->store.find_by_quote(OperationKind::mint, quote_id));
  if (begun && begun->state == OperationState::open) {
    TRY_STATUS(state_->run(*begun));
    return out;
  }
  TRY(out.quote, state_->client->mint_quote_state(quote_id));
  if (out.quote.amount_issued >= out.quote.amount_paid && out.quote.amount_paid > 0) {
    TRY_STATUS(state_->store.close_quote(quote_id));
    return refused(cashu::kAlreadyIssued, "the quote was minted by another copy of this wallet; run restore");
  }
  out.minted = false;
  if (out.quote.amount_paid == 0) return out;
  const Amount due = out.quote.amount_paid - out.quote.amount_issued;
  TRY([[maybe_unused]] const Operation done,
      state_->perform(known->unit, [&](const cashu::Keyset& keys) -> Result<OperationPlan> {
        OperationPlan plan{.kind = OperationKind::mint, .quote = quote_id};
        TRY(plan.outputs, plan_amount(due, keys, CoinState::unspent));
        return plan;
      }));
  out.minted = true;
  return out;
}

Result<std::vector<mintclient::MintQuote>> Wallet::open_mint_quotes() {
  TRY(const auto stored, state_->store.open_quotes());
  std::vector<mintclient::MintQuote> out;
  for (const auto& quote : stored) {
    if (quote.expiry && *quote.expiry + std::chrono::hours(24) < state_->clock.now_seconds()) continue;
    mintclient::MintQuote item;
    item.id = quote.id;
    item.request = quote.request;
    item.unit = quote.unit;
    item.amount = quote.amount;
    item.expiry = quote.expiry;
    out.push_back(std::move(item));
  }
  return out;
}

Result<mintclient::MeltQuote> Wallet::request_melt(const std::string& invoice, const cashu::Unit& unit) {
  return state_->client->melt_quote(invoice, unit);
}

Result<MeltResult> Wallet::melt(const mintclient::MeltQuote& quote) {
  const auto target = cashu::add(quote.amount, quote.fee_reserve);
  if (!target) return invalid("the quote's amount is absurd");
  Status status;
  TRY(const auto begun, state_->store.find_by_quote(OperationKind::melt, quote.id));
  if (begun && begun->state == OperationState::open) {
    status = state_->run(*begun);
  } else if (!begun) {
    TRY_STATUS(state_->gather(quote.unit, *target));
    const auto performed =
        state_->perform(quote.unit, [&](const cashu::Keyset& keys) -> Result<OperationPlan> {
          TRY(const State::Selection inputs, state_->select(quote.unit, *target));
          OperationPlan plan{.kind = OperationKind::melt, .quote = quote.id, .inputs = inputs.proofs};
          // NUT-08: at most this comes back; each power of two in it needs one blank output.
          const auto most_change = inputs.sum - inputs.fee - quote.amount;
          const auto blanks = static_cast<std::size_t>(std::bit_width(most_change));
          plan.outputs.resize(blanks, {.amount = keys.keys.begin()->first});
          return plan;
        });
    if (!performed) status = std::unexpected(performed.error());
  }
  const auto after = state_->client->melt_quote_state(quote.id);
  MeltResult out{.amount = quote.amount};
  if (!status) {
    const bool pending =
        status.error().kind == ErrorKind::unavailable && after && after->state == QuoteState::pending;
    if (!pending) return std::unexpected(status.error());
    out.state = QuoteState::pending;
    return out;
  }
  out.state = QuoteState::paid;
  if (after) out.preimage = after->payment_preimage;
  TRY(const auto done, state_->store.find_by_quote(OperationKind::melt, quote.id));
  if (!done) return broken("the wallet file lacks the melt that it has just written");
  TRY(const Amount put_in, state_->store.spent_by(done->id));
  TRY(const Amount change, state_->store.made_by(done->id));
  out.fee_paid = put_in - change - quote.amount;
  return out;
}

// --- ecash by hand ---

Result<cashu::Token> Wallet::send(const cashu::Unit& unit, Amount amount) {
  if (amount == 0) return invalid("the amount must be at least 1");
  TRY_STATUS(state_->gather(unit, amount));
  TRY(const Operation operation,
      state_->perform(unit, [&](const cashu::Keyset& keys) -> Result<OperationPlan> {
        TRY(const State::Selection inputs, state_->select(unit, amount));
        OperationPlan plan{.kind = OperationKind::swap, .inputs = inputs.proofs};
        TRY(plan.outputs, plan_amount(amount, keys, CoinState::sent));
        TRY(const auto change, plan_amount(inputs.sum - inputs.fee - amount, keys, CoinState::unspent));
        std::ranges::copy(change, std::back_inserter(plan.outputs));
        sort_by_amount(plan.outputs);
        return plan;
      }));
  cashu::Token token{.mint = mint_url(), .unit = unit, .memo = "", .proofs = {}};
  TRY(const auto sent, state_->store.proofs({CoinState::sent}));
  for (const auto& [proof, state] : sent) {
    const bool ours =
        std::ranges::any_of(operation.outputs, [&](const auto& o) { return o.secret == proof.secret; });
    if (ours) token.proofs.push_back(proof);
  }
  return token;
}

Result<std::vector<cashu::Token>> Wallet::sent() {
  std::map<cashu::Unit, cashu::Token> by_unit;
  TRY(auto stored, state_->store.proofs({CoinState::sent}));
  for (auto& [proof, state] : stored) {
    TRY(const cashu::Keyset* keys, state_->keyset(proof.id));
    cashu::Token& token = by_unit[keys->unit];
    token.mint = mint_url();
    token.unit = keys->unit;
    token.proofs.push_back(std::move(proof));
  }
  std::vector<cashu::Token> out;
  for (auto& [unit, token] : by_unit) out.push_back(std::move(token));
  return out;
}

Result<Amount> Wallet::receive(const cashu::Token& token) {
  if (token.mint != mint_url())
    return invalid("the token is of the mint " + token.mint + ", not of this wallet's");
  if (token.proofs.empty()) return invalid("the token has no proofs");
  TRY(const cashu::Keyset* first, state_->keyset(token.proofs.front().id));
  const cashu::Unit unit = first->unit;
  TRY([[maybe_unused]] const cashu::Keyset* active, state_->active_keyset(unit));  // asks for the limits, too
  Amount received = 0;
  for (std::size_t from = 0; from < token.proofs.size();) {
    const std::size_t size = std::min(state_->most_at_once, token.proofs.size() - from);
    const auto begin = token.proofs.begin() + static_cast<std::ptrdiff_t>(from);
    const std::vector<cashu::Proof> part(begin, begin + static_cast<std::ptrdiff_t>(size));
    from += size;
    const auto sum = cashu::sum_amounts(part);
    TRY(const Amount fee, state_->fee_of(part));
    if (!sum || *sum <= fee) return invalid("the token is worth less than the mint's input fee");
    TRY([[maybe_unused]] const Operation operation,
        state_->perform(unit, [&](const cashu::Keyset& keys) -> Result<OperationPlan> {
          OperationPlan plan{.kind = OperationKind::swap, .inputs = part, .inputs_chosen = false};
          TRY(plan.outputs, plan_amount(*sum - fee, keys, CoinState::unspent));
          return plan;
        }));
    received += *sum - fee;
  }
  return received;
}

}  // namespace manastr::player
