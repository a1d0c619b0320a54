#include <algorithm>

#include "common/cashu/conditions.h"
#include "common/crypto/hash.h"
#include "player/wallet_state.h"

namespace manastr::player {

using cashu::Amount;

// --- stakes ---

Result<StakeCost> Wallet::stake_cost(const cashu::Unit& unit, Amount stake) {
  TRY(const cashu::Keyset* keys, state_->active_keyset(unit));
  const auto amounts = stake_amounts(stake, keys->input_fee_ppk, keys->keys, state_->most_stake_proofs());
  if (!amounts) {
    return invalid("a stake of " + std::to_string(stake) + " " + unit +
                   " can't be paid with 12 proofs of this mint; choose another stake");
  }
  StakeCost out{.stake = stake, .proofs = amounts->size()};
  Amount sum = 0;
  for (const Amount amount : *amounts) sum += amount;
  out.own_fee = sum - stake;
  TRY_STATUS(state_->gather(unit, sum));
  TRY(const State::Selection inputs, state_->select(unit, sum));
  out.swap_fee = inputs.fee;
  return out;
}

Result<std::vector<cashu::Proof>> Wallet::lock(const std::string& label, const cashu::Unit& unit,
                                               Amount stake, const Lock& lock) {
  if (label.empty()) return invalid("a lock needs a label");
  TRY(const auto begun, state_->store.find_by_label(OperationKind::lock, label));
  if (begun && begun->state == OperationState::open) {
    const Status status = state_->run(*begun);
    if (!status && status.error().kind != ErrorKind::refused) return std::unexpected(status.error());
    if (status) return locked(label);
  } else if (begun) {
    return locked(label);
  }
  TRY([[maybe_unused]] const StakeCost cost, stake_cost(unit, stake));
  TRY([[maybe_unused]] const Operation operation,
      state_->perform(unit, [&](const cashu::Keyset& keys) -> Result<OperationPlan> {
        if (lock.keyset && *lock.keyset != keys.id) {
          return refused(cashu::kKeysetInactive, "the mint signs no more in the keyset wanted");
        }
        const auto amounts = stake_amounts(stake, keys.input_fee_ppk, keys.keys, state_->most_stake_proofs());
        if (!amounts)
          return invalid("this stake can't be paid with 12 proofs of this mint; choose another stake");
        Amount sum = 0;
        OperationPlan plan{.kind = OperationKind::lock, .label = label};
        for (const Amount amount : *amounts) {
          sum += amount;
          plan.outputs.push_back({amount, CoinState::locked, &lock});
        }
        TRY(const State::Selection inputs, state_->select(unit, sum));
        plan.inputs = inputs.proofs;
        TRY(const auto change, plan_amount(inputs.sum - inputs.fee - sum, keys, CoinState::unspent));
        std::ranges::copy(change, std::back_inserter(plan.outputs));
        sort_by_amount(plan.outputs);
        return plan;
      }));
  return locked(label);
}

Result<std::vector<cashu::Proof>> Wallet::locked(const std::string& label) {
  TRY(const auto stored, state_->store.labelled(label));
  std::vector<cashu::Proof> out;
  for (const auto& item : stored) out.push_back(item.proof);
  return out;
}

Result<Amount> Wallet::take_back(const std::string& label,
                                 const std::function<std::vector<crypto::Signature>(const Hash32&)>& sign) {
  TRY(const auto begun, state_->store.find_by_label(OperationKind::take_back, label));
  if (begun && begun->state == OperationState::done) return state_->store.made_by(begun->id);
  if (begun) {
    TRY_STATUS(state_->run(*begun));
    return state_->store.made_by(begun->id);
  }
  TRY(const auto stored, state_->store.labelled(label));
  std::vector<cashu::Proof> inputs;
  for (const auto& item : stored) {
    if (item.state == CoinState::locked) inputs.push_back(item.proof);
  }
  if (stored.empty()) return invalid("nothing was locked under this label");
  if (inputs.empty()) return refused(cashu::kProofsSpent, "the stake is spent already");
  TRY(const cashu::Keyset* first, state_->keyset(inputs.front().id));
  const cashu::Unit unit = first->unit;
  TRY(const Amount fee, state_->fee_of(inputs));
  const auto sum = cashu::sum_amounts(inputs);
  if (!sum || *sum <= fee) return invalid("the locked proofs are worth less than the mint's input fee");
  TRY(const Operation operation,
      state_->perform(unit, [&](const cashu::Keyset& keys) -> Result<OperationPlan> {
        OperationPlan plan{
            .kind = OperationKind::take_back, .label = label, .inputs = inputs, .inputs_chosen = false};
        TRY(plan.outputs, plan_amount(*sum - fee, keys, CoinState::unspent));
        plan.sign = [&](Operation& prepared) {
          if (cashu::parse_condition(prepared.inputs.front().secret).sig_all) {
            const std::string message = cashu::sig_all_message(prepared.inputs, prepared.messages());
            prepared.inputs.front().witness = cashu::p2pk_witness(sign(crypto::sha256(as_bytes(message))));
            return;
          }
          for (auto& input : prepared.inputs) {
            input.witness = cashu::p2pk_witness(sign(crypto::sha256(as_bytes(input.secret))));
          }
        };
        return plan;
      }));
  return state_->store.made_by(operation.id);
}

Result<bool> Wallet::check_locked(const std::string& label) {
  TRY(const auto stored, state_->store.labelled(label));
  std::vector<cashu::Proof> open;
  bool all = true;
  for (const auto& item : stored) {
    if (item.state == CoinState::locked) open.push_back(item.proof);
    if (item.state == CoinState::under_way) all = false;  // being taken back: nobody knows yet
  }
  TRY(const auto states, state_->states_of(open));
  for (const auto& status : states) {
    if (status.state == mintclient::ProofState::spent) {
      TRY_STATUS(state_->store.set_state(status.y, CoinState::spent));
    } else {
      all = false;
    }
  }
  return all && !stored.empty();
}

// --- prizes ---

Result<std::vector<cashu::BlindedMessage>> Wallet::prepare(const std::string& label, const cashu::Unit& unit,
                                                           Amount amount) {
  if (label.empty()) return invalid("prepared outputs need a label");
  if (amount == 0) return std::vector<cashu::BlindedMessage>{};
  TRY(const auto begun, state_->store.find_by_label(OperationKind::prepare, label));
  if (begun) {
    auto messages = begun->messages();
    if (begun->unit == unit && cashu::sum_amounts(messages) == amount) return messages;
    return invalid("outputs of another amount are prepared under this label");
  }
  TRY(const cashu::Keyset* keys, state_->active_keyset(unit));
  OperationPlan plan{.kind = OperationKind::prepare, .label = label};
  TRY(plan.outputs, plan_amount(amount, *keys, CoinState::unspent));
  TRY(const Operation operation, state_->begin(plan, *keys));
  return operation.messages();
}

Status Wallet::forget(const std::string& label) {
  TRY(const auto begun, state_->store.find_by_label(OperationKind::prepare, label));
  if (!begun || begun->state != OperationState::open) return {};
  return state_->undo(*begun);
}

Result<Amount> Wallet::take(const std::string& label, const std::vector<cashu::BlindSignature>& signatures) {
  TRY(const auto begun, state_->store.find_by_label(OperationKind::prepare, label));
  if (!begun) return invalid("no outputs were prepared under this label");
  if (begun->state == OperationState::done) return state_->store.made_by(begun->id);
  if (signatures.size() != begun->outputs.size())
    return invalid("there is not one signature for each prepared output");
  for (std::size_t i = 0; i < signatures.size(); ++i) {
    const cashu::BlindedMessage& message = begun->outputs[i].message;
    if (signatures[i].id != message.id || signatures[i].amount != message.amount) {
      return invalid("a signature is of another amount or keyset than its output");
    }
    const auto proof = state_->unblind(begun->outputs[i], signatures[i]);
    if (!proof) return std::unexpected(proof.error());  // others may have written them: not the mint's word
  }
  TRY_STATUS(state_->finish(*begun, signatures));
  return state_->store.made_by(begun->id);
}

std::size_t Wallet::State::fetch_prepared(const std::vector<Operation>& operations) {
  constexpr std::size_t kBatch = 100;
  std::size_t finished = 0;
  for (std::size_t first = 0; first < operations.size();) {
    Operation together;
    std::size_t last = first;
    do {
      std::ranges::copy(operations[last].outputs, std::back_inserter(together.outputs));
      ++last;
    } while (last < operations.size() && together.outputs.size() + operations[last].outputs.size() <= kBatch);
    const auto found = signed_outputs(together);
    if (!found) return finished;  // another time
    auto next = found->begin();
    for (; first < last; ++first) {
      std::vector<cashu::BlindSignature> signatures;
      for (const PreparedOutput& output : operations[first].outputs) {
        const auto& signature = *next++;
        if (signature && signature->amount == output.message.amount) signatures.push_back(*signature);
      }
      if (signatures.size() == operations[first].outputs.size() && finish(operations[first], signatures))
        ++finished;
    }
  }
  return finished;
}

Result<std::optional<Amount>> Wallet::fetch(const std::string& label) {
  TRY(const auto begun, state_->store.find_by_label(OperationKind::prepare, label));
  if (!begun) return invalid("no outputs were prepared under this label");
  if (begun->state == OperationState::open) {
    TRY(const auto found, state_->signed_outputs(*begun));
    std::vector<cashu::BlindSignature> signatures;
    for (const auto& signature : found) {
      if (signature) signatures.push_back(*signature);
    }
    if (signatures.size() != begun->outputs.size()) return std::nullopt;
    return take(label, signatures);
  }
  return state_->store.made_by(begun->id);
}

}  // namespace manastr::player
