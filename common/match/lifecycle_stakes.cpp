#include <algorithm>

#include "common/match/lifecycle_state.h"

namespace manastr::match {
namespace {
constexpr Seconds kKeysetMargin{7 * 86400};  // a keyset must outlive the locktime by this
}

void Step::operate(const Opening& input) {
  if (s_.opened) return;
  if (Status done = open(input); !done) {
    reject(input.challenge, std::move(done).error().message);
    s_.ended = true;
    effects_.push_back(Ended{"refused"});
  }
}

Status Step::open(const Opening& input) {
  TRY(const PartyEvent parsed, parse_party_event(input.challenge));
  const auto* challenge = std::get_if<Challenge>(&parsed.content);
  if (challenge == nullptr) return invalid("a match begins with a 31000");
  TRY(const Announcement announcement, parse_announcement(input.announcement));
  if (input.announcement.pubkey != keys_.pubkey() || announcement.escrow_key != keys_.escrow()) {
    return invalid("the announcement is not this engine's, or of another escrow key");
  }
  const UnixSeconds now = std::chrono::floor<Seconds>(s_.now);
  if (std::chrono::abs(now - input.challenge.created_at) > kCreatedAtTolerance) {
    return invalid("created_at is more than two hours off: set the clock");
  }
  const unsigned work = std::max(input.work, announcement.work);
  if (work_of(input.challenge.id) < work) {
    return invalid("NIP-13 work of " + std::to_string(work) + " bits is asked of this key");
  }
  const Terms& terms = challenge->terms;
  TRY_STATUS(check_terms(terms, input.announcement, announcement, now));
  if (input.challenge.pubkey == keys_.pubkey()) return invalid("the engine is no party");
  if (terms.opponent == input.challenge.pubkey) return invalid("the opponent must be somebody else");
  const std::array<crypto::PublicKey, 2> escrow{challenge->escrow_key, announcement.escrow_key};
  TRY_STATUS(check_distinct(escrow));
  if (input.keyset.id != terms.keyset || input.keyset.unit != terms.stake_unit) {
    return invalid("the mint's keyset of that id is of another unit", cashu::kKeysetUnknown);
  }
  if (input.keyset.final_expiry &&
      *input.keyset.final_expiry < terms.open_until + terms.clocks.to_locktime() + kKeysetMargin) {
    return invalid("the keyset expires less than seven days after the stakes' locktime: choose a newer one");
  }
  TRY_STATUS(stake_amounts(terms.stake, input.keyset.input_fee_ppk, input.max_inputs));

  s_.opened = true;
  s_.challenge = input.challenge;
  s_.challenge_d = challenge->d;
  s_.announcement = input.announcement;
  s_.engine_escrow = announcement.escrow_key;
  s_.work = announcement.work;
  s_.keyset = input.keyset;
  s_.max_inputs = input.max_inputs;
  s_.terms = terms;
  s_.terms_hash = terms_hash(terms);
  for (const Offer& offer : announcement.offers) {
    if (offer.mint == terms.mint && offer.stake_unit == terms.stake_unit &&
        offer.prize_unit == terms.prize_unit) {
      s_.atomic = offer.atomic;
      break;
    }
  }
  s_.seats.push_back(Seat{.pubkey = input.challenge.pubkey,
                          .escrow = challenge->escrow_key,
                          .seed_commitment = challenge->seed_commitment,
                          .clock = Allowance(terms.clocks.party)});
  receipted(input.challenge);
  issue(ChallengeReceipt{input.challenge, input.announcement, game::duel_rulebook_hash(), input.keyset,
                         input.max_inputs},
        true);
  return {};
}

Status Step::accept(const PartyInput& input, const Acceptance& acceptance) {
  const Event& event = input.event;
  if (seat_of(event.pubkey) || event.pubkey == keys_.pubkey())
    return invalid("nobody can accept its own challenge");
  if (s_.terms.opponent && *s_.terms.opponent != event.pubkey)
    return invalid("unmatched: the challenge names another");
  if (acceptance.terms_hash != s_.terms_hash)
    return invalid("terms_hash is not that of the challenge's terms");
  const unsigned work = std::max(input.work, s_.work);
  if (work_of(event.id) < work)
    return invalid("NIP-13 work of " + std::to_string(work) + " bits is asked of this key");
  const std::array<crypto::PublicKey, 3> escrow{s_.seats[0].escrow, acceptance.escrow_key, *s_.engine_escrow};
  TRY_STATUS(check_distinct(escrow));

  const Clocks& clocks = s_.terms.clocks;
  s_.funding_limit = std::chrono::ceil<Seconds>(s_.now) + clocks.funding_limit();
  s_.hard_end = s_.funding_limit + clocks.play_limit();
  s_.locktime = s_.hard_end + clocks.claim + kQuietBeforeLocktime;
  s_.seats.push_back(Seat{.pubkey = event.pubkey,
                          .escrow = acceptance.escrow_key,
                          .seed_commitment = acceptance.seed_commitment,
                          .clock = Allowance(clocks.party)});
  s_.seats[1].clock.begin_step(s_.now, clocks, clocks.funding);
  s_.phase = Phase::acceptor_stake;
  receipted(event);
  const Hash32 link = keys_.link(s_.challenge.id);
  issue(AcceptanceReceipt{event,
                          commitment(Commits::link, s_.challenge.id, keys_.pubkey(), 0, link,
                                     keys_.link_nonce(s_.challenge.id)),
                          s_.funding_limit, s_.hard_end, s_.locktime},
        true);
  return {};
}

Lock Step::lock_of(std::size_t seat) const {
  return {s_.seats[0].escrow,    s_.seats[1].escrow, *s_.engine_escrow,
          s_.seats[seat].escrow, s_.locktime,        s_.challenge.id};
}

Status Step::fund(const Event& event, const Funding& funding, std::size_t index) {
  Seat& seat = s_.seats[index];
  if (!this->funding()) return invalid("not an event of this phase");
  if (s_.asked) return invalid("the mint is being asked about the stake: wait for its answer");
  if (funding.attempt < seat.attempt || (funding.attempt == seat.attempt && !seat.attempt_open)) {
    return invalid("send a higher attempt than " + std::to_string(seat.attempt));
  }
  if (funding.attempt == seat.attempt && funding.parts != seat.parts) {
    return invalid("all parts of an attempt name the same number of parts");
  }
  TRY_STATUS(check_proofs(funding.proofs, s_.keyset, lock_of(index)));

  if (funding.attempt > seat.attempt) {
    seat.attempt = funding.attempt;
    seat.attempt_open = true;
    seat.parts = funding.parts;
    seat.received.clear();
  }
  seat.received[funding.part] = funding.proofs;
  receipted(event);
  if (seat.received.size() < seat.parts) {
    issue(FundingReceipt{event});
    return {};
  }
  seat.stake.proofs.clear();
  for (const auto& [part, proofs] : seat.received) {
    seat.stake.proofs.insert(seat.stake.proofs.end(), proofs.begin(), proofs.end());
  }
  const Status whole = check_stake(seat.stake.proofs, s_.keyset, s_.terms.stake, s_.max_inputs);
  if (whole) seat.clock.stop(s_.now);
  issue(FundingReceipt{event});
  if (!whole) {
    unstake(index, whole.error().code, whole.error().message);
    return {};
  }
  // Before `funded` both stakes are asked about, the first once more.
  ask(Asked::Why::stake, index, index == 1 ? std::vector<std::size_t>{1} : std::vector<std::size_t>{1, 0});
  return {};
}

void Step::ask(Asked::Why why, std::size_t party, const std::vector<std::size_t>& owners) {
  Asked asked{++s_.requests, why, party, {}};
  AskStates effect{asked.request, s_.terms.mint, {}};
  for (const std::size_t owner : owners) {
    for (const cashu::Proof& proof : s_.seats[owner].stake.proofs) {
      asked.ys.emplace_back(owner, proof.y());
      effect.ys.push_back(asked.ys.back().second);
    }
  }
  s_.asked = std::move(asked);
  effects_.push_back(std::move(effect));
}

void Step::operate(const MintStates& input) {
  if (!s_.asked || s_.asked->request != input.request || s_.asked->ys.size() != input.states.size()) return;
  const Asked asked = *std::exchange(s_.asked, std::nullopt);
  if (asked.why == Asked::Why::refused_claim) return claim_answered(asked, input);
  if (funding()) stake_answered(asked, input);
}

void Step::stake_answered(const Asked& asked, const MintStates& input) {
  for (std::size_t i = 0; i < input.states.size(); ++i) {
    const ProofState state = input.states[i];
    if (state == ProofState::unspent) continue;
    const std::size_t owner = asked.ys[i].first;
    if (owner != asked.party) {  // the acceptor's stake, good a moment ago
      s_.seats[owner].stake.proofs.clear();
      return decide(Outcome::aborted, std::nullopt, std::string(kStakeSpent));
    }
    if (state == ProofState::spent)
      return unstake(owner, cashu::kProofsSpent, "the mint calls a proof spent");
    if (state == ProofState::pending)
      return unstake(owner, cashu::kProofsPending, "the mint calls a proof pending");
    return unstake(owner, 0, "a proof is the stake of another match");
  }
  Seat& seat = s_.seats[asked.party];
  seat.staked = true;
  seat.clock.end(s_.now);
  const StakedReceipt staked{seat.pubkey, seat.attempt};
  if (asked.party == 1) {
    s_.phase = Phase::creator_stake;
    s_.seats[0].clock.begin_step(s_.now, s_.terms.clocks, s_.terms.clocks.funding);
    if (s_.stopped_at) s_.seats[0].clock.stop(s_.now);
    return issue(staked, true);
  }
  issue(staked);
  FundedReceipt funded;
  for (std::size_t i = 0; i < 2; ++i) {
    for (const cashu::Proof& proof : s_.seats[i].stake.proofs) funded.stakes[i].push_back(proof.c);
  }
  funded.link_commitment = commitment(Commits::link, s_.challenge.id, keys_.pubkey(), 0,
                                      keys_.link(s_.challenge.id), keys_.link_nonce(s_.challenge.id));
  begin_play(Phase::seeds, 0);
  issue(std::move(funded), true);
}

/// This attempt can't be used; the party's clock runs on.
void Step::unstake(std::size_t index, int code, std::string reason) {
  Seat& seat = s_.seats[index];
  seat.attempt_open = false;
  seat.stake.proofs.clear();
  if (!s_.stopped_at) seat.clock.resume(s_.now, s_.terms.clocks);
  issue(UnstakedReceipt{seat.pubkey, seat.attempt, code, std::move(reason)});
}

void Step::lapse(std::string reason) {
  const Seat acceptor = s_.seats[1];
  std::erase_if(s_.slots, [&](const auto& slot) { return slot.first.first.second == acceptor.pubkey; });
  s_.seats.pop_back();
  s_.asked.reset();
  s_.stopped_at.reset();
  s_.phase = Phase::open;
  record(acceptor.pubkey, {}, "accepted and did not fund");
  issue(LapsedReceipt{acceptor.pubkey, std::move(reason)}, true);
}

}  // namespace manastr::match
