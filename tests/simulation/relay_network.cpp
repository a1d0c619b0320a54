#include "tests/simulation/relay_network.h"

#include <algorithm>

namespace manastr::simulation {
namespace {

bool is_addressable(std::uint32_t kind) { return kind >= 30'000 && kind < 40'000; }

bool one_address(const nostr::Event& a, const nostr::Event& b) {
  return a.kind == b.kind && a.pubkey == b.pubkey && a.d() == b.d();
}

}  // namespace

// --- a relay ---

bool Relay::withheld(const nostr::Event& event) const { return event.id[7] % 100 < habits_.withholds; }

bool Relay::take(const nostr::Event& event) {
  if (ids_.contains(event.id) || deleted_.contains(event.id) || withheld(event)) return false;
  if (is_addressable(event.kind)) {
    const auto old =
        std::ranges::find_if(stored_, [&](const auto& each) { return one_address(each, event); });
    if (old != stored_.end()) {
      const bool is_newer = event.created_at > old->created_at;
      const bool is_older = event.created_at < old->created_at;
      if (habits_.replacement == Replacement::first_wins && !is_newer) return false;
      if (habits_.replacement == Replacement::lower_id_wins &&
          (is_older || (!is_newer && event.id > old->id))) {
        return false;
      }
      erase(old->id);
    }
  }
  ids_.insert(event.id);
  stored_.push_back(event);
  if (event.kind == 5 && habits_.deletes) remove_deleted(event);
  return true;
}

void Relay::erase(const nostr::EventId& id) {
  ids_.erase(id);
  std::erase_if(stored_, [&](const nostr::Event& each) { return each.id == id; });
}

void Relay::remove_deleted(const nostr::Event& deletion) {
  for (const nostr::Tag& tag : deletion.tags) {
    if (tag.size() < 2 || tag[0] != "e") continue;
    const auto id = array_from_hex<32>(tag[1]);
    const auto found = std::ranges::find_if(stored_, [&](const auto& each) { return id && each.id == *id; });
    if (found == stored_.end() || found->pubkey != deletion.pubkey) continue;
    deleted_.insert(*id);
    erase(*id);
  }
}

std::vector<nostr::Event> Relay::find(const std::vector<nostr::Filter>& filters) const {
  std::vector<nostr::Event> out;
  for (const nostr::Event& event : stored_) {
    if (std::ranges::any_of(filters, [&](const nostr::Filter& filter) { return filter.matches(event); })) {
      out.push_back(event);
    }
  }
  return out;
}

// --- all of them ---

RelayNetwork::RelayNetwork(Timeline& timeline, std::vector<RelayHabits> habits, std::uint64_t seed)
    : timeline_(timeline), seed_(seed) {
  for (RelayHabits& each : habits) relays_.emplace_back(std::move(each), seed);
}

std::shared_ptr<SimulatedCourier> RelayNetwork::connect(const std::string& name, std::size_t quorum) {
  std::erase_if(couriers_, [](const auto& each) { return each.expired(); });
  auto courier = std::make_shared<SimulatedCourier>(*this, name, quorum);
  for (std::size_t i = 0; i < relays_.size(); ++i) {
    if (!relays_[i].is_up()) courier->break_link(i, Millis{500});
  }
  couriers_.push_back(courier);
  return courier;
}

void RelayNetwork::stop(std::size_t relay, Millis pause) {
  if (!relays_[relay].is_up_) return;
  relays_[relay].is_up_ = false;
  for (const auto& each : couriers_) {
    if (const auto courier = each.lock()) courier->break_link(relay, pause);
  }
  timeline_.after(pause, [&at = relays_[relay]] { at.is_up_ = true; });
}

void RelayNetwork::calm() {
  for (Relay& relay : relays_) {
    relay.habits_.breaks = 0;
    relay.habits_.replays = 0;
  }
}

void RelayNetwork::arrive(std::size_t relay, const nostr::Event& event) {
  if (seen_ids_.insert(event.id).second) seen_.push_back(event);
  Relay& at = relays_[relay];
  if (!at.take(event)) return;
  std::vector<nostr::Event> shown{event};
  if (at.random_.chance(at.habits_.replays)) shown.push_back(at.stored_[at.random_.below(at.stored_.size())]);
  for (const auto& each : couriers_) {
    const auto courier = each.lock();
    if (!courier) continue;
    for (const nostr::Event& one : shown) courier->show(relay, one);
  }
}

// --- a courier ---

SimulatedCourier::SimulatedCourier(RelayNetwork& network, const std::string& name, std::size_t quorum)
    : network_(network),
      random_(network.seed_, "courier " + name),
      quorum_(quorum),
      links_(network.relays_.size()) {}

void SimulatedCourier::over(std::size_t relay, std::function<void()> what) {
  Link& link = links_[relay];
  if (!link.up) return;
  const RelayHabits& habits = network_.relays_[relay].habits();
  if (random_.chance(habits.breaks))
    return break_link(relay, random_.between(Millis{50}, habits.longest_break));
  network_.timeline_.after(random_.between(habits.fastest, habits.slowest),
                           [weak = weak_from_this(), relay, epoch = link.epoch, what = std::move(what)] {
                             const auto self = weak.lock();
                             if (self && self->links_[relay].up && self->links_[relay].epoch == epoch) what();
                           });
}

void SimulatedCourier::break_link(std::size_t relay, Millis pause) {
  Link& link = links_[relay];
  const bool was_up = std::exchange(link.up, false);
  ++link.epoch;
  network_.timeline_.after(pause, [weak = weak_from_this(), relay, epoch = link.epoch] {
    if (const auto self = weak.lock()) self->reconnect(relay, epoch);
  });
  if (was_up) tell_status();
}

void SimulatedCourier::reconnect(std::size_t relay, unsigned epoch) {
  Link& link = links_[relay];
  if (link.up || link.epoch != epoch) return;
  if (!network_.relays_[relay].is_up()) return break_link(relay, Millis{500});
  link.up = true;
  tell_status();
  std::vector<relay::SubscriptionId> wishes;
  for (const auto& [id, wish] : subscriptions_) wishes.push_back(id);
  for (const relay::SubscriptionId id : wishes) request(relay, id);
  std::vector<nostr::EventId> parcels;
  for (const auto& [id, parcel] : outbox_) parcels.push_back(id);
  for (const nostr::EventId& id : parcels) send(relay, id);
}

relay::SubscriptionId SimulatedCourier::subscribe(relay::Subscription subscription) {
  const relay::SubscriptionId id = next_subscription_++;
  subscriptions_.emplace(id,
                         Wish{.subscription = std::move(subscription), .handed_over = {}, .caught_up = {}});
  for (std::size_t i = 0; i < links_.size(); ++i) request(i, id);
  return id;
}

void SimulatedCourier::request(std::size_t relay, relay::SubscriptionId id) {
  over(relay, [this, relay, id] {
    const auto wish = subscriptions_.find(id);
    if (wish == subscriptions_.end()) return;
    for (const nostr::Event& event : network_.relays_[relay].find(wish->second.subscription.filters)) {
      over(relay, [this, relay, id, event] { hand_over(relay, id, event, false); });
    }
    over(relay, [this, relay, id] {
      const auto found = subscriptions_.find(id);
      if (found == subscriptions_.end()) return;
      Wish& now = found->second;
      now.caught_up.insert(relay);
      if (now.told || now.caught_up.size() < quorum_) return;
      now.told = true;
      if (now.subscription.on_caught_up) now.subscription.on_caught_up();
    });
  });
}

void SimulatedCourier::show(std::size_t relay, const nostr::Event& event) {
  for (const auto& [id, wish] : subscriptions_) {
    const bool wanted = std::ranges::any_of(
        wish.subscription.filters, [&](const nostr::Filter& filter) { return filter.matches(event); });
    if (!wanted) continue;
    over(relay, [this, relay, id = id, event] { hand_over(relay, id, event, false); });
    if (!random_.chance(network_.relays_[relay].habits().repeats)) continue;
    over(relay, [this, relay, id = id, event] { hand_over(relay, id, event, true); });
  }
}

void SimulatedCourier::hand_over(std::size_t relay, relay::SubscriptionId id, const nostr::Event& event,
                                 bool again) {
  const auto self = shared_from_this();  // the callback may drop the courier
  seen_on_[event.id].insert(relay);
  const auto wish = subscriptions_.find(id);
  if (wish == subscriptions_.end()) return;
  if (!wish->second.handed_over.insert(event.id).second && !again) return;
  const auto on_event = wish->second.subscription.on_event;
  on_event(event, network_.relays_[relay].habits().url);
}

Status SimulatedCourier::publish(relay::Publication publication) {
  const nostr::EventId id = publication.event.id;
  auto [place, fresh] = outbox_.emplace(id, Parcel{publication, std::vector<bool>(links_.size(), false)});
  if (!fresh) place->second.publication = std::move(publication);
  for (std::size_t i = 0; i < links_.size(); ++i) {
    if (!place->second.accepted[i]) send(i, id);
  }
  return {};
}

void SimulatedCourier::send(std::size_t relay, const nostr::EventId& id) {
  const auto parcel = outbox_.find(id);
  if (parcel == outbox_.end() || parcel->second.accepted[relay]) return;
  over(relay, [this, relay, event = parcel->second.publication.event] {
    network_.arrive(relay, event);
    over(relay, [this, relay, id = event.id] { accepted(relay, id); });
  });
}

void SimulatedCourier::whisper(std::size_t relay, const nostr::Event& event) {
  over(relay, [this, relay, event] { network_.arrive(relay, event); });
}

void SimulatedCourier::accepted(std::size_t relay, const nostr::EventId& id) {
  const auto self = shared_from_this();
  const auto parcel = outbox_.find(id);
  if (parcel == outbox_.end() || parcel->second.accepted[relay]) return;
  parcel->second.accepted[relay] = true;
  const auto& callback = parcel->second.publication.on_progress;
  if (!callback) return;
  relay::PublishProgress progress{.id = id, .quorum = quorum_, .relays = {}};
  if (parcel->second.publication.quorum > 0) progress.quorum = parcel->second.publication.quorum;
  for (std::size_t i = 0; i < links_.size(); ++i) {
    const auto state = parcel->second.accepted[i] ? relay::Delivery::accepted : relay::Delivery::waiting;
    progress.relays.push_back({network_.relays_[i].habits().url, state, ""});
  }
  const auto copy = callback;
  copy(progress);
}

void SimulatedCourier::fetch(relay::Fetch request) {
  struct Asked {
    relay::Fetch request;
    relay::Fetched found;
    std::set<nostr::EventId> ids;
    bool done = false;
  };
  auto asked = std::make_shared<Asked>();
  asked->request = std::move(request);
  const auto finish = [this, asked] {
    if (std::exchange(asked->done, true)) return;
    const std::size_t quorum = asked->request.quorum > 0 ? asked->request.quorum : quorum_;
    asked->found.complete = asked->found.answered >= quorum;
    std::ranges::stable_sort(asked->found.events, std::ranges::greater{}, &nostr::Event::created_at);
    asked->request.on_done(asked->found);
  };
  for (std::size_t i = 0; i < links_.size(); ++i) {
    over(i, [this, i, asked, finish] {
      auto events = network_.relays_[i].find(asked->request.filters);
      over(i, [this, asked, finish, events = std::move(events)] {
        for (const nostr::Event& event : events) {
          if (asked->ids.insert(event.id).second) asked->found.events.push_back(event);
        }
        if (++asked->found.answered == links_.size()) finish();
      });
    });
  }
  network_.timeline_.after(asked->request.timeout, [weak = weak_from_this(), finish] {
    if (const auto self = weak.lock()) finish();
  });
}

std::vector<std::string> SimulatedCourier::seen_on(const nostr::EventId& id) const {
  std::vector<std::string> out;
  const auto found = seen_on_.find(id);
  if (found == seen_on_.end()) return out;
  for (const std::size_t relay : found->second) out.push_back(network_.relays_[relay].habits().url);
  return out;
}

relay::CourierStatus SimulatedCourier::status() const {
  relay::CourierStatus out;
  out.quorum = quorum_;
  for (std::size_t i = 0; i < links_.size(); ++i) {
    out.relays.push_back({network_.relays_[i].habits().url, links_[i].up, links_[i].up, ""});
  }
  return out;
}

void SimulatedCourier::on_status(std::function<void(const relay::CourierStatus&)> observer) {
  observer_ = std::move(observer);
  tell_status();
}

void SimulatedCourier::tell_status() {
  if (!observer_) return;
  network_.timeline_.after(Millis{0}, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self || !self->observer_) return;
    const auto observer = self->observer_;
    observer(self->status());
  });
}

bool SimulatedCourier::is_idle() const {
  return std::ranges::all_of(outbox_, [](const auto& each) {
    return std::ranges::all_of(each.second.accepted, [](bool accepted) { return accepted; });
  });
}

}  // namespace manastr::simulation
