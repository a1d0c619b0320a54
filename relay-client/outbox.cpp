#include "relay-client/outbox.h"

namespace manastr::relay {

std::vector<std::size_t> Outbox::add(const std::shared_ptr<const Letter>& letter, std::size_t quorum,
                                     Progress progress) {
  const auto [found, fresh] = entries_.try_emplace(letter->id);
  Entry& entry = found->second;
  if (fresh) {
    entry.progress.id = letter->id;
    for (const std::string& url : urls_) entry.progress.relays.push_back({url, Delivery::waiting, {}});
  } else if (!entry.progress.quorum_reached()) {
    --without_quorum_;
  }
  entry.progress.quorum = quorum;
  if (!entry.progress.quorum_reached()) ++without_quorum_;
  entry.callback = std::move(progress);
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < urls_.size(); ++i) {
    RelayDelivery& delivery = entry.progress.relays[i];
    if (delivery.state == Delivery::accepted) continue;
    delivery = {urls_[i], Delivery::waiting, {}};
    out.push_back(i);
  }
  return out;
}

void Outbox::outcome(std::size_t relay, const RelayOutbox::Outcome& outcome) {
  const auto found = entries_.find(outcome.id);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  const bool had_quorum = entry.progress.quorum_reached();
  entry.progress.relays[relay].state = outcome.state;
  entry.progress.relays[relay].message = outcome.message.substr(0, 300);
  if (!had_quorum && entry.progress.quorum_reached()) {
    --without_quorum_;
    with_quorum_.push_back(outcome.id);
  }
  if (entry.callback) report_(entry.callback, entry.progress);
  if (entry.progress.settled()) remove(outcome.id);
}

bool Outbox::remove(const nostr::EventId& id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return false;
  if (!found->second.progress.quorum_reached()) --without_quorum_;
  entries_.erase(found);
  while (!with_quorum_.empty() && !entries_.contains(with_quorum_.front())) with_quorum_.pop_front();
  return true;
}

std::optional<nostr::EventId> Outbox::oldest_with_quorum() {
  while (!with_quorum_.empty()) {
    const nostr::EventId id = with_quorum_.front();
    with_quorum_.pop_front();
    if (entries_.contains(id)) return id;
  }
  return std::nullopt;
}

}  // namespace manastr::relay
