#include "engine/match/match_writer.h"

#include <algorithm>

#include "common/match/party_events.h"
#include "common/match/receipt.h"
#include "common/telemetry/log.h"

namespace manastr::engine {
namespace {

constexpr std::size_t kQueued = 4096;
constexpr std::size_t kBatch = 256;
constexpr std::size_t kHeld = 2048;
constexpr std::size_t kHeldOfMatch = 16;
constexpr std::chrono::seconds kHoldFor{60};
constexpr Millis kLongestTurn{5000};  // an idle one takes a second; much more, and the engine was not there
constexpr Millis kClockStep{1000};    // by which the clock may be set forward without further ado

bool is_in_play(match::Phase phase) {
  return phase != match::Phase::open && phase != match::Phase::claims && phase != match::Phase::closed;
}

}  // namespace

MatchFigures::MatchFigures(telemetry::Metrics& metrics)
    : open(metrics.gauge("engine_matches_open", "Matches not closed yet, challenges included.")),
      in_play(metrics.gauge("engine_matches_in_play", "Matches between acceptance and verdict.")),
      opened(metrics.counter("engine_matches_opened_total", "Challenges receipted.")),
      finished(metrics.counter("engine_matches_finished_total", "Matches closed.")),
      receipts(metrics.counter("engine_receipts_total", "Receipts signed.")),
      rejections(
          metrics.counter("engine_rejections_total", "Events of parties that were rejected or repeated.")),
      unknown_match(
          metrics.counter("engine_events_unknown_match_total", "Events of matches that nobody knows.")),
      claim_to_settlement(metrics.histogram("engine_claim_to_settlement_seconds",
                                            "From the claim that completes a settlement to its publication.",
                                            telemetry::duration_bounds())) {}

MatchWriter::MatchWriter(const MatchParts& parts, MatchWriters& all)
    : parts_(parts), all_(all), inbox_(kQueued) {}

MatchWriter::~MatchWriter() { stop(); }

void MatchWriter::take_up(RestoredMatch match) {
  const match::MatchId id = match.match.id();
  Entry entry{.match = std::move(match.match), .steps = match.steps, .events = std::move(match.events)};
  const auto place = matches_.emplace(id, std::move(entry)).first;
  ++parts_.figures.open_now;
  count_phase(place->second, false);
  set_timer(id, place->second, place->second.match.next_timer());
  for (nostr::Event& receipt : match.unacknowledged) parts_.publisher.publish(std::move(receipt));
  for (match::AskStates& question : match.questions) parts_.mint_calls.ask(id, std::move(question));
  for (match::Settle& settle : match.settlements) parts_.mint_calls.settle(std::move(settle));
}

void MatchWriter::start() {
  thread_ = std::thread([this] { run(); });
}

void MatchWriter::stop() {
  inbox_.close();
  if (thread_.joinable()) thread_.join();
}

void MatchWriter::run() {
  turn_ = {parts_.clock.now(), parts_.clock.monotonic()};
  worked_off_ = turn_.at;
  while (!inbox_.drained()) {
    // Whatever arrived up to `now` is in the inbox, and all of it comes first, however much that is: no timer
    // of before `now` overtakes an event of its time.
    begin_turn();
    const UnixMillis now = turn_.at;
    std::size_t left = inbox_.size();
    do {
      std::deque<Message> batch = inbox_.take(kBatch, next_wake());
      begin_turn();
      left -= std::min(left, batch.size());
      for (Message& message : batch) std::visit([this](auto& each) { handle(each); }, message);
    } while (left > 0);
    fire_timers(now);
    worked_off_ = now;
  }
}

/// All of a turn happens at one time. A machine that slept, a process that stood still and a clock that was
/// set forward are no silence of a party: that time is the engine's own, as in a restart. So is the time
/// since all was worked off, for what a party said in it may still be waiting here.
void MatchWriter::begin_turn() {
  const Turn last = std::exchange(turn_, {parts_.clock.now(), parts_.clock.monotonic()});
  const Millis passed = turn_.at - last.at;
  const Millis measured = std::chrono::floor<Millis>(turn_.monotonic - last.monotonic);
  if (passed < kLongestTurn && passed - measured < kClockStep) return;
  telemetry::log_warn("The engine was not there for a while, or the clock was set: nobody's clock runs on it",
                      {{"milliseconds", passed.count()}});
  Restart absence{.down_since = std::min(last.at, worked_off_)};
  handle(absence);
}

Monotonic MatchWriter::next_wake() const {
  const Millis wait = timers_.empty() ? Millis{1000} : timers_.top().first - parts_.clock.now();
  return parts_.clock.monotonic() + std::clamp(wait, Millis{1}, Millis{1000});
}

void MatchWriter::fire_timers(UnixMillis now) {
  while (!timers_.empty() && timers_.top().first <= now) {
    const auto [at, id] = timers_.top();
    timers_.pop();
    const auto entry = matches_.find(id);
    if (entry == matches_.end() || entry->second.timer != at) continue;
    entry->second.timer.reset();
    if (!step(entry, match::TimerFired{.at = now})) continue;
    // A timer that found nothing to do yet stands as the lifecycle wants it, but never in the past.
    Entry& still = entry->second;
    if (!still.timer) {
      if (const auto next = still.match.next_timer())
        set_timer(id, still, std::max(*next, now + Millis{100}));
    }
  }
}

void MatchWriter::set_timer(const match::MatchId& match, Entry& entry, std::optional<UnixMillis> at) {
  entry.timer = at;
  if (at) timers_.emplace(*at, match);
}

void MatchWriter::handle(PartyEvent& message) {
  const auto id = match::match_of(message.event);
  if (!id) return;
  const auto entry = matches_.find(*id);
  if (entry == matches_.end()) {
    if (message.event.kind == match::kChallenge) {
      open(message);
    } else {
      hold(std::move(message));
    }
    return;
  }
  Entry& known = entry->second;
  if (known.events.contains(message.event.id)) return;
  unsigned work = 0;
  if (message.event.kind == match::kAcceptance) {
    if (known.match.phase() == match::Phase::open && parts_.figures.in_play_now >= parts_.limits.in_play) {
      return reject(*id, message.event,
                    "this engine judges as many matches as it may at a time: accept again later");
    }
    work = parts_.reputation.work_of(message.event.pubkey, message.received);
  }
  const bool is_claim = message.event.kind == match::kClaim;
  const Monotonic begun = parts_.clock.monotonic();
  step(entry, match::PartyInput{.at = message.received, .event = std::move(message.event), .work = work});
  if (is_claim) {
    if (const auto still = matches_.find(*id); still != matches_.end()) still->second.claimed_at = begun;
  }
}

void MatchWriter::open(const PartyEvent& message) {
  const nostr::Event& event = message.event;
  const auto content = match::parse_party_event(event);
  if (!content) return reject(event.id, event, content.error().message);
  const auto& challenge = std::get<match::Challenge>(content->content);
  if (const auto holder = parts_.slots.take(event.pubkey, challenge.d, event.id)) {
    if (*holder == event.id) return;
    all_.of(*holder).push_reply(Withdrawal{.match = *holder, .evidence = event});
    return reject(event.id, event,
                  "this author has used this `d` before: a challenge needs a fresh random one");
  }
  const auto refuse = [&](std::string reason) {
    parts_.slots.give_back(event.pubkey, challenge.d);
    reject(event.id, event, std::move(reason));
  };
  if (parts_.figures.open_now >= parts_.limits.open)
    return refuse("this engine has no room for more challenges now: try later");
  const auto announcement = parts_.announcements.find(challenge.terms.announcement);
  if (!announcement)
    return refuse(
        "the terms name an announcement that is not this engine's: read its newest 31006 with "
        "d=announcement");
  auto keyset = parts_.mints.keyset(challenge.terms.mint, challenge.terms.keyset);
  if (!keyset)
    return refuse(
        "this engine takes no stakes of that mint and keyset: choose one that its announcement names");
  const auto mint = parts_.mints.mint(challenge.terms.mint);
  const auto place = matches_.emplace(event.id, Entry{}).first;
  ++parts_.figures.open_now;
  const bool is_there =
      step(place, match::Opening{.at = message.received,
                                 .challenge = event,
                                 .announcement = *announcement,
                                 .keyset = *std::move(keyset),
                                 .max_inputs = mint ? mint->max_inputs : match::kMaxProofs,
                                 .work = parts_.reputation.work_of(event.pubkey, message.received)});
  if (!is_there) return;
  if (!place->second.match.opened()) {  // refused by the lifecycle, which has said why
    parts_.slots.give_back(event.pubkey, challenge.d);
    return forget(place);
  }
  parts_.figures.opened.add();
  if (relays_lost_) step(place, match::RelaysLost{});
  release_held(event.id);
}

void MatchWriter::hold(PartyEvent message) {
  const auto id = match::match_of(message.event);
  while (!held_.empty() && (held_.size() >= kHeld || held_.front().received + kHoldFor < message.received)) {
    const auto oldest = match::match_of(held_.front().event);
    if (const auto counted = held_of_.find(*oldest); counted != held_of_.end() && --counted->second == 0) {
      held_of_.erase(counted);
    }
    held_.pop_front();
    parts_.figures.unknown_match.add();
  }
  std::size_t& of_match = held_of_[*id];
  if (of_match >= kHeldOfMatch) {
    parts_.figures.unknown_match.add();
    return;
  }
  ++of_match;
  held_.push_back(std::move(message));
}

void MatchWriter::release_held(const match::MatchId& match) {
  if (held_of_.erase(match) == 0) return;
  std::vector<PartyEvent> released;
  std::erase_if(held_, [&](PartyEvent& each) {
    if (match::match_of(each.event) != match) return false;
    released.push_back(std::move(each));
    return true;
  });
  for (PartyEvent& each : released) handle(each);
}

void MatchWriter::handle(MintAnswer& message) {
  const auto entry = matches_.find(message.match);
  if (entry == matches_.end()) return;
  set_time(message.input, turn_.at);
  step(entry, std::move(message.input));
}

void MatchWriter::handle(Withdrawal& message) {
  const auto entry = matches_.find(message.match);
  if (entry == matches_.end()) return;
  step(entry, match::Withdrawn{.at = turn_.at, .evidence = std::move(message.evidence)});
}

void MatchWriter::handle(Foreign& message) {
  const auto entry = matches_.find(message.match);
  if (entry == matches_.end()) return;
  step(entry, match::ForeignReceipt{.at = turn_.at, .event = std::move(message.event)});
}

void MatchWriter::handle(RelaysChanged& message) {
  relays_lost_ = message.lost;
  std::vector<match::MatchId> ids;
  for (const auto& [id, entry] : matches_) ids.push_back(id);
  for (const match::MatchId& id : ids) {
    const auto entry = matches_.find(id);
    if (message.lost) {
      step(entry, match::RelaysLost{.at = turn_.at});
    } else {
      step(entry, match::RelaysRegained{.at = turn_.at});
    }
  }
}

void MatchWriter::handle(Restart& message) {
  std::vector<match::MatchId> ids;
  for (const auto& [id, entry] : matches_) ids.push_back(id);
  for (const match::MatchId& id : ids) {
    step(matches_.find(id), match::Restarted{.at = turn_.at, .down_since = message.down_since});
  }
}

bool MatchWriter::step(Matches::iterator place, match::Input input) {
  Entry& entry = place->second;
  // The journal's times never go back, whatever the machine's clock does.
  entry.last_at = std::max(entry.last_at, time_of(input));
  set_time(input, entry.last_at);
  const match::MatchId id = place->first;
  const telemetry::Correlation correlation(to_hex(id));
  const auto* party = std::get_if<match::PartyInput>(&input);
  const std::optional<nostr::EventId> event = party ? std::optional(party->event.id) : std::nullopt;
  Step taken = take_step(entry.match, entry.steps, input, parts_.keys);
  if (taken.behind) {
    telemetry::log_error(
        "The relays hold a receipt of ours that the journal lacks: the match is left alone until a restart, "
        "which takes up the longer chain",
        {{"sequence", *taken.behind}});
    forget(place);
    return false;
  }
  if (taken.timer) set_timer(id, entry, *taken.timer);
  if (!taken.outside_chain.empty()) {
    parts_.figures.rejections.add(taken.outside_chain.size());
    parts_.journal.after_commit([&publisher = parts_.publisher, events = std::move(taken.outside_chain)] {
      for (const nostr::Event& each : events) publisher.publish_rejection(each);
    });
  }
  if (!taken.journaled) return true;
  if (event) entry.events.insert(*event);
  const bool finished = taken.record.finished;
  submit(entry, std::move(taken));
  count_phase(entry, false);
  if (!finished) return true;
  parts_.reservations.release(id);
  parts_.figures.finished.add();
  forget(place);
  return false;
}

void MatchWriter::forget(Matches::iterator place) {
  --parts_.figures.open_now;
  count_phase(place->second, true);
  matches_.erase(place);
}

void MatchWriter::submit(Entry& entry, Step step) {
  ++entry.steps;
  parts_.figures.receipts.add(step.record.receipts.size());
  for (const JournaledStep::Misconduct& each : step.record.misconduct) {
    parts_.reputation.note(each.author, step.record.at);
    telemetry::log_info("Misconduct", {{"author", each.author.hex()}, {"what", each.what}});
  }
  std::vector<nostr::Event> receipts;
  receipts.reserve(step.record.receipts.size());
  for (const JournaledReceipt& each : step.record.receipts) receipts.push_back(each.event);
  std::optional<Monotonic> claimed_at;
  const bool settled = std::ranges::any_of(step.record.effects_done, [](const std::string& key) {
    return key.find(":settle:") != std::string::npos;
  });
  if (settled) claimed_at = std::exchange(entry.claimed_at, std::nullopt);
  step.record.committed = [this, receipts = std::move(receipts), id = step.record.match, claimed_at,
                           questions = std::move(step.questions), settlements = std::move(step.settlements)] {
    for (const nostr::Event& receipt : receipts) parts_.publisher.publish(receipt);
    for (const match::AskStates& question : questions) parts_.mint_calls.ask(id, question);
    for (const match::Settle& settle : settlements) parts_.mint_calls.settle(settle);
    if (claimed_at) {
      parts_.figures.claim_to_settlement.observe(
          std::chrono::duration<double>(parts_.clock.monotonic() - *claimed_at).count());
    }
  };
  parts_.journal.submit(std::move(step.record));
}

void MatchWriter::count_phase(Entry& entry, bool gone) {
  const bool in_play = !gone && entry.match.opened() && is_in_play(entry.match.phase());
  if (in_play && !entry.in_play) ++parts_.figures.in_play_now;
  if (!in_play && entry.in_play) --parts_.figures.in_play_now;
  entry.in_play = in_play;
  parts_.figures.in_play.set(static_cast<double>(parts_.figures.in_play_now));
  parts_.figures.open.set(static_cast<double>(parts_.figures.open_now));
}

void MatchWriter::reject(const match::MatchId& match, const nostr::Event& event, std::string reason) {
  parts_.figures.rejections.add();
  const match::Rejection rejection{
      .match = match, .event = event.id, .reason = std::move(reason), .receipt = {}};
  parts_.publisher.publish_rejection(
      parts_.keys.sign(match::to_draft(rejection, event.pubkey, parts_.clock.now_seconds())));
}

MatchWriters::MatchWriters(const MatchParts& parts, std::size_t threads) {
  for (std::size_t i = 0; i < threads; ++i) writers_.push_back(std::make_unique<MatchWriter>(parts, *this));
}

std::size_t MatchWriters::queued() const {
  std::size_t out = 0;
  for (const auto& each : writers_) out += each->queued();
  return out;
}

}  // namespace manastr::engine
