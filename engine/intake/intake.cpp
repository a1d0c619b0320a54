#include "engine/intake/intake.h"

#include <algorithm>

#include "common/match/protocol.h"

namespace manastr::engine {
namespace {

constexpr std::uint32_t kDeletion = 5;       // NIP-09
constexpr std::size_t kMostDeletions = 100;  // tags read of one kind 5

std::vector<std::uint32_t> without_challenge(std::vector<std::uint32_t> kinds) {
  std::erase(kinds, std::uint32_t{match::kChallenge});
  return kinds;
}

}  // namespace

Intake::Intake(Options options, MatchWriters& writers, const ChallengeSlots& slots, const Clock& clock,
               telemetry::Metrics& metrics)
    : options_(std::move(options)),
      engine_hex_(options_.engine.hex()),
      writers_(writers),
      slots_(slots),
      clock_(clock),
      challenges_(options_.challenges, clock),
      accepted_(
          metrics.counter("engine_events_total", "Events of parties taken in.", {{"outcome", "accepted"}})),
      malformed_(
          metrics.counter("engine_events_total", "Events of parties taken in.", {{"outcome", "malformed"}})),
      too_many_(
          metrics.counter("engine_events_total", "Events of parties taken in.", {{"outcome", "too_many"}})) {}

void Intake::subscribe(relay::Courier& courier, UnixSeconds challenges_since, UnixSeconds others_since) {
  const auto on_event = [this](const nostr::Event& event, std::string_view) { take(event); };
  const std::map<char, std::vector<std::string>> to_us{{'p', {engine_hex_}}};
  nostr::Filter challenges;
  challenges.kinds = {std::uint32_t{match::kChallenge}};
  challenges.tags = to_us;
  challenges.since = challenges_since;
  nostr::Filter moves;
  moves.kinds = without_challenge(options_.kinds);
  moves.tags = to_us;
  moves.since = others_since;
  nostr::Filter deletions;
  deletions.kinds = {kDeletion};
  deletions.tags = {{'k', {std::to_string(match::kChallenge)}}};
  deletions.since = others_since;
  // One after the other, so that challenges are known when their followers come.
  subscriptions_.push_back(
      courier.subscribe({.filters = {challenges}, .on_event = on_event, .on_caught_up = {}}));
  subscriptions_.push_back(courier.subscribe({.filters = {moves}, .on_event = on_event, .on_caught_up = {}}));
  subscriptions_.push_back(
      courier.subscribe({.filters = {deletions}, .on_event = on_event, .on_caught_up = {}}));
}

void Intake::unsubscribe(relay::Courier& courier) {
  for (const relay::SubscriptionId id : subscriptions_) courier.unsubscribe(id);
  subscriptions_.clear();
}

bool Intake::is_ours(const nostr::Event& event) const {
  return std::ranges::any_of(event.tags, [this](const nostr::Tag& tag) {
    return tag.size() >= 2 && tag[0] == "p" && tag[1] == engine_hex_;
  });
}

void Intake::take(const nostr::Event& event) {
  if (event.kind == kDeletion) return take_deletion(event);
  const auto match = match::match_of(event);
  if (!match || !is_ours(event) || std::ranges::find(options_.kinds, event.kind) == options_.kinds.end() ||
      !match::check_envelope(event)) {
    return malformed_.add();
  }
  if (event.kind == match::kChallenge && challenges_.admit(as_text(event.pubkey.bytes)))
    return too_many_.add();
  accepted_.add();
  writers_.of(*match).push(MatchWriter::PartyEvent{.received = clock_.now(), .event = event});
}

void Intake::take_deletion(const nostr::Event& event) {
  // Queued once for each match that it names, so no larger than any other event of a party.
  if (nostr::dump(event).size() > match::kMaxPartyEvent) return malformed_.add();
  const std::size_t tags = std::min(event.tags.size(), kMostDeletions);
  for (std::size_t i = 0; i < tags; ++i) {
    const nostr::Tag& tag = event.tags[i];
    if (tag.size() < 2) continue;
    std::optional<match::MatchId> match;
    if (tag[0] == "e") {
      match = array_from_hex<32>(tag[1]);
    } else if (const std::string own = std::to_string(match::kChallenge) + ":" + event.pubkey.hex() + ":";
               tag[0] == "a" && tag[1].starts_with(own)) {
      if (const auto d = array_from_hex<32>(std::string_view(tag[1]).substr(own.size()))) {
        match = slots_.find(event.pubkey, *d);
      }
    }
    if (match) writers_.of(*match).push(MatchWriter::Withdrawal{.match = *match, .evidence = event});
  }
}

}  // namespace manastr::engine
