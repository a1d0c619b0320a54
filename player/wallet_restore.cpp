#include <algorithm>

#include "player/wallet_state.h"

namespace manastr::player {
namespace {

constexpr std::uint64_t kBatch = 100;
constexpr int kEmptyBatches = 3;
/// Counters left out behind the last one found: the lost file may have used them for stakes, whose nonces and
/// blinding factors are public, or for outputs that are not signed yet. Less than the empty batches.
constexpr std::uint64_t kMargin = 100;
constexpr std::uint64_t kMaxBatches =
    100'000;  // ten million secrets: a mint that signs everything must not hold us for ever

}  // namespace

Result<Wallet::State::Rediscovered> Wallet::State::rediscover(const cashu::Keyset& keyset,
                                                              std::uint64_t first, const Lock* lock) {
  Operation asked;
  for (std::uint64_t i = 0; i < kBatch; ++i) {
    // The amount is the mint's to say; a known denomination stands in for it.
    TRY(PreparedOutput output,
        prepare_output({.amount = keyset.keys.begin()->first, .lock = lock}, keyset.id, first + i));
    asked.outputs.push_back(std::move(output));
  }
  TRY(const auto found, signed_outputs(asked));
  Rediscovered out;
  for (std::uint64_t i = 0; i < kBatch; ++i) {
    if (!found[i]) continue;
    out.next_counter = first + i + 1;
    auto proof = unblind(asked.outputs[i], *found[i]);
    if (!proof) {
      ++out.refused;
      continue;
    }
    TRY(const bool known, store.knows(proof->y()));
    if (!known) out.proofs.push_back(*std::move(proof));
  }
  return out;
}

Status Wallet::State::restore_keyset(const cashu::Keyset& keyset, player::Restored& restored) {
  cashu::Amount amount = 0;
  int empty = 0;
  for (std::uint64_t batch = 0; batch < kMaxBatches && empty < kEmptyBatches; ++batch) {
    TRY(const Rediscovered found, rediscover(keyset, batch * kBatch, nullptr));
    restored.refused += found.refused;
    empty = found.next_counter == 0 ? empty + 1 : 0;
    if (found.next_counter == 0) continue;
    const std::vector<cashu::Proof>& proofs = found.proofs;
    TRY(const auto states, states_of(proofs));
    TRY(auto transaction, store.transaction());
    TRY_STATUS(store.set_counter(keyset.id, found.next_counter + kMargin));
    for (std::size_t i = 0; i < proofs.size(); ++i) {
      if (states[i].state == mintclient::ProofState::spent) continue;
      TRY_STATUS(store.add_proof(proofs[i], CoinState::unspent, "", 0));
      amount += proofs[i].amount;
      ++restored.proofs;
    }
    TRY_STATUS(transaction.commit());
  }
  if (amount > 0) {
    const auto same =
        std::ranges::find(restored.amounts, keyset.unit, &std::pair<cashu::Unit, cashu::Amount>::first);
    if (same != restored.amounts.end()) {
      same->second += amount;
    } else {
      restored.amounts.emplace_back(keyset.unit, amount);
    }
  }
  return {};
}

/// Unspent, sent and locked proofs that the mint calls spent leave the balance.
Status Wallet::State::forget_spent() {
  TRY(const auto stored, store.proofs({CoinState::unspent, CoinState::locked, CoinState::sent}));
  std::vector<cashu::Proof> proofs;
  for (const auto& item : stored) proofs.push_back(item.proof);
  TRY(const auto states, states_of(proofs));
  TRY(auto transaction, store.transaction());
  for (const auto& status : states) {
    if (status.state == mintclient::ProofState::spent)
      TRY_STATUS(store.set_state(status.y, CoinState::spent));
  }
  return transaction.commit();
}

Result<std::vector<cashu::Proof>> Wallet::find_locked(const std::string& label, const cashu::KeysetId& id,
                                                      cashu::Amount stake, const Lock& lock) {
  if (label.empty()) return invalid("a lock needs a label");
  TRY(auto known, locked(label));
  if (!known.empty()) return known;
  TRY(const cashu::Keyset keys, keyset(id));
  const auto amounts = stake_amounts(stake, keys.input_fee_ppk, keys.keys, state_->most_stake_proofs());
  if (!amounts) return known;
  player::Restored restored;  // sets the counter, up to which the stake can be anywhere
  TRY_STATUS(state_->restore_keyset(keys, restored));
  TRY(const std::uint64_t counter, state_->store.counter(id));
  std::vector<cashu::Proof> unspent;
  std::uint64_t next_counter = 0;
  for (std::uint64_t first = 0; first < counter + kEmptyBatches * kBatch; first += kBatch) {
    TRY(const State::Rediscovered found, state_->rediscover(keys, first, &lock));
    next_counter = std::max(next_counter, found.next_counter);
    TRY(const auto states, state_->states_of(found.proofs));
    for (std::size_t i = 0; i < states.size(); ++i) {
      if (states[i].state == mintclient::ProofState::unspent) unspent.push_back(found.proofs[i]);
    }
  }
  TRY(auto transaction, state_->store.transaction());
  TRY_STATUS(state_->store.set_counter(id, next_counter));
  std::vector<cashu::Proof> out;
  for (const cashu::Amount amount : *amounts) {
    const auto piece = std::ranges::find(unspent, amount, &cashu::Proof::amount);
    if (piece == unspent.end()) return std::vector<cashu::Proof>{};  // not a whole stake
    out.push_back(*piece);
    unspent.erase(piece);
    TRY_STATUS(state_->store.add_proof(out.back(), CoinState::locked, label, 0));
  }
  TRY_STATUS(transaction.commit());
  return out;
}

Result<player::Restored> Wallet::restore() {
  TRY([[maybe_unused]] const Resumed resumed, resume());
  TRY_STATUS(state_->refresh_keysets());
  player::Restored restored;
  // A copy: restoring may add keysets' keys to the map.
  const auto keysets = state_->keysets;
  for (const auto& [id, keyset] : keysets) TRY_STATUS(state_->restore_keyset(keyset, restored));
  TRY_STATUS(state_->forget_spent());
  return restored;
}

}  // namespace manastr::player
