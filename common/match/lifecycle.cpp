#include "common/match/lifecycle.h"

#include <algorithm>

#include "common/match/lifecycle_state.h"

namespace manastr::match {
namespace {

constexpr std::size_t kMaxHeld = 16;
constexpr std::size_t kMaxHeldPerKey = 4;
constexpr unsigned kMaxOffers = 8;

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

UnixMillis time_of(const Input& input) {
  return std::visit([](const auto& i) { return i.at; }, input);
}

bool names_engine(const Event& event, const PubKey& engine) {
  const std::string hex = engine.hex();
  return std::any_of(event.tags.begin(), event.tags.end(), [&](const nostr::Tag& tag) {
    return tag.size() >= 2 && tag[0] == "p" && tag[1] == hex;
  });
}

}  // namespace

Match::Match() : state_(std::make_unique<State>()) {}
Match::Match(const Match& other) : state_(std::make_unique<State>(*other.state_)) {}
Match::Match(Match&&) noexcept = default;
Match& Match::operator=(Match other) {
  state_.swap(other.state_);
  return *this;
}
Match::~Match() = default;

bool Match::opened() const { return state_->opened; }
bool Match::ended() const { return state_->ended; }
MatchId Match::id() const { return state_->challenge.id; }
Phase Match::phase() const { return state_->phase; }
const Terms& Match::terms() const { return state_->terms; }
std::span<const Event> Match::chain() const { return state_->chain; }
std::optional<UnixMillis> Match::next_timer() const { return state_->timer; }
std::vector<PubKey> Match::parties() const {
  std::vector<PubKey> out;
  for (const Seat& seat : state_->seats) out.push_back(seat.pubkey);
  return out;
}

std::vector<Effect> reduce(Match& match, const Input& input, const EngineKeys& keys) {
  std::vector<Effect> effects;
  Step(match.state(), keys, effects).run(input);
  return effects;
}

void Step::run(const Input& input) {
  if (s_.ended || s_.frozen) return;
  const UnixMillis before = s_.now;
  const std::size_t receipts = s_.chain.size();
  if (!s_.opened && !std::holds_alternative<Opening>(input)) return;
  // What fell due while the engine was up comes first, then its time off, in which no clock runs.
  const auto* const restarted = std::get_if<Restarted>(&input);
  const UnixMillis until =
      restarted != nullptr ? std::min(restarted->down_since, restarted->at) : time_of(input);
  s_.now = std::max(s_.now, until);
  if (s_.opened) pass_time();
  if (!s_.ended) std::visit([this](const auto& i) { operate(i); }, input);
  if (s_.opened && !s_.ended) {
    pass_time();
    take_held();
  }
  update_timer();
  // Only receipts move the time on, so that inputs without effects need no place in a journal.
  if (s_.chain.size() == receipts) s_.now = before;
}

std::optional<std::size_t> Step::seat_of(const PubKey& pubkey) const {
  for (std::size_t i = 0; i < s_.seats.size(); ++i) {
    if (s_.seats[i].pubkey == pubkey) return i;
  }
  return std::nullopt;
}

// --- events of parties ---

void Step::operate(const PartyInput& input) {
  const Event& event = input.event;
  if (match_of(event) != s_.challenge.id || event.kind == kChallenge || event.kind == kEngine) return;
  if (!seat_of(event.pubkey) && event.kind != kAcceptance) return;  // strangers get no answer
  if (repeated(event)) return;
  take(input);
}

/// True if the event's slot is filled: the same said again gets the receipt again, anything else is put down.
bool Step::repeated(const Event& event) {
  const auto found = s_.slots.find(SlotKey{{event.kind, event.pubkey}, std::string(event.d())});
  if (found == s_.slots.end()) return false;
  Filled& filled = found->second;
  const Event& receipt = s_.chain.at(filled.receipt);
  if (filled.event.id == event.id || same_content(filled.event, event)) {
    if (filled.offers++ < kMaxOffers) effects_.push_back(Republish{receipt});
    return true;
  }
  record(event.pubkey, event.id, "a second, different event in a filled slot");
  reject(event, "this slot is filled by an earlier event; nothing changes it", receipt.id);
  return true;
}

void Step::take(const PartyInput& input) {
  const auto parsed = parse_party_event(input.event);
  if (!parsed) return reject(input.event, parsed.error().message);
  if (!names_engine(input.event, s_.terms.engine)) return reject(input.event, "a p tag must name the engine");
  if (std::chrono::abs(std::chrono::floor<Seconds>(s_.now) - input.event.created_at) > kCreatedAtTolerance) {
    return reject(input.event, "created_at is more than two hours off: set the clock");
  }
  const auto pointer = s_.sequence_of.find(parsed->receipt);
  if (pointer == s_.sequence_of.end()) {
    // Perhaps a receipt of ours that this state lacks: kept until the chain has it.
    const auto of_key = std::count_if(s_.held.begin(), s_.held.end(), [&](const PartyInput& held) {
      return held.event.pubkey == input.event.pubkey;
    });
    const bool known = std::any_of(s_.held.begin(), s_.held.end(),
                                   [&](const PartyInput& held) { return held.event.id == input.event.id; });
    if (known) return;
    if (s_.held.size() >= kMaxHeld || static_cast<std::size_t>(of_key) >= kMaxHeldPerKey) {
      return reject(input.event, "the second e tag names no receipt of this match that the engine knows");
    }
    s_.held.push_back(input);
    effects_.push_back(Held{input.event.id});
    return;
  }
  if (const auto* acceptance = std::get_if<Acceptance>(&parsed->content)) {
    Status done = s_.phase != Phase::open ? invalid("unmatched: the challenge is taken")
                  : pointer->second < s_.phase_start
                      ? invalid("name the receipt that opened the challenge again")
                      : accept(input, *acceptance);
    if (!done) reject(input.event, std::move(done).error().message);
    return;
  }
  if (Status done = admit(input, *parsed, *seat_of(input.event.pubkey)); !done) {
    reject(input.event, std::move(done).error().message);
  }
}

Status Step::admit(const PartyInput& input, const PartyEvent& event, std::size_t seat) {
  const bool claims = std::holds_alternative<Claim>(event.content);
  if (claims != (s_.phase == Phase::claims)) {
    return invalid(claims ? "there is no verdict to claim by yet" : "the match is decided");
  }
  if (s_.sequence_of.at(event.receipt) < s_.phase_start) {
    return invalid("the second e tag must name a receipt at or after the start of this phase");
  }
  if (!claims) {
    const Allowance& clock = s_.seats[seat].clock;
    if (!clock.waiting()) return invalid("the engine waits for nothing from this party now");
    if (clock.deadline() && input.at > *clock.deadline()) return invalid("too late: the deadline has passed");
  }
  return std::visit(
      Overloaded{[&](const Funding& funding) { return fund(input.event, funding, seat); },
                 [&](const Commitment& commitment) { return commit(input.event, commitment, seat); },
                 [&](const Reveal& reveal) {
                   return reveal.round == 0 ? reveal_seed(input.event, reveal, seat)
                                            : reveal_move(input.event, reveal, seat);
                 },
                 [&](const Claim& claim_event) { return claim(input.event, claim_event, seat); },
                 [](const auto&) -> Status { return invalid("not an event of this phase"); }},
      event.content);
}

void Step::take_held() {
  for (std::size_t i = 0; i < s_.held.size() && !s_.ended;) {
    const PartyInput input = s_.held[i];
    const auto parsed = parse_party_event(input.event);
    if (parsed && !s_.sequence_of.contains(parsed->receipt)) {
      ++i;
      continue;
    }
    s_.held.erase(s_.held.begin() + static_cast<std::ptrdiff_t>(i));
    if (!repeated(input.event)) take({s_.now, input.event, input.work});
    i = 0;
  }
}

// --- time ---

void Step::pass_time() {
  while (!s_.ended && due()) {
  }
}

/// Acts on one thing whose time has come; false if there is none.
bool Step::due() {
  if (s_.stopped_at && s_.now >= *s_.stopped_at + (s_.terms.clocks.give_back - s_.given_back)) {
    resume_clocks(kGivenBackAll);
    return true;
  }
  const auto late = [&](std::size_t seat) {
    const auto deadline = s_.seats[seat].clock.deadline();
    return deadline && s_.now >= *deadline + kTimerSlack;
  };
  switch (s_.phase) {
    case Phase::open:
      if (s_.now < s_.terms.open_until) return false;
      close("expired: nobody took the challenge before open_until");
      return true;
    case Phase::acceptor_stake:
      if (!late(1) && s_.now < s_.funding_limit) return false;
      lapse(late(1) ? "the acceptor did not fund in time"
                    : "the stake was not confirmed before the funding limit");
      return true;
    case Phase::creator_stake:
      if (!late(0) && s_.now < s_.funding_limit) return false;
      if (late(0)) silence(0);
      decide(Outcome::aborted, std::nullopt, "the creator's stake was not locked in time");
      return true;
    case Phase::seeds:
    case Phase::commit:
    case Phase::reveal: {
      if (s_.now >= s_.hard_end) {
        decide(Outcome::void_match, std::nullopt, "the match was not played to its end before the hard end");
        return true;
      }
      bool any = false;
      for (std::size_t seat = 0; seat < s_.seats.size(); ++seat) {
        if (!late(seat)) continue;
        silence(seat);
        any = true;
      }
      if (any) after_step();
      return any;
    }
    case Phase::claims: {
      const bool pending = std::any_of(s_.claims.begin(), s_.claims.end(), [](const auto& claim) {
        return claim.second.stand == Claiming::Stand::pending;
      });
      if (pending || s_.now < claims_end()) return false;
      close("the claim window is over; what was not claimed goes back to its owner after the locktime");
      return true;
    }
    case Phase::closed:
      break;
  }
  return false;
}

std::optional<UnixMillis> Step::next_timer() const {
  std::optional<UnixMillis> next;
  const auto consider = [&](UnixMillis at) { next = next ? std::min(*next, at) : at; };
  if (s_.ended || !s_.opened) return next;
  for (const Seat& seat : s_.seats) {
    if (const auto deadline = seat.clock.deadline()) consider(*deadline + kTimerSlack);
  }
  if (s_.stopped_at) consider(*s_.stopped_at + (s_.terms.clocks.give_back - s_.given_back));
  if (s_.phase == Phase::open) consider(s_.terms.open_until);
  if (funding()) consider(s_.funding_limit);
  if (playing()) consider(s_.hard_end);
  if (s_.phase == Phase::claims && s_.now < claims_end()) consider(claims_end());
  return next;
}

void Step::update_timer() {
  const auto next = next_timer();
  if (next == s_.timer) return;
  s_.timer = next;
  effects_.push_back(SetTimer{next});
}

void Step::stop_clocks(UnixMillis since, std::string_view reason) {
  for (Seat& seat : s_.seats) seat.clock.stop(since);
  s_.stopped_at = since;
  issue(StoppedReceipt{std::string(reason), since});
}

void Step::resume_clocks(std::string_view reason) {
  const Millis given = s_.now - *s_.stopped_at;
  s_.given_back = std::min<Millis>(s_.terms.clocks.give_back, s_.given_back + given);
  s_.stopped_at.reset();
  for (Seat& seat : s_.seats) {
    // A stake that is being checked at the mint waits for the mint, not for its owner.
    const bool checking = s_.asked && s_.asked->why == Asked::Why::stake && funding();
    if (!checking) seat.clock.resume(s_.now, s_.terms.clocks);
  }
  issue(ResumedReceipt{std::string(reason), given});
}

void Step::operate(const RelaysLost&) {
  const bool given = s_.given_back < s_.terms.clocks.give_back;
  if ((playing() || funding()) && !s_.stopped_at && given) stop_clocks(s_.now, kRelaysLost);
}

void Step::operate(const RelaysRegained&) {
  if (s_.stopped_at) resume_clocks(kRelaysBack);
}

/// The engine's own absence is nobody's fault: the whole of it is given back, and the hard end alone bounds
/// it.
void Step::operate(const Restarted& input) {
  if (s_.stopped_at || !(playing() || funding())) {
    s_.now = std::max(s_.now, input.at);
    return;
  }
  stop_clocks(s_.now, kEngineDown);
  s_.now = std::max(s_.now, input.at);
  const Millis given_back = s_.given_back;
  resume_clocks(kEngineUp);
  s_.given_back = given_back;
}

void Step::operate(const Withdrawn& input) {
  const Event& evidence = input.evidence;
  if (evidence.pubkey != s_.challenge.pubkey || s_.phase != Phase::open) return;
  const std::string id = to_hex(s_.challenge.id);
  const bool deletes =
      evidence.kind == 5 && std::any_of(evidence.tags.begin(), evidence.tags.end(), [&](const auto& tag) {
        return tag.size() >= 2 && tag[0] == "e" && tag[1] == id;
      });
  const bool replaces =
      evidence.kind == kChallenge && evidence.d() == s_.challenge.d() && evidence.id != s_.challenge.id;
  if (deletes || replaces) close(std::string(deletes ? kDeleted : kReplaced));
}

void Step::operate(const ForeignReceipt& input) {
  const auto slot = parse_slot(kEngine, input.event.d());
  if (input.event.kind != kEngine || input.event.pubkey != keys_.pubkey() || !slot ||
      slot->form != Slot::Form::numbers || slot->match != s_.challenge.id) {
    return;
  }
  if (slot->first >= s_.chain.size()) {
    s_.frozen = true;
    effects_.push_back(Behind{slot->first});
    return;
  }
  if (s_.chain[slot->first].id == input.event.id) return;
  const std::string reason = "the engine signed two receipts of sequence " + std::to_string(slot->first) +
                             ": the other is " + to_hex(input.event.id);
  if (s_.phase == Phase::open || s_.phase == Phase::acceptor_stake) return close(reason);
  if (s_.phase == Phase::creator_stake) return decide(Outcome::aborted, std::nullopt, reason);
  const bool touched = std::any_of(s_.claims.begin(), s_.claims.end(), [](const auto& claim) {
    return claim.second.stand != Claiming::Stand::open;
  });
  if (s_.phase == Phase::claims && (s_.outcome != Outcome::win || touched)) return;
  decide(Outcome::void_match, std::nullopt, reason);
}

}  // namespace manastr::match
