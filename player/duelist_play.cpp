// Acceptance, stake, seed and moves.
#include <fmt/format.h>

#include <algorithm>

#include "player/duelist_state.h"

namespace manastr::player {

Status Duelist::State::accept() {
  const std::string d = id_text();
  return say(match::kAcceptance, d, [&]() -> Result<nostr::Draft> {
    match::Acceptance acceptance{match::terms_hash(challenge.terms), secrets.escrow().public_key(), {}, {}};
    acceptance.escrow_proof = match::prove_escrow(secrets.escrow(), match::EscrowRole::accept, me, record.id);
    acceptance.seed_commitment = secrets.seed_commitment(match::Commits::seed_accept, me);
    return match::to_draft(acceptance, pointers(), created_at());
  });
}

Status Duelist::State::play(std::size_t index) {
  const auto awaited = transcript.awaited(index);
  if (!awaited) return {};
  const auto slot = match::parse_slot(awaited->kind, awaited->d);
  if (!slot) return broken("the engine waits for something that this client does not know");
  switch (awaited->kind) {
    case match::kFunding:
      return fund(index, slot->first);
    case match::kCommitment:
      return commit(index, slot->first);
    case match::kReveal:
      return slot->first == 0 ? open_seed(index) : reveal(index, slot->first);
    default:
      return {};
  }
}

match::Lock Duelist::State::stake_lock(std::size_t index) const {
  const auto& v = view();
  return {v.escrow[0], v.escrow[1], *v.engine_escrow, v.escrow[index], *v.locktime, record.id};
}

Result<bool> Duelist::State::stake_is_there(std::size_t index) {
  std::vector<crypto::PublicKey> ys;
  for (const cashu::Proof& proof : view().stakes[index].proofs) ys.push_back(proof.y());
  TRY(const auto states, tools.mint.checkstate(ys));
  for (const auto& state : states) {
    if (state.state == mintclient::ProofState::spent) {
      stop("the mint says that the opponent's stake is spent");
      return false;
    }
    if (state.state != mintclient::ProofState::unspent) return false;
  }
  return true;
}

/// The engine's clock is behind every time in the chain. Far from ours, it could lock the stake for years, or
/// free the other's before the prize can be claimed.
bool Duelist::State::locktime_is_plausible() const {
  const match::Clocks& clocks = view().terms.clocks;
  const Seconds off = *view().locktime - (tools.clock.now_seconds() + clocks.to_locktime());
  return off <= match::kCreatedAtTolerance && off >= -(match::kCreatedAtTolerance + clocks.funding_limit());
}

Status Duelist::State::fund(std::size_t index, unsigned attempt) {
  const auto& v = view();
  if (!locktime_is_plausible()) {
    if (due("locktime", Millis{60'000})) {
      tell("not-funding",
           fmt::format("the engine would lock the stake until {} (seconds since 1970), hours from "
                       "what the terms say: its clock or this machine's is wrong",
                       count(*v.locktime)));
    }
    return {};
  }
  // The mint is asked once a second at most, not at each turn until the receipt is here.
  if (!due("fund:" + std::to_string(attempt), Millis{1000})) return {};
  if (index == 0) {  // the creator funds only what the acceptor has funded
    TRY(const bool there, stake_is_there(1));
    if (!there) return {};
  }
  if (v.escrow[index] != secrets.escrow().public_key()) {
    stop("the chain names another escrow key than ours");
    return {};
  }
  const match::Lock lock = stake_lock(index);
  const cashu::Condition condition = cashu::parse_condition(match::stake_secret(lock, {}));
  TRY(const auto mine, tools.wallet.locked(stake_label(attempt)));
  if (!mine.empty()) return publish_stake(lock, mine, attempt);
  TRY(auto proofs, earlier_stake(lock, attempt));
  if (!proofs) return {};  // the mint is busy with them
  if (proofs->empty()) {
    auto locked = tools.wallet.lock(stake_label(attempt), v.terms.stake_unit, v.terms.stake,
                                    {condition.data, condition.tags, v.terms.keyset});
    if (!locked && locked.error().code == cashu::kKeysetInactive) {
      stop("the mint has changed its keyset since the terms were made: nothing was locked");
      return {};
    }
    TRY(*proofs, std::move(locked));
  }
  return publish_stake(lock, *proofs, attempt);
}

Status Duelist::State::find_stakes() {
  const cashu::Condition condition = cashu::parse_condition(match::stake_secret(*own_lock, {}));
  for (unsigned attempt = 1; attempt <= match::kMaxAttempts; ++attempt) {
    TRY(const auto found, tools.wallet.find_locked(stake_label(attempt), challenge.terms.keyset,
                                                   challenge.terms.stake, {condition.data, condition.tags}));
    if (found.empty()) break;
  }
  record.recovered = false;
  return tools.book.set_recovered(record.id, false);
}

Result<std::optional<std::vector<cashu::Proof>>> Duelist::State::earlier_stake(const match::Lock& lock,
                                                                               unsigned attempt) {
  for (unsigned earlier = attempt - 1; earlier >= 1; --earlier) {
    TRY(auto proofs, tools.wallet.locked(stake_label(earlier)));
    if (proofs.empty() || !match::check_stake_secret(proofs.front().secret, lock)) continue;
    std::vector<crypto::PublicKey> ys;
    for (const cashu::Proof& proof : proofs) ys.push_back(proof.y());
    TRY(const auto states, tools.mint.checkstate(ys));
    const auto all = [&states](mintclient::ProofState state) {
      return std::all_of(states.begin(), states.end(),
                         [state](const auto& each) { return each.state == state; });
    };
    if (all(mintclient::ProofState::unspent)) return proofs;
    if (!all(mintclient::ProofState::spent)) return std::nullopt;
  }
  return std::vector<cashu::Proof>{};
}

Status Duelist::State::publish_stake(const match::Lock& lock, const std::vector<cashu::Proof>& proofs,
                                     unsigned attempt) {
  for (const cashu::Proof& proof : proofs) TRY_STATUS(match::check_stake_secret(proof.secret, lock));
  const unsigned parts =
      static_cast<unsigned>((proofs.size() + match::kMaxProofsPerPart - 1) / match::kMaxProofsPerPart);
  for (unsigned part = 1; part <= parts; ++part) {
    const auto first = proofs.begin() + static_cast<std::ptrdiff_t>((part - 1) * match::kMaxProofsPerPart);
    const auto last = part == parts ? proofs.end() : first + match::kMaxProofsPerPart;
    const std::string d = fmt::format("{}:{}:{}", id_text(), attempt, part);
    TRY_STATUS(say(match::kFunding, d, [&]() -> Result<nostr::Draft> {
      return match::to_draft(match::Funding{attempt, part, parts, {first, last}}, pointers(), created_at());
    }));
  }
  return {};
}

Status Duelist::State::open_seed(std::size_t index) {
  if (!due("open-seed", Millis{1000})) return {};
  TRY(const bool there, stake_is_there(1 - index));
  if (!there) return {};
  return say(match::kReveal, id_text() + ":0", [&]() -> Result<nostr::Draft> {
    const Hash32 seed = secrets.seed();
    const auto phase = index == 0 ? match::Commits::seed_create : match::Commits::seed_accept;
    const match::Reveal reveal{0, {seed.begin(), seed.end()}, secrets.seed_nonce(phase)};
    return match::to_draft(reveal, pointers(), created_at());
  });
}

Status Duelist::State::commit(std::size_t index, unsigned round) {
  TRY(auto unit, tools.book.chosen(record.id, round));
  if (!unit) {
    std::vector<std::uint8_t> free;
    for (std::uint8_t i = 0; i < game::kUnits; ++i) {
      if (game::may_fight(view().moves[index], i)) free.push_back(i);
    }
    const auto chosen = tools.moves.choose(record.id, view(), index, round, free);
    if (!chosen) return {};
    TRY(unit, tools.book.choose(record.id, round, *chosen));
  }
  return say(match::kCommitment, fmt::format("{}:{}", id_text(), round), [&]() -> Result<nostr::Draft> {
    const match::Commitment commitment{round, secrets.move_commitment(record.id, me, round, *unit)};
    return match::to_draft(commitment, pointers(), created_at());
  });
}

Status Duelist::State::reveal(std::size_t index, unsigned round) {
  TRY(auto unit, tools.book.chosen(record.id, round));
  const auto& said = view().commitments[index];
  for (std::uint8_t each = 0; !unit && round <= said.size() && each < game::kUnits; ++each) {
    // Chosen from files now lost; the seed tells which of the few it was.
    if (secrets.move_commitment(record.id, me, round, each) != said[round - 1]) continue;
    TRY(unit, tools.book.choose(record.id, round, each));
  }
  if (!unit) {
    stop("the engine receipted a commitment that this client did not make");
    return {};
  }
  return say(match::kReveal, fmt::format("{}:{}", id_text(), round), [&]() -> Result<nostr::Draft> {
    const match::Reveal reveal{round, {*unit}, secrets.move_nonce(record.id, round, *unit)};
    return match::to_draft(reveal, pointers(), created_at());
  });
}

}  // namespace manastr::player
