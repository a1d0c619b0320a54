#include "common/match/transcript_step.h"

namespace manastr::match {

Status Transcript::Step::apply(const FundingReceipt& body) {
  TRY_STATUS(only_in({Phase::acceptor_stake, Phase::creator_stake}));
  TRY(const auto event, party_event<Funding>(body.event));
  const auto& [seat, funding] = event;
  if (seat != (before == Phase::creator_stake ? 0 : 1))
    return invalid("it is not this party's turn to lock its stake");
  TRY_STATUS(in_time(seat));
  cashu::Keyset known;
  static_cast<cashu::KeysetInfo&>(known) = v.keyset;
  if (keyset) known.keys = keyset->keys;
  TRY_STATUS(check_proofs(funding.proofs, known, lock_of(seat)));
  View::Funding& stand = v.funding[seat];
  if (funding.attempt < stand.attempt || (funding.attempt == stand.attempt && !stand.open)) {
    return invalid("it takes a part of an attempt that was over");
  }
  if (funding.attempt > stand.attempt) stand = {funding.attempt, true, funding.parts, {}};
  if (funding.parts != stand.parts || stand.received.contains(funding.part)) {
    return invalid("it takes a part that doesn't fit the attempt");
  }
  stand.received[funding.part] = funding.proofs;
  if (stand.received.size() == stand.parts) {
    v.stakes[seat].proofs.clear();
    for (const auto& [part, proofs] : stand.received) {
      v.stakes[seat].proofs.insert(v.stakes[seat].proofs.end(), proofs.begin(), proofs.end());
    }
    // While the mint is asked, the party's clock stands still.
    stand.checking = check_stake(v.stakes[seat].proofs, v.keyset, v.terms.stake, v.max_inputs).has_value();
    if (stand.checking) v.clocks[seat].stop(head.at);
  }
  return expect(before);
}

Status Transcript::Step::apply(const StakedReceipt& body) {
  TRY_STATUS(only_in({Phase::acceptor_stake, Phase::creator_stake}));
  TRY(const std::size_t seat, seat_of(body.party));
  if (seat != (before == Phase::creator_stake ? 0 : 1))
    return invalid("it is not this party's stake that is due");
  const View::Funding& stand = v.funding[seat];
  if (!stand.open || stand.attempt != body.attempt || stand.received.size() != stand.parts) {
    return invalid("the attempt is not whole");
  }
  TRY_STATUS(check_stake(v.stakes[seat].proofs, v.keyset, v.terms.stake, v.max_inputs));
  v.staked[seat] = true;
  v.funding[seat].checking = false;
  v.clocks[seat].end(head.at);
  if (seat == 1) begin_stake(0);
  return expect(Phase::creator_stake);
}

Status Transcript::Step::apply(const UnstakedReceipt& body) {
  TRY_STATUS(only_in({Phase::acceptor_stake, Phase::creator_stake}));
  TRY(const std::size_t seat, seat_of(body.party));
  View::Funding& stand = v.funding[seat];
  if (!stand.open || stand.attempt != body.attempt) return invalid("this attempt is not open");
  stand.open = false;
  stand.checking = false;
  if (!v.stopped) v.clocks[seat].resume(head.at, v.terms.clocks);
  v.stakes[seat].proofs.clear();
  return expect(before);
}

Status Transcript::Step::apply(const LapsedReceipt& body) {
  TRY_STATUS(only_in({Phase::acceptor_stake}));
  if (v.parties.size() != 2 || body.party != v.parties[1])
    return invalid("it lapses another than the acceptor");
  const bool late = deadlines_before[1] && head.at >= *deadlines_before[1];
  if (!late && head.at < *v.funding_limit) return invalid("it lapses an acceptance that still had time");
  v.clocks[1] = Allowance(v.terms.clocks.party);
  v.parties.pop_back();
  v.escrow.pop_back();
  v.seed_commitments.pop_back();
  v.funding[1] = {};
  v.stakes[1] = {};
  v.stopped = false;
  v.link_commitment.reset();
  v.funding_limit.reset();
  v.hard_end.reset();
  v.locktime.reset();
  return expect(Phase::open);
}

Status Transcript::Step::apply(const FundedReceipt& body) {
  TRY_STATUS(only_in({Phase::creator_stake}));
  if (!v.staked[0] || !v.staked[1]) return invalid("a stake is missing");
  for (std::size_t i = 0; i < 2; ++i) {
    std::vector<ByteArray<33>> cs;
    for (const cashu::Proof& proof : v.stakes[i].proofs) cs.push_back(proof.c);
    if (cs != body.stakes[i]) return invalid("it names other proofs than were locked");
  }
  if (body.link_commitment != v.link_commitment) return invalid("the link commitment has changed");
  v.funded = true;
  begin_step();
  return expect(Phase::seeds);
}

}  // namespace manastr::match
