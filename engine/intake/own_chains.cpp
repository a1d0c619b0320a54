#include "engine/intake/own_chains.h"

#include <algorithm>

namespace manastr::engine {
namespace {

constexpr Millis kPatience{3000};
constexpr std::size_t kFullFetch = 20'000;

/// Everything that a filter finds at a quorum of relays.
Result<std::vector<nostr::Event>> fetch_all(relay::Courier& courier, nostr::Filter filter,
                                            const std::function<bool()>& give_up) {
  std::vector<nostr::Event> out;
  std::set<nostr::EventId> seen;
  while (true) {
    if (give_up()) return unavailable("stopped before a quorum of relays answered");
    relay::Fetched page = relay::fetch_and_wait(courier, {filter}, kPatience);
    if (!page.complete) continue;
    UnixSeconds oldest = UnixSeconds::max();
    std::size_t fresh = 0;
    const bool full = page.events.size() >= kFullFetch;
    for (nostr::Event& event : page.events) {
      oldest = std::min(oldest, event.created_at);
      if (!seen.insert(event.id).second) continue;
      out.push_back(std::move(event));
      ++fresh;
    }
    if (!full || fresh == 0) return out;
    filter.until = oldest;
  }
}

nostr::Filter own_events(const crypto::XOnlyKey& engine) {
  nostr::Filter out;
  out.kinds = {std::uint32_t{match::kEngine}};
  out.authors = {engine};
  return out;
}

/// Sequence number of a receipt; nullopt for announcements and rejections.
std::optional<match::Slot> receipt_slot(const nostr::Event& event) {
  auto slot = match::parse_slot(match::kEngine, event.d());
  if (slot && slot->form != match::Slot::Form::numbers) return std::nullopt;
  return slot;
}

}  // namespace

Result<OwnChains> read_own_chains(relay::Courier& courier, const crypto::XOnlyKey& engine,
                                  std::optional<UnixSeconds> since, const std::function<bool()>& give_up) {
  nostr::Filter filter = own_events(engine);
  filter.since = since;
  TRY(std::vector<nostr::Event> events, fetch_all(courier, std::move(filter), give_up));
  OwnChains out;
  for (nostr::Event& event : events) {
    if (const auto slot = receipt_slot(event)) out[slot->match].emplace(slot->first, std::move(event));
  }
  return out;
}

Result<Chain> read_own_chain(relay::Courier& courier, const crypto::XOnlyKey& engine,
                             const match::MatchId& match, const std::function<bool()>& give_up) {
  nostr::Filter filter = own_events(engine);
  filter.tags = {{'e', {to_hex(match)}}};
  TRY(std::vector<nostr::Event> events, fetch_all(courier, std::move(filter), give_up));
  Chain out;
  for (nostr::Event& event : events) {
    const auto slot = receipt_slot(event);
    if (slot && slot->match == match) out.emplace(slot->first, std::move(event));
  }
  return out;
}

}  // namespace manastr::engine
