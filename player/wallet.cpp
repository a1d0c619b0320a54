#include "player/wallet.h"

#include <algorithm>
#include <limits>

#include "common/crypto/hash.h"
#include "player/wallet_state.h"

namespace manastr::player {
namespace {

using cashu::Amount;
constexpr std::size_t kMaxInputs = 500;

/// Hash of the seed under a name of its own, to recognize it by.
Hash32 mark_of(const crypto::Secret<64>& seed) {
  return crypto::hmac_sha256(seed.reveal(), {as_bytes("manastr/v1/wallet-file")});
}

}  // namespace

Wallet::Wallet(std::unique_ptr<State> state) : state_(std::move(state)) {}
Wallet::~Wallet() = default;

Result<std::unique_ptr<Wallet>> Wallet::open(const std::string& path, const crypto::Secret<64>& seed,
                                             std::shared_ptr<mintclient::MintClient> client,
                                             const Clock& clock, const storage::OpenOptions& storage) {
  TRY(auto store, WalletStore::open(path, client->mint_url(), mark_of(seed), storage));
  auto state = std::unique_ptr<State>(new State{std::move(store), seed, std::move(client), clock, {}, false});
  TRY(auto known, state->store.keysets());
  for (auto& keyset : known) {
    const cashu::KeysetId id = keyset.id;
    state->keysets.emplace(id, std::move(keyset));
  }
  return std::unique_ptr<Wallet>(new Wallet(std::move(state)));
}

const std::string& Wallet::mint_url() const { return state_->client->mint_url(); }

Result<std::vector<Balance>> Wallet::balances() {
  std::map<cashu::Unit, Balance> units;
  for (const auto& [id, keyset] : state_->keysets) units[keyset.unit].unit = keyset.unit;
  TRY(const auto proofs, state_->store.proofs({CoinState::unspent, CoinState::under_way, CoinState::locked}));
  for (const auto& [proof, state] : proofs) {
    const auto keyset = state_->keysets.find(proof.id);
    if (keyset == state_->keysets.end()) continue;
    Balance& balance = units[keyset->second.unit];
    Amount& part = state == CoinState::unspent  ? balance.available
                   : state == CoinState::locked ? balance.locked
                                                : balance.under_way;
    part = cashu::add(part, proof.amount).value_or(std::numeric_limits<Amount>::max());
  }
  std::vector<Balance> out;
  for (auto& [unit, balance] : units) out.push_back(std::move(balance));
  return out;
}

Result<Balance> Wallet::balance(const cashu::Unit& unit) {
  TRY(auto all, balances());
  for (Balance& one : all) {
    if (one.unit == unit) return std::move(one);
  }
  return Balance{.unit = unit};
}

Result<Resumed> Wallet::resume() {
  Resumed out;
  TRY(const auto ids, state_->store.open_operations());
  TRY(auto quotes, open_mint_quotes());
  if (ids.empty() && quotes.empty()) return out;
  // One question first: with the mint out of reach, each operation would wait for its own timeout.
  const Status reached = state_->refresh_keysets();
  const bool silent = !reached && reached.error().kind == ErrorKind::unavailable;
  std::vector<Operation> prepared;
  for (const std::int64_t id : ids) {
    TRY(auto operation, state_->store.operation(id));
    if (!operation) return broken("the wallet file lacks an operation that it lists");
    if (operation->kind == OperationKind::prepare) {
      prepared.push_back(*std::move(operation));
      continue;
    }
    const Status status = silent ? reached : state_->run(*operation);
    if (status) {
      ++out.finished;
    } else if (status.error().kind == ErrorKind::broken) {
      return std::unexpected(status.error());
    } else if (status.error().kind == ErrorKind::unavailable) {
      out.open.push_back(status.error().message);
    } else {
      ++out.returned;
    }
  }
  // These wait for settlements that others send: to be unsigned yet is their usual state.
  if (silent) return out;
  out.finished += state_->fetch_prepared(prepared);
  // A quote may have been paid just before the process stopped.
  TRY(quotes, open_mint_quotes());
  for (const auto& quote : quotes) {
    const auto minted = mint_paid(quote.id);
    if (minted && minted->minted) {
      ++out.finished;
    } else if (!minted && minted.error().kind == ErrorKind::broken) {
      return std::unexpected(minted.error());
    }
  }
  return out;
}

// --- keysets ---

Result<cashu::Keyset> Wallet::State::fetch_keyset(const cashu::KeysetInfo& info) {
  TRY(cashu::Keyset fresh, client->keys(info.id));
  if (fresh.unit != info.unit || fresh.input_fee_ppk != info.input_fee_ppk) {
    return refused(0, "the mint contradicts itself about unit or fee of keyset " + info.id.hex());
  }
  fresh.active = info.active;
  return fresh;
}

Status Wallet::State::refresh_keysets() {
  TRY(const auto listed, client->keysets());
  for (const cashu::KeysetInfo& info : listed) {
    const auto known = keysets.find(info.id);
    if (known == keysets.end()) {
      TRY(cashu::Keyset fresh, fetch_keyset(info));
      TRY_STATUS(store.save_keyset(fresh));
      keysets.emplace(info.id, std::move(fresh));
      continue;
    }
    // A version 1 id doesn't bind the fee; a mint that raises it in place is not followed (NUT-02 wants a new
    // keyset).
    if (known->second.unit != info.unit || known->second.input_fee_ppk != info.input_fee_ppk) {
      return refused(0, "the mint changed unit or fee of keyset " + info.id.hex() + " under its id");
    }
    if (known->second.active == info.active) continue;
    known->second.active = info.active;
    TRY_STATUS(store.save_keyset(known->second));
  }
  if (!keysets_fresh) {
    const auto info = client->info();
    if (info && info->max_array_length.value_or(0) > 0) most_at_once = *info->max_array_length;
  }
  keysets_fresh = true;
  return {};
}

Result<const cashu::Keyset*> Wallet::State::keyset(const cashu::KeysetId& id) {
  if (!keysets.contains(id)) TRY_STATUS(refresh_keysets());
  const auto found = keysets.find(id);
  if (found == keysets.end()) return refused(cashu::kKeysetUnknown, "the mint has no keyset " + id.hex());
  return &found->second;
}

Result<const cashu::Keyset*> Wallet::State::active_keyset(const cashu::Unit& unit) {
  if (!keysets_fresh) TRY_STATUS(refresh_keysets());
  const cashu::Keyset* best = nullptr;
  const UnixSeconds now = clock.now_seconds();
  for (const auto& [id, keyset] : keysets) {
    if (keyset.unit != unit || !keyset.active || (keyset.final_expiry && *keyset.final_expiry <= now))
      continue;
    if (best == nullptr || keyset.input_fee_ppk < best->input_fee_ppk) best = &keyset;
  }
  if (best == nullptr)
    return refused(cashu::kUnitUnsupported, "the mint has no active keyset of unit " + unit);
  return best;
}

Status Wallet::refresh_keysets() { return state_->refresh_keysets(); }

Result<cashu::Keyset> Wallet::active_keyset(const cashu::Unit& unit) {
  TRY(const cashu::Keyset* found, state_->active_keyset(unit));
  return *found;
}

Result<cashu::Keyset> Wallet::keyset(const cashu::KeysetId& id) {
  TRY(const cashu::Keyset* found, state_->keyset(id));
  return *found;
}

// --- inputs ---

Result<Amount> Wallet::State::fee_of(const std::vector<cashu::Proof>& inputs) {
  std::uint64_t ppk = 0;
  for (const auto& input : inputs) {
    TRY(const cashu::Keyset* keys, keyset(input.id));
    const auto sum = cashu::add(ppk, keys->input_fee_ppk);
    if (!sum) return refused(0, "the mint's input fee is absurd");
    ppk = *sum;
  }
  const auto fee = cashu::fee_of_ppk_sum(ppk);
  if (!fee) return refused(0, "the mint's input fee is absurd");
  return *fee;
}

Result<Wallet::State::Selection> Wallet::State::select(const cashu::Unit& unit, Amount target) {
  TRY(const auto stored, store.proofs({CoinState::unspent}));
  std::vector<Coin> coins;
  std::vector<const cashu::Proof*> proofs;
  for (const auto& [proof, state] : stored) {
    const auto found = keysets.find(proof.id);
    if (found == keysets.end() || found->second.unit != unit) continue;
    coins.push_back({proof.amount, found->second.input_fee_ppk, !found->second.active});
    proofs.push_back(&proof);
  }
  const auto chosen = select_coins(coins, target, std::min(kMaxInputs, most_at_once));
  if (!chosen) {
    const Amount there = cashu::sum_amounts(coins).value_or(std::numeric_limits<Amount>::max());
    return invalid("not enough " + unit + ": " + std::to_string(target) +
                       " and the mint's input fee are needed, " + std::to_string(there) + " are there",
                   cashu::kNotBalanced);
  }
  Selection out;
  for (const std::size_t index : *chosen) out.proofs.push_back(*proofs[index]);
  const auto sum = cashu::sum_amounts(out.proofs);
  if (!sum) return invalid("the amounts of the chosen proofs add up to more than 2^64-1");
  out.sum = *sum;
  TRY(out.fee, fee_of(out.proofs));
  return out;
}

Status Wallet::State::gather(const cashu::Unit& unit, Amount target) {
  TRY([[maybe_unused]] const cashu::Keyset* active, active_keyset(unit));
  for (std::size_t last = std::numeric_limits<std::size_t>::max();;) {
    if (select(unit, target)) return {};
    TRY(const auto stored, store.proofs({CoinState::unspent}));
    std::vector<cashu::Proof> small;
    for (const auto& [proof, state] : stored) {
      const auto found = keysets.find(proof.id);
      if (found != keysets.end() && found->second.unit == unit) small.push_back(proof);
    }
    const std::size_t count = small.size();
    const auto sum = cashu::sum_amounts(small);
    const bool enough = sum && *sum >= target;
    const std::size_t most = std::min(kMaxInputs, most_at_once);
    if (!enough || count <= most || count >= last) return {};
    last = count;
    std::ranges::sort(small, {}, &cashu::Proof::amount);
    small.resize(most);
    TRY(const Amount fee, fee_of(small));
    const Amount together = cashu::sum_amounts(small).value_or(0);
    if (together <= fee) return {};
    TRY([[maybe_unused]] const Operation swapped,
        perform(unit, [&](const cashu::Keyset& keys) -> Result<OperationPlan> {
          OperationPlan plan{.kind = OperationKind::swap, .inputs = small, .inputs_chosen = false};
          TRY(plan.outputs, plan_amount(together - fee, keys, CoinState::unspent));
          return plan;
        }));
  }
}

Result<std::vector<OutputPlan>> plan_amount(Amount amount, const cashu::Keyset& keyset, CoinState becomes) {
  const auto pieces = denominate(amount, keyset.keys);
  if (!pieces)
    return invalid(std::to_string(amount) + " " + keyset.unit + " can't be made of the mint's denominations");
  std::vector<OutputPlan> out;
  for (const Amount piece : *pieces) out.push_back({piece, becomes, nullptr});
  return out;
}

void sort_by_amount(std::vector<OutputPlan>& outputs) {
  std::ranges::stable_sort(outputs, {}, &OutputPlan::amount);
}

}  // namespace manastr::player
