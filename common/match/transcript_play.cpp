#include <algorithm>

#include "common/match/transcript_step.h"

namespace manastr::match {

Status Transcript::Step::apply(const SeedReceipt& body) {
  TRY_STATUS(only_in({Phase::seeds}));
  TRY(const auto event, party_event<Reveal>(body.event));
  const auto& [seat, reveal] = event;
  if (reveal.round != 0 || v.seeds[seat])
    return invalid("it takes another reveal than that of this party's seed");
  TRY_STATUS(in_time(seat));
  const Commits phase = seat == 0 ? Commits::seed_create : Commits::seed_accept;
  const Hash32& scope = seat == 0 ? v.challenge_d : v.match;
  if (commitment(phase, scope, v.parties[seat], 0, reveal.payload, reveal.nonce) !=
      v.seed_commitments[seat]) {
    return invalid("the seed does not open its commitment");
  }
  Hash32 seed;
  std::copy(reveal.payload.begin(), reveal.payload.end(), seed.begin());
  v.seeds[seat] = seed;
  v.clocks[seat].end(head.at);
  const bool both = v.seeds[0] && v.seeds[1];
  if (both != body.opening.has_value()) {
    return invalid(both ? "the engine does not open its link" : "the engine opens its link too early");
  }
  if (!both) return expect(Phase::seeds);
  if (commitment(Commits::link, v.match, v.engine, 0, body.opening->link, body.opening->nonce) !=
      v.link_commitment) {
    return invalid("the engine's link does not open its commitment");
  }
  const std::array<SeedShare, 2> shares{{{v.parties[0], *v.seeds[0]}, {v.parties[1], *v.seeds[1]}}};
  std::vector<ByteArray<33>> stakes;
  for (const Stake& stake : v.stakes) {
    for (const cashu::Proof& proof : stake.proofs) stakes.push_back(proof.c);
  }
  const Hash32 drawn = match::match_seed(v.match, shares, stakes, body.opening->link);
  if (drawn != body.opening->match_seed)
    return invalid("the match seed is not what seeds, stakes and link make");
  v.match_seed = drawn;
  v.armies = {game::draw_army(drawn, v.parties[0].bytes), game::draw_army(drawn, v.parties[1].bytes)};
  begin_step();
  return expect(Phase::commit, 1);
}

Status Transcript::Step::apply(const CommitmentReceipt& body) {
  TRY_STATUS(only_in({Phase::commit}));
  TRY(const auto event, party_event<Commitment>(body.event));
  const auto& [seat, made] = event;
  if (made.round != round_before || v.commitments[seat].size() + 1 != made.round) {
    return invalid("it takes another commitment than that of this round");
  }
  TRY_STATUS(in_time(seat));
  v.commitments[seat].push_back(made.commitment);
  v.clocks[seat].end(head.at);
  const bool both = v.commitments[0].size() == made.round && v.commitments[1].size() == made.round;
  if (both) begin_step();
  return expect(both ? Phase::reveal : Phase::commit, round_before);
}

Status Transcript::Step::apply(const RevealReceipt& body) {
  TRY_STATUS(only_in({Phase::reveal}));
  TRY(const auto event, party_event<Reveal>(body.event));
  const auto& [seat, reveal] = event;
  if (reveal.round != round_before || v.moves[seat].size() + 1 != reveal.round) {
    return invalid("it takes another reveal than that of this round");
  }
  TRY_STATUS(in_time(seat));
  if (commitment(Commits::move, v.match, v.parties[seat], reveal.round, reveal.payload, reveal.nonce) !=
      v.commitments[seat].back()) {
    return invalid("the move does not open its commitment");
  }
  if (!game::may_fight(v.moves[seat], reveal.payload.at(0)))
    return invalid("the move names a unit that can't fight");
  v.moves[seat].push_back(reveal.payload.at(0));
  const bool both = v.moves[0].size() == reveal.round && v.moves[1].size() == reveal.round;
  v.clocks[seat].end(head.at);
  if (!both || reveal.round == game::kChosenRounds) return expect(Phase::reveal, round_before);
  begin_step();
  return expect(Phase::commit, reveal.round + 1);
}

Status Transcript::Step::apply(const SilenceReceipt& body) {
  TRY_STATUS(only_in({Phase::creator_stake, Phase::seeds, Phase::commit, Phase::reveal}));
  TRY(const std::size_t seat, seat_of(body.party));
  const bool owes = before == Phase::creator_stake ? seat == 0
                    : before == Phase::seeds       ? !v.seeds[seat]
                    : before == Phase::commit      ? v.commitments[seat].size() < round_before
                                                   : v.moves[seat].size() < round_before;
  if (!owes) return invalid("it calls a party silent that owes nothing");
  if (v.stopped || deadlines_before[seat] != body.deadline || head.at < body.deadline) {
    return invalid("it calls a party silent before its deadline");
  }
  v.silent[seat] = true;
  v.clocks[seat].end(head.at);
  return expect(before, round_before);
}

std::optional<PlayedOut> play_out(const Transcript::View& view) {
  if (!view.armies || view.moves[0].size() != game::kChosenRounds ||
      view.moves[1].size() != game::kChosenRounds) {
    return std::nullopt;
  }
  std::array<game::Moves, 2> moves{};
  for (std::size_t i = 0; i < 2; ++i) std::copy(view.moves[i].begin(), view.moves[i].end(), moves[i].begin());
  auto duel = game::play_duel((*view.armies)[0], moves[0], (*view.armies)[1], moves[1]);
  if (!duel) return std::nullopt;
  PlayedOut out{*duel, Outcome::draw, std::nullopt};
  if (duel->winner) {
    out.outcome = Outcome::win;
    out.winner = game::index(*duel->winner);
  }
  return out;
}

}  // namespace manastr::match
