#include "common/base/failpoint.h"
#include "common/cashu/deterministic.h"
#include "common/cashu/quote_signature.h"
#include "common/crypto/hash.h"
#include "common/json/writer.h"
#include "player/wallet_state.h"

namespace manastr::player {
namespace {

using cashu::BlindSignature;
using crypto::PublicKey;
using mintclient::ProofState;
using mintclient::QuoteState;

/// NUT-10: ["P2PK",{"nonce":…,"data":…,"tags":[…]}], the same bytes for the same lock but the nonce.
std::string p2pk_secret(const std::string& nonce, const Lock& lock) {
  std::string out = R"(["P2PK",{"nonce":)";
  json::append_string(out, nonce);
  out += R"(,"data":)";
  json::append_string(out, lock.data);
  out += R"(,"tags":[)";
  for (const auto& tag : lock.tags) {
    if (&tag != &lock.tags.front()) out += ',';
    out += '[';
    for (const auto& text : tag) {
      if (&text != &tag.front()) out += ',';
      json::append_string(out, text);
    }
    out += ']';
  }
  return out + "]}]";
}

std::vector<PublicKey> ys_of(const std::vector<cashu::Proof>& proofs) {
  std::vector<PublicKey> out;
  for (const auto& proof : proofs) out.push_back(proof.y());
  return out;
}

std::unexpected<Error> still_open(const std::string& why) {
  return unavailable("not ended yet: " + why + "; nothing is lost, resume later");
}

/// A refusal that a second attempt with fresh knowledge may not meet again.
bool curable(int code) {
  switch (code) {
    case cashu::kKeysetUnknown:
    case cashu::kKeysetInactive:
    case cashu::kKeysetExpired:
    case cashu::kOutputsAlreadySigned:
    case cashu::kOutputsPending:
    case cashu::kProofsSpent:
      return true;
    default:
      return false;
  }
}

}  // namespace

crypto::SecretKey Wallet::State::quote_key(std::uint64_t index) const {
  Bytes number;
  append_be64(number, index);
  for (Byte attempt = 0;; ++attempt) {
    const Byte last[] = {attempt};
    const auto key = crypto::SecretKey::parse(
        crypto::hmac_sha256(seed.reveal(), {as_bytes("manastr/v1/quote-key"), number, last}));
    if (key) return *key;  // all but one in 2^128
  }
}

Result<PreparedOutput> Wallet::State::prepare_output(const OutputPlan& plan, const cashu::KeysetId& id,
                                                     std::uint64_t counter) const {
  TRY(cashu::DerivedSecret derived, cashu::derive_secret(seed, id, counter));
  std::string secret = plan.lock != nullptr ? p2pk_secret(derived.secret, *plan.lock) : derived.secret;
  if (secret.size() > cashu::kMaxSecretBytes)
    return invalid("the lock is too long for a secret of 1024 bytes");
  const PublicKey y = crypto::hash_to_curve(as_bytes(secret));
  return PreparedOutput{
      {plan.amount, id, crypto::blind(y, derived.r)}, std::move(secret), derived.r, plan.becomes};
}

Result<Operation> Wallet::State::begin(const OperationPlan& plan, const cashu::Keyset& keyset) {
  TRY(auto transaction, store.transaction());
  Operation operation;
  operation.kind = plan.kind;
  operation.label = plan.label;
  operation.quote = plan.quote;
  operation.unit = keyset.unit;
  operation.inputs = plan.inputs;
  TRY(std::uint64_t counter, store.counter(keyset.id));
  for (const OutputPlan& output : plan.outputs) {
    TRY(PreparedOutput prepared, prepare_output(output, keyset.id, counter++));
    operation.outputs.push_back(std::move(prepared));
  }
  if (plan.sign) plan.sign(operation);
  TRY_STATUS(store.set_counter(keyset.id, counter));
  TRY_STATUS(store.add_operation(operation, clock.now_seconds()));
  failpoint("wallet.before-journal");
  TRY_STATUS(transaction.commit());
  failpoint("wallet.after-journal");
  return operation;
}

Status Wallet::State::run(const Operation& operation) {
  switch (operation.kind) {
    case OperationKind::mint:
      return run_mint(operation);
    case OperationKind::melt:
      return run_melt(operation);
    case OperationKind::prepare:
      return still_open("the outputs wait for their settlement");
    default:
      return run_swap(operation);
  }
}

Result<Operation> Wallet::State::perform(
    const cashu::Unit& unit, const std::function<Result<OperationPlan>(const cashu::Keyset&)>& plan) {
  for (bool again = false;; again = true) {
    TRY(const cashu::Keyset* keyset, active_keyset(unit));
    TRY(const OperationPlan planned, plan(*keyset));
    TRY(Operation operation, begin(planned, *keyset));
    const Status status = run(operation);
    if (status) return operation;
    const int code = status.error().code;
    const bool cure = status.error().kind == ErrorKind::refused && curable(code) &&
                      (code != cashu::kProofsSpent || planned.inputs_chosen);
    if (again || !cure) return std::unexpected(status.error());
    TRY_STATUS(refresh_keysets());
    if (code == cashu::kOutputsAlreadySigned || code == cashu::kOutputsPending) {
      // An older copy of this file has used these counters already: go on behind the last one the mint knows.
      player::Restored restored;
      TRY_STATUS(restore_keyset(keysets.at(keyset->id), restored));
    }
  }
}

Status Wallet::State::run_swap(const Operation& operation) {
  failpoint("wallet.before-swap");
  const auto signatures = client->swap(operation.inputs, operation.messages());
  failpoint("wallet.after-swap");
  if (signatures) return finish(operation, *signatures);
  if (signatures.error().kind != ErrorKind::refused) return std::unexpected(signatures.error());
  return resolve_swap(operation, signatures.error());
}

Status Wallet::State::run_mint(const Operation& operation) {
  TRY(const auto quote, store.quote(operation.quote));
  if (!quote) return broken("the wallet file lacks quote " + operation.quote);
  const crypto::SecretKey key = quote_key(quote->key_index);
  failpoint("wallet.before-mint");
  auto signatures = client->mint(operation.quote, operation.messages(),
                                 cashu::sign_quote(key, operation.quote, operation.messages()));
  if (!signatures && signatures.error().code == cashu::kQuoteSignatureInvalid) {
    signatures = client->mint(operation.quote, operation.messages(),
                              cashu::sign_quote(key, operation.quote, operation.messages(), true));
  }
  failpoint("wallet.after-mint");
  if (signatures) return finish(operation, *signatures);
  if (signatures.error().kind != ErrorKind::refused) return std::unexpected(signatures.error());
  return resolve_mint(operation, signatures.error());
}

Status Wallet::State::run_melt(const Operation& operation) {
  // Asked first: a mint without durable replies would refuse the retry of a payment that was made.
  const auto before = client->melt_quote_state(operation.quote);
  if (before && before->state != QuoteState::unpaid) return settle_melt(operation, *before);
  if (!before && before.error().kind != ErrorKind::refused) return std::unexpected(before.error());
  failpoint("wallet.before-melt");
  const auto quote = client->melt(operation.quote, operation.inputs, operation.messages());
  failpoint("wallet.after-melt");
  if (quote && quote->state != QuoteState::unpaid) return settle_melt(operation, *quote);
  if (quote) {
    return resolve_melt(operation,
                        {ErrorKind::refused, cashu::kLightningFailed, "the mint could not pay the invoice"});
  }
  if (quote.error().kind != ErrorKind::refused) return std::unexpected(quote.error());
  return resolve_melt(operation, quote.error());
}

Result<std::vector<std::optional<BlindSignature>>> Wallet::State::signed_outputs(const Operation& operation) {
  std::vector<std::optional<BlindSignature>> out(operation.outputs.size());
  if (operation.outputs.empty()) return out;
  const std::vector<cashu::BlindedMessage> messages = operation.messages();
  for (std::size_t first = 0; first < messages.size();) {
    const std::size_t size = std::min(most_at_once, messages.size() - first);
    const auto begin = messages.begin() + static_cast<std::ptrdiff_t>(first);
    TRY(const auto restored, client->restore({begin, begin + static_cast<std::ptrdiff_t>(size)}));
    std::size_t position = first;
    for (std::size_t i = 0; i < restored.outputs.size(); ++i) {
      // The client has checked that they are ours and in our order.
      while (messages[position].b_blinded != restored.outputs[i].b_blinded) ++position;
      out[position++] = restored.signatures[i];
    }
    first += size;
  }
  return out;
}

Result<std::vector<mintclient::ProofStatus>> Wallet::State::states_of(
    const std::vector<cashu::Proof>& proofs) {
  const std::size_t batch = std::min<std::size_t>(500, most_at_once);
  const std::vector<PublicKey> ys = ys_of(proofs);
  std::vector<mintclient::ProofStatus> out;
  for (std::size_t first = 0; first < ys.size(); first += batch) {
    const std::size_t last = std::min(ys.size(), first + batch);
    TRY(auto states, client->checkstate({ys.begin() + static_cast<std::ptrdiff_t>(first),
                                         ys.begin() + static_cast<std::ptrdiff_t>(last)}));
    std::ranges::move(states, std::back_inserter(out));
  }
  return out;
}

Status Wallet::State::resolve_swap(const Operation& operation, const Error& refusal) {
  const auto states = states_of(operation.inputs);
  if (!states) return still_open(refusal.message + "; then: " + states.error().message);
  std::vector<PublicKey> spent;
  for (const auto& status : *states) {
    if (status.state == ProofState::pending) return still_open("the mint is still working on the inputs");
    if (status.state == ProofState::spent) spent.push_back(status.y);
  }
  if (spent.empty()) {
    TRY_STATUS(undo(operation));
    return std::unexpected(refusal);
  }
  const auto found = signed_outputs(operation);
  if (!found) return still_open(refusal.message + "; then: " + found.error().message);
  std::vector<BlindSignature> signatures;
  for (std::size_t i = 0; i < found->size(); ++i) {
    const auto& signature = (*found)[i];
    if (signature && signature->amount == operation.outputs[i].message.amount)
      signatures.push_back(*signature);
  }
  if (spent.size() == operation.inputs.size() && signatures.size() == operation.outputs.size()) {
    return finish(operation, signatures);
  }
  TRY_STATUS(undo(operation, spent));
  return refused(cashu::kProofsSpent,
                 std::to_string(spent.size()) +
                     " of the inputs were spent elsewhere (another copy of this wallet?); they are "
                     "out of the balance now");
}

Status Wallet::State::resolve_mint(const Operation& operation, const Error& refusal) {
  const auto quote = client->mint_quote_state(operation.quote);
  if (!quote && quote.error().kind != ErrorKind::refused) {
    return still_open(refusal.message + "; then: " + quote.error().message);
  }
  if (!quote || quote->amount_issued == 0) {  // signatures over these outputs, if any, are not this quote's
    TRY_STATUS(undo(operation));
    return std::unexpected(refusal);
  }
  const auto found = signed_outputs(operation);
  if (!found) return still_open(refusal.message + "; then: " + found.error().message);
  std::vector<BlindSignature> signatures;
  for (std::size_t i = 0; i < found->size(); ++i) {
    const auto& signature = (*found)[i];
    if (signature && signature->amount == operation.outputs[i].message.amount)
      signatures.push_back(*signature);
  }
  if (signatures.size() == operation.outputs.size()) return finish(operation, signatures);
  TRY(auto transaction, store.transaction());
  TRY_STATUS(store.end_undone(operation, {}));
  if (refusal.code == cashu::kAlreadyIssued) TRY_STATUS(store.close_quote(operation.quote));
  TRY_STATUS(transaction.commit());
  return std::unexpected(refusal);
}

Status Wallet::State::resolve_melt(const Operation& operation, const Error& refusal) {
  const auto quote = client->melt_quote_state(operation.quote);
  if (!quote && quote.error().kind != ErrorKind::refused) {
    return still_open(refusal.message + "; then: " + quote.error().message);
  }
  if (quote && quote->state != QuoteState::unpaid) return settle_melt(operation, *quote);
  const auto states = states_of(operation.inputs);
  if (!states) return still_open(refusal.message + "; then: " + states.error().message);
  std::vector<PublicKey> spent;
  for (const auto& status : *states) {
    if (status.state == ProofState::pending) return still_open("the mint is still paying");
    if (status.state == ProofState::spent) spent.push_back(status.y);
  }
  TRY_STATUS(undo(operation, spent));
  return std::unexpected(refusal);
}

Status Wallet::State::settle_melt(const Operation& operation, const mintclient::MeltQuote& quote) {
  if (quote.state != QuoteState::paid) return still_open("the Lightning payment is pending");
  if (!quote.change.empty()) {
    if (quote.change.size() > operation.outputs.size()) return still_open("the mint's change makes no sense");
    return finish(operation, quote.change);
  }
  // Paid before we heard of it: the change, if any, is what the mint has signed of the blank outputs.
  const auto found = signed_outputs(operation);
  if (!found) return still_open(found.error().message);
  std::vector<BlindSignature> change;
  for (const auto& signature : *found) {
    if (!signature) break;
    change.push_back(*signature);
  }
  return finish(operation, change);
}

Result<cashu::Proof> Wallet::State::unblind(const PreparedOutput& output, const BlindSignature& signature) {
  TRY(const cashu::Keyset* keys, keyset(output.message.id));
  const auto key = keys->keys.find(signature.amount);
  if (key == keys->keys.end()) return refused(0, "the mint signed an amount that its keyset has no key for");
  if (!signature.dleq ||
      !crypto::verify_dleq(key->second, output.message.b_blinded, signature.c_blinded, *signature.dleq)) {
    return refused(0,
                   "the mint's signature has no valid DLEQ proof (NUT-12): it may be worthless, or mark you");
  }
  const auto c = crypto::unblind(signature.c_blinded, output.r, key->second);
  if (!c) return refused(0, "the mint's signature is no signature");
  cashu::Proof proof;
  proof.amount = signature.amount;
  proof.id = output.message.id;
  proof.secret = output.secret;
  proof.c = c->bytes();
  proof.dleq = cashu::ProofDleq{*signature.dleq, output.r.reveal()};
  return proof;
}

Status Wallet::State::finish(const Operation& operation, const std::vector<BlindSignature>& signatures) {
  std::vector<cashu::Proof> proofs;
  for (std::size_t i = 0; i < signatures.size(); ++i) {
    auto proof = unblind(operation.outputs[i], signatures[i]);
    // The mint has done its part, so the operation stays open: an honest reply may still come.
    if (!proof) return still_open(proof.error().message);
    proofs.push_back(*std::move(proof));
  }
  TRY(auto transaction, store.transaction());
  for (std::size_t i = 0; i < proofs.size(); ++i) {
    const CoinState state = operation.outputs[i].becomes;
    TRY_STATUS(
        store.add_proof(proofs[i], state, state == CoinState::unspent ? "" : operation.label, operation.id));
  }
  TRY_STATUS(store.end_done(operation));
  if (operation.kind == OperationKind::mint) TRY_STATUS(store.close_quote(operation.quote));
  failpoint("wallet.before-finish");
  TRY_STATUS(transaction.commit());
  failpoint("wallet.after-finish");
  return {};
}

Status Wallet::State::undo(const Operation& operation, const std::vector<PublicKey>& spent) {
  TRY(auto transaction, store.transaction());
  TRY_STATUS(store.end_undone(operation, spent));
  return transaction.commit();
}

}  // namespace manastr::player
