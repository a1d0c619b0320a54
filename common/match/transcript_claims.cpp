#include <algorithm>

#include "common/match/transcript_step.h"

namespace manastr::match {
namespace {

constexpr std::string_view kStakeSpent = "a stake was found spent at the mint";
constexpr std::string_view kForked = "the engine signed two receipts";

std::string whom(std::optional<std::size_t> seat) {
  if (!seat) return "nobody";
  return *seat == 0 ? "the creator" : "the acceptor";
}

}  // namespace

Status Transcript::Step::apply(const VerdictReceipt& body) {
  if (v.parties.size() != 2) return invalid("a verdict on a match of one party");
  const bool again = before == Phase::claims;
  if (!again) TRY_STATUS(only_in({Phase::creator_stake, Phase::seeds, Phase::commit, Phase::reveal}));
  if (!(body.terms == v.terms) || body.parties[0] != v.parties[0] || body.parties[1] != v.parties[1] ||
      body.locktime != *v.locktime || body.escrow_keys[0] != v.escrow[0] ||
      body.escrow_keys[1] != v.escrow[1] || body.escrow_keys[2] != *v.engine_escrow) {
    return invalid("the verdict names other terms, parties, keys or another locktime");
  }
  const bool admits_fault = body.reason == kStakeSpent || body.reason.starts_with(kForked);
  Outcome due = Outcome::void_match;
  std::optional<std::size_t> winner;
  if (again) {
    if (!admits_fault || v.verdict->outcome != Outcome::win) return invalid("a second verdict");
  } else if (before == Phase::creator_stake) {
    const bool late = v.silent[0] || head.at >= *v.funding_limit;
    if (!late && !admits_fault) return invalid("an abort while there was still time");
    due = Outcome::aborted;
  } else if (const auto played = play_out(v)) {
    due = played->outcome;
    winner = played->winner;
  } else if (v.silent[0] || v.silent[1]) {
    const bool both = v.silent[0] && v.silent[1];
    const std::size_t other = v.silent[0] ? 1 : 0;
    const bool acted = before == Phase::seeds    ? v.seeds[other].has_value()
                       : before == Phase::commit ? v.commitments[other].size() == round_before
                                                 : v.moves[other].size() == round_before;
    if (!both && !acted) return invalid("a verdict while a party could still act");
    if (!both) {
      due = Outcome::win;
      winner = other;
    }
  } else if (head.at < *v.hard_end && !admits_fault) {
    return invalid("a verdict before the end of the match");
  }
  if (admits_fault && !again && before != Phase::creator_stake) {
    due = Outcome::void_match;
    winner.reset();
  }
  const bool past_end = playing(before) && head.at >= *v.hard_end && body.outcome == Outcome::void_match;
  if (past_end) {
    due = Outcome::void_match;
    winner.reset();
  }
  std::optional<std::size_t> named;
  if (body.winner) {
    TRY(named, seat_of(*body.winner));
  }
  if (body.outcome != due || named != winner) {
    return invalid("wrong verdict: it says " + std::string(outcome_name(body.outcome)) + " for " +
                   whom(named) + ", the events say " + std::string(outcome_name(due)) + " for " +
                   whom(winner));
  }
  // Which stakes there are to share: the locked ones, less what the mint called spent.
  std::vector<Stake> stakes(v.stakes.begin(), v.stakes.end());
  if (before == Phase::creator_stake && !v.staked[0] && stakes[0].proofs.size() > 0) {
    const View::Funding& stand = v.funding[0];
    if (!stand.open || stand.received.size() != stand.parts) stakes[0].proofs.clear();
  }
  if (body.reason == kStakeSpent) {
    for (std::size_t i = 0; i < 2; ++i) {
      const bool paid = std::any_of(body.payouts.begin(), body.payouts.end(),
                                    [&](const Payout& payout) { return payout.claimant == v.parties[i]; });
      if (!paid) stakes[i].proofs.clear();
    }
  }
  const std::array<Party, 2> parties{{{v.parties[0], v.escrow[0]}, {v.parties[1], v.escrow[1]}}};
  TRY(const std::vector<Payout> payouts, plan_payouts(v.terms, parties, stakes, due, winner));
  if (payouts != body.payouts)
    return invalid("wrong payout: prize, rake or stakes are not those of the terms");
  v.verdict = body;
  v.verdict_id = receipt.id;
  v.claims = {};
  v.stopped = false;
  v.funding[0].checking = v.funding[1].checking = false;
  end_all();
  return expect(Phase::claims);
}

Status Transcript::Step::apply(const ClaimReceipt& body) {
  TRY_STATUS(only_in({Phase::claims}));
  TRY(const auto event, party_event<Claim>(body.event));
  const auto& [seat, claim] = event;
  View::Claiming& stand = v.claims[seat];
  if (claim.outcome != v.verdict->outcome || stand.pending || stand.settled_groups > 0 ||
      claim.attempt <= stand.attempt) {
    return invalid("it takes a claim that doesn't fit the verdict or the attempts before");
  }
  stand.attempt = claim.attempt;
  stand.pending = true;
  stand.event = body.event;
  stand.signatures = body.signatures;
  v.accepted_claims.push_back(body.event);
  return expect(Phase::claims);
}

Status Transcript::Step::apply(const RefusalReceipt& body) {
  TRY_STATUS(only_in({Phase::claims}));
  TRY(const std::size_t seat, seat_of(body.claimant));
  View::Claiming& stand = v.claims[seat];
  if (!stand.pending || stand.attempt != body.attempt)
    return invalid("it refuses a claim that is not before the mint");
  stand.pending = false;
  v.refusals.push_back(body);
  return expect(Phase::claims);
}

Status Transcript::Step::apply(const SettledReceipt& body) {
  TRY_STATUS(only_in({Phase::claims}));
  TRY(const std::size_t seat, seat_of(body.claimant));
  View::Claiming& stand = v.claims[seat];
  if ((!stand.pending && stand.settled_groups == 0) || body.group != stand.settled_groups) {
    return invalid("it settles what was not claimed, or out of order");
  }
  const auto payout = std::find_if(v.verdict->payouts.begin(), v.verdict->payouts.end(),
                                   [&](const Payout& each) { return each.claimant == body.claimant; });
  if (payout == v.verdict->payouts.end() || body.group >= payout->groups.size())
    return invalid("it pays a group that is none");
  const Group& group = payout->groups[body.group];
  if (cashu::sum_amounts(body.outputs) != group.pay + group.rake)
    return invalid("it pays another sum than the verdict");
  stand.pending = false;
  stand.settled_groups = body.group + 1;
  stand.outputs.push_back(body.outputs);
  if (stand.settled_groups == payout->groups.size()) {
    const auto claim = parse_party_event(stand.event);
    if (!claim || outputs_hash(stand.outputs) != std::get<Claim>(claim->content).outputs_hash) {
      return invalid("it pays other outputs than were claimed");
    }
  }
  v.settled.push_back(body);
  return expect(Phase::claims);
}

}  // namespace manastr::match
