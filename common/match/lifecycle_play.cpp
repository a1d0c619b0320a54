#include <algorithm>

#include "common/match/lifecycle_state.h"

namespace manastr::match {

/// The engine waits for both parties from now on.
void Step::begin_play(Phase phase, unsigned round) {
  s_.phase = phase;
  s_.round = round;
  for (Seat& seat : s_.seats) {
    seat.clock.begin(s_.now, s_.terms.clocks);
    if (s_.stopped_at) seat.clock.stop(s_.now);
  }
}

bool Step::all_done() const {
  return std::none_of(s_.seats.begin(), s_.seats.end(),
                      [](const Seat& seat) { return seat.clock.waiting(); });
}

Status Step::reveal_seed(const Event& event, const Reveal& reveal, std::size_t index) {
  if (s_.phase != Phase::seeds) return invalid("not an event of this phase");
  Seat& seat = s_.seats[index];
  const Commits phase = index == 0 ? Commits::seed_create : Commits::seed_accept;
  const Hash32& scope = index == 0 ? s_.challenge_d : s_.challenge.id;
  if (commitment(phase, scope, seat.pubkey, 0, reveal.payload, reveal.nonce) != seat.seed_commitment) {
    return invalid("seed and nonce do not open the commitment made before");
  }
  Hash32 seed;
  std::copy(reveal.payload.begin(), reveal.payload.end(), seed.begin());
  seat.seed = seed;
  seat.clock.end(s_.now);
  receipted(event);
  if (!all_done() || s_.seats[1 - index].silent) {
    issue(SeedReceipt{event, std::nullopt});
    after_step();
    return {};
  }
  std::vector<SeedShare> shares;
  std::vector<ByteArray<33>> stakes;
  for (const Seat& each : s_.seats) {
    shares.push_back({each.pubkey, *each.seed});
    for (const cashu::Proof& proof : each.stake.proofs) stakes.push_back(proof.c);
  }
  const Hash32 link = keys_.link(s_.challenge.id);
  s_.match_seed = match_seed(s_.challenge.id, shares, stakes, link);
  begin_play(Phase::commit, 1);
  issue(SeedReceipt{event, SeedReceipt::Opening{link, keys_.link_nonce(s_.challenge.id), *s_.match_seed}},
        true);
  return {};
}

Status Step::commit(const Event& event, const Commitment& commitment, std::size_t index) {
  if (s_.phase != Phase::commit) return invalid("not an event of this phase");
  if (commitment.round != s_.round) return invalid("the round now is " + std::to_string(s_.round));
  Seat& seat = s_.seats[index];
  const Seat& opponent = s_.seats[1 - index];
  if (opponent.commitments.size() == s_.round && opponent.commitments.back() == commitment.commitment) {
    return invalid("this is the opponent's commitment");
  }
  seat.commitments.push_back(commitment.commitment);
  seat.clock.end(s_.now);
  receipted(event);
  if (!all_done() || opponent.silent) {
    issue(CommitmentReceipt{event});
    after_step();
    return {};
  }
  begin_play(Phase::reveal, s_.round);
  issue(CommitmentReceipt{event}, true);
  return {};
}

Status Step::reveal_move(const Event& event, const Reveal& reveal, std::size_t index) {
  if (s_.phase != Phase::reveal) return invalid("a move is revealed after both have committed to theirs");
  if (reveal.round != s_.round) return invalid("the round now is " + std::to_string(s_.round));
  Seat& seat = s_.seats[index];
  if (commitment(Commits::move, s_.challenge.id, seat.pubkey, s_.round, reveal.payload, reveal.nonce) !=
      seat.commitments.back()) {
    return invalid("unit and nonce do not open the commitment made before");
  }
  const std::uint8_t unit = reveal.payload.at(0);
  if (!game::may_fight(seat.moves, unit)) return invalid("each unit 0 to 3 fights once");
  seat.moves.push_back(unit);
  seat.clock.end(s_.now);
  receipted(event);
  if (!all_done() || s_.seats[1 - index].silent) {
    issue(RevealReceipt{event});
    after_step();
    return {};
  }
  if (s_.round < game::kChosenRounds) {
    begin_play(Phase::commit, s_.round + 1);
    issue(RevealReceipt{event}, true);
    return {};
  }
  issue(RevealReceipt{event});
  play_out();
  return {};
}

/// Nothing more to wait for in this step, and somebody was silent in it.
void Step::after_step() {
  if (!all_done()) return;
  const bool creator = s_.seats[0].silent;
  const bool acceptor = s_.seats[1].silent;
  if (creator && acceptor) return decide(Outcome::void_match, std::nullopt, "both parties were silent");
  if (creator) return decide(Outcome::win, 1, "the creator was silent and forfeits");
  if (acceptor) return decide(Outcome::win, 0, "the acceptor was silent and forfeits");
}

void Step::silence(std::size_t index) {
  Seat& seat = s_.seats[index];
  SilenceReceipt silent{seat.pubkey, *seat.clock.deadline(), kReveal, {}};
  if (s_.phase == Phase::commit) silent.kind = kCommitment;
  if (s_.phase == Phase::creator_stake) silent.kind = kFunding;
  Slot slot{Slot::Form::numbers, s_.challenge.id, s_.round, 0, {}};
  if (silent.kind == kFunding) {
    slot.first = seat.attempt_open ? seat.attempt : std::min(seat.attempt + 1, kMaxAttempts);
    slot.second = 1;
    while (seat.attempt_open && seat.received.contains(slot.second)) ++slot.second;
  }
  silent.d = slot_text(silent.kind, slot);
  seat.silent = true;
  seat.clock.end(s_.now);
  record(seat.pubkey, {}, "silent");
  issue(std::move(silent));
}

void Step::play_out() {
  std::array<game::Army, 2> armies;
  std::array<game::Moves, 2> moves{};
  for (std::size_t i = 0; i < 2; ++i) {
    armies[i] = game::draw_army(*s_.match_seed, s_.seats[i].pubkey.bytes);
    std::copy(s_.seats[i].moves.begin(), s_.seats[i].moves.end(), moves[i].begin());
  }
  const auto duel = game::play_duel(armies[0], moves[0], armies[1], moves[1]);
  const std::string score = std::to_string(duel->rounds_won[0]) + " rounds to " +
                            std::to_string(duel->rounds_won[1]) + ", damage " +
                            std::to_string(duel->damage[0]) + " to " + std::to_string(duel->damage[1]);
  if (!duel->winner) return decide(Outcome::draw, std::nullopt, "played out: " + score);
  decide(Outcome::win, game::index(*duel->winner), "played out: " + score);
}

}  // namespace manastr::match
