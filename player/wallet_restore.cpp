#include "player/wallet_state.h"

namespace manastr::player {
namespace {

constexpr std::uint64_t kBatch = 100;
constexpr int kEmptyBatches = 3;
constexpr std::uint64_t kMaxBatches =
    100'000;  // ten million secrets: a mint that signs everything must not hold us for ever

}  // namespace

Status Wallet::State::restore_keyset(const cashu::Keyset& keyset, player::Restored& restored) {
  cashu::Amount amount = 0;
  int empty = 0;
  for (std::uint64_t batch = 0; batch < kMaxBatches && empty < kEmptyBatches; ++batch) {
    Operation asked;
    for (std::uint64_t i = 0; i < kBatch; ++i) {
      // The amount is the mint's to say; a known denomination stands in for it.
      TRY(PreparedOutput output,
          prepare_output({.amount = keyset.keys.begin()->first}, keyset.id, batch * kBatch + i));
      asked.outputs.push_back(std::move(output));
    }
    TRY(const auto found, signed_outputs(asked));
    std::vector<cashu::Proof> proofs;
    std::uint64_t next_counter = 0;
    for (std::uint64_t i = 0; i < kBatch; ++i) {
      if (!found[i]) continue;
      next_counter = batch * kBatch + i + 1;
      auto proof = unblind(asked.outputs[i], *found[i]);
      if (!proof) {
        ++restored.refused;
        continue;
      }
      TRY(const bool known, store.knows(proof->y()));
      if (!known) proofs.push_back(*std::move(proof));
    }
    empty = next_counter == 0 ? empty + 1 : 0;
    if (next_counter == 0) continue;
    TRY(const auto states, states_of(proofs));
    TRY(auto transaction, store.transaction());
    TRY_STATUS(store.set_counter(keyset.id, next_counter));
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
