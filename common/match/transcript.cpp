#include "common/match/transcript.h"

#include <algorithm>

#include "common/match/transcript_step.h"

namespace manastr::match {
namespace {

Status in_receipt(unsigned sequence, Status status) {
  if (status) return status;
  Error error = std::move(status).error();
  error.message = "receipt " + std::to_string(sequence) + ": " + error.message;
  return std::unexpected(std::move(error));
}

}  // namespace

Transcript::Transcript(std::optional<cashu::Keyset> keyset) : keyset_(std::move(keyset)) {}

Status Transcript::add(const Event& event) {
  if (!nostr::verify(event)) return invalid("a receipt's id or signature is wrong");
  auto parsed = parse_receipt(event);
  if (!parsed) return invalid("a receipt can't be read: " + parsed.error().message);
  const ReceiptHead& head = parsed->head;
  const bool first = view_.receipts.empty();
  if (!first && (head.match != view_.match || event.pubkey != view_.engine)) {
    return invalid("a receipt of another match or another engine");
  }
  if (head.sequence < view_.receipts.size()) {
    if (view_.receipts[head.sequence] == event.id) return {};
    return invalid("the engine signed two different receipts of sequence " + std::to_string(head.sequence) +
                   ": its word is void, stakes go home only");
  }
  if (head.sequence > view_.receipts.size()) {
    return unavailable("receipt " + std::to_string(view_.receipts.size()) + " is missing: get it first");
  }
  if (!first && head.previous != view_.receipts.back()) {
    return in_receipt(head.sequence, invalid("it does not follow the receipt before it"));
  }
  if (!first && head.at < last_at_)
    return in_receipt(head.sequence, invalid("its time is before the last one's"));
  if (!first && view_.head.phase == Phase::closed)
    return in_receipt(head.sequence, invalid("the match was closed"));

  View next = view_;
  Step step{.v = next, .keyset = keyset_, .receipt = event, .head = head};
  step.before = view_.head.phase;
  step.round_before = view_.head.round;
  step.deadlines_before = view_.head.deadlines;
  if (first) {
    next.match = head.match;
    next.engine = event.pubkey;
    if (!std::holds_alternative<ChallengeReceipt>(parsed->body)) {
      return in_receipt(0, invalid("a chain begins with the receipt of the challenge"));
    }
  } else if (std::holds_alternative<ChallengeReceipt>(parsed->body)) {
    return in_receipt(head.sequence, invalid("the challenge is receipted twice"));
  }
  TRY_STATUS(in_receipt(head.sequence,
                        std::visit([&](const auto& body) { return step.apply(body); }, parsed->body)));
  TRY_STATUS(in_receipt(head.sequence, step.check_clocks()));
  next.receipts.push_back(event.id);
  if (first || head.phase != view_.head.phase || head.round != view_.head.round ||
      std::holds_alternative<VerdictReceipt>(parsed->body)) {
    next.phase_start = event.id;
  }
  next.head = head;
  view_ = std::move(next);
  last_at_ = head.at;
  return {};
}

std::optional<Transcript::Awaited> Transcript::awaited(std::size_t party) const {
  const View& v = view_;
  if (v.receipts.empty() || party >= v.parties.size()) return std::nullopt;
  Slot slot{Slot::Form::numbers, v.match, v.head.round, 0, {}};
  const auto out = [&](std::uint32_t kind) {
    return Awaited{kind, slot_text(kind, slot), v.head.deadlines[party]};
  };
  switch (v.head.phase) {
    case Phase::acceptor_stake:
    case Phase::creator_stake: {
      const std::size_t payer = v.head.phase == Phase::creator_stake ? 0 : 1;
      const bool checking = !v.head.deadlines[payer] && !v.stopped;
      if (party != payer || checking) return std::nullopt;
      slot.first = v.funding[party].open ? v.funding[party].attempt : v.funding[party].attempt + 1;
      slot.second = 1;
      while (v.funding[party].open && v.funding[party].received.contains(slot.second)) ++slot.second;
      return out(kFunding);
    }
    case Phase::seeds:
      if (v.seeds[party] || v.silent[party]) return std::nullopt;
      return out(kReveal);
    case Phase::commit:
      if (v.commitments[party].size() >= v.head.round || v.silent[party]) return std::nullopt;
      return out(kCommitment);
    case Phase::reveal:
      if (v.moves[party].size() >= v.head.round || v.silent[party]) return std::nullopt;
      return out(kReveal);
    case Phase::claims: {
      const PubKey& key = v.parties[party];
      const bool owed = std::any_of(v.verdict->payouts.begin(), v.verdict->payouts.end(),
                                    [&](const Payout& payout) { return payout.claimant == key; });
      const bool before_mint = v.claims[party].pending || v.claims[party].settled_groups > 0;
      if (!owed || before_mint || v.claims[party].attempt >= kMaxAttempts) return std::nullopt;
      slot.first = v.claims[party].attempt + 1;
      Awaited awaited = out(kClaim);
      awaited.deadline = *v.locktime - kQuietBeforeLocktime;
      return awaited;
    }
    case Phase::open:
    case Phase::closed:
      break;
  }
  return std::nullopt;
}

Status Transcript::Step::check_pointer(const EventId& named) const {
  const auto found = std::find(v.receipts.begin(), v.receipts.end(), named);
  if (found == v.receipts.end()) return invalid("the embedded event names a receipt that the chain lacks");
  const auto start = std::find(v.receipts.begin(), v.receipts.end(), v.phase_start);
  if (found < start) return invalid("the embedded event names a receipt of an earlier phase");
  return {};
}

Result<std::size_t> Transcript::Step::seat_of(const PubKey& pubkey) const {
  const auto found = std::find(v.parties.begin(), v.parties.end(), pubkey);
  if (found == v.parties.end()) return invalid("the embedded event is of a stranger");
  return static_cast<std::size_t>(found - v.parties.begin());
}

Status Transcript::Step::expect(Phase phase, unsigned round) const {
  if (head.phase == phase && head.round == round) return {};
  return invalid("it should lead to phase " + std::string(phase_name(phase)) + ", round " +
                 std::to_string(round));
}

Status Transcript::Step::only_in(std::initializer_list<Phase> phases) const {
  if (std::find(phases.begin(), phases.end(), before) != phases.end()) return {};
  return invalid("it has no place in phase " + std::string(phase_name(before)));
}

Status Transcript::Step::in_time(std::size_t seat) const {
  if (v.silent[seat]) return invalid("it takes an event of a party that was called silent");
  const auto& deadline = deadlines_before[seat];
  if (!v.stopped && deadline && head.at > *deadline + kTimerSlack) {
    return invalid("it takes an event after the deadline that the engine had set");
  }
  return {};
}

void Transcript::Step::begin_stake(std::size_t seat) {
  v.clocks[seat].begin_step(head.at, v.terms.clocks, v.terms.clocks.funding);
  if (v.stopped) v.clocks[seat].stop(head.at);
}

void Transcript::Step::begin_step() {
  for (Allowance& clock : v.clocks) {
    clock.begin(head.at, v.terms.clocks);
    if (v.stopped) clock.stop(head.at);
  }
}

void Transcript::Step::stop_all(UnixMillis at) {
  for (Allowance& clock : v.clocks) clock.stop(at);
}

void Transcript::Step::end_all() {
  for (Allowance& clock : v.clocks) clock.end(head.at);
}

Status Transcript::Step::check_clocks() const {
  for (std::size_t i = 0; i < 2; ++i) {
    if (head.clocks[i] != v.clocks[i].left() || head.deadlines[i] != v.clocks[i].deadline()) {
      return invalid("clock or deadline of " + std::string(i == 0 ? "the creator" : "the acceptor") +
                     " are not those of the terms");
    }
  }
  return {};
}

Lock Transcript::Step::lock_of(std::size_t seat) const {
  return {v.escrow[0], v.escrow[1], *v.engine_escrow, v.escrow[seat], *v.locktime, v.match};
}

Status Transcript::Step::apply(const ChallengeReceipt& body) {
  TRY(const PartyEvent parsed, parse_party_event(body.event));
  const auto* challenge = std::get_if<Challenge>(&parsed.content);
  if (challenge == nullptr || body.event.id != head.match)
    return invalid("the embedded challenge is another");
  if (body.announcement.pubkey != receipt.pubkey) return invalid("the announcement is of another engine");
  TRY(Announcement announcement, parse_announcement(body.announcement));
  // Whether open_until lay ahead is judged at the engine's time.
  TRY_STATUS(
      check_terms(challenge->terms, body.announcement, announcement, std::chrono::floor<Seconds>(head.at)));
  const std::array<crypto::PublicKey, 2> keys{challenge->escrow_key, announcement.escrow_key};
  TRY_STATUS(check_distinct(keys));
  if (body.rulebook_hash != game::duel_rulebook_hash())
    return invalid("the rulebook's tables are not those known here");
  if (body.keyset.id != challenge->terms.keyset || body.keyset.unit != challenge->terms.stake_unit) {
    return invalid("the keyset is not that of the terms");
  }
  if (keyset && (keyset->id != body.keyset.id || keyset->unit != body.keyset.unit ||
                 keyset->input_fee_ppk != body.keyset.input_fee_ppk)) {
    return invalid("the keyset is not what the mint says it is");
  }
  TRY_STATUS(stake_amounts(challenge->terms.stake, body.keyset.input_fee_ppk, body.max_inputs));
  v.terms = challenge->terms;
  v.terms_hash = match::terms_hash(v.terms);
  v.challenge_d = challenge->d;
  v.engine_escrow = announcement.escrow_key;
  v.announcement = std::move(announcement);
  v.keyset = body.keyset;
  v.max_inputs = body.max_inputs;
  v.parties = {body.event.pubkey};
  v.escrow = {challenge->escrow_key};
  v.seed_commitments = {challenge->seed_commitment};
  v.clocks.fill(Allowance(v.terms.clocks.party));
  return expect(Phase::open);
}

Status Transcript::Step::apply(const AcceptanceReceipt& body) {
  TRY_STATUS(only_in({Phase::open}));
  TRY(const PartyEvent parsed, parse_party_event(body.event));
  const auto* acceptance = std::get_if<Acceptance>(&parsed.content);
  if (acceptance == nullptr || parsed.match != v.match) return invalid("the embedded acceptance is another");
  TRY_STATUS(check_pointer(parsed.receipt));
  if (acceptance->terms_hash != v.terms_hash) return invalid("the acceptance is of other terms");
  if (body.event.pubkey == v.parties[0] || body.event.pubkey == v.engine)
    return invalid("the acceptor is no second party");
  if (v.terms.opponent && *v.terms.opponent != body.event.pubkey)
    return invalid("the challenge names another opponent");
  const std::array<crypto::PublicKey, 3> keys{v.escrow[0], acceptance->escrow_key, *v.engine_escrow};
  TRY_STATUS(check_distinct(keys));
  const Clocks& clocks = v.terms.clocks;
  const UnixSeconds limit = std::chrono::ceil<Seconds>(head.at) + clocks.funding_limit();
  const UnixSeconds end = limit + clocks.play_limit();
  if (body.funding_limit != limit || body.hard_end != end ||
      body.locktime != end + clocks.claim + kQuietBeforeLocktime) {
    return invalid("funding limit, hard end or locktime are not those of the terms");
  }
  v.parties.push_back(body.event.pubkey);
  v.escrow.push_back(acceptance->escrow_key);
  v.seed_commitments.push_back(acceptance->seed_commitment);
  v.link_commitment = body.link_commitment;
  v.funding_limit = body.funding_limit;
  v.hard_end = body.hard_end;
  v.locktime = body.locktime;
  begin_stake(1);
  return expect(Phase::acceptor_stake);
}

Status Transcript::Step::apply(const StoppedReceipt& body) {
  if (v.stopped) return invalid("the clocks stand still already");
  if (body.since > head.at || body.since < v.head.at)
    return invalid("it stops the clocks at another time than its own");
  v.stopped = true;
  stop_all(body.since);
  return expect(before, round_before);
}

Status Transcript::Step::apply(const ResumedReceipt&) {
  if (!v.stopped) return invalid("the clocks do not stand still");
  v.stopped = false;
  const bool checking = v.funding[0].checking || v.funding[1].checking;
  if (!checking) {
    for (Allowance& clock : v.clocks) clock.resume(head.at, v.terms.clocks);
  }
  return expect(before, round_before);
}

Status Transcript::Step::apply(const ClosedReceipt& body) {
  v.closed_reason = body.reason;
  end_all();
  const bool allowed = before == Phase::open || before == Phase::acceptor_stake || before == Phase::claims;
  if (!allowed) return invalid("a match in play is closed without a verdict");
  return expect(Phase::closed);
}

}  // namespace manastr::match
