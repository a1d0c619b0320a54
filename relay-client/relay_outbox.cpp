#include "relay-client/relay_outbox.h"

#include "relay-client/wish.h"

namespace manastr::relay {

std::size_t utf8_characters(std::string_view text) {
  std::size_t out = 0;
  for (const char c : text) out += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return out;
}

void RelayOutbox::add(std::shared_ptr<const Letter> letter) {
  const nostr::EventId id = letter->id;
  const auto [item, fresh] = items_.try_emplace(id);
  if (!fresh) return;
  item->second.letter = std::move(letter);
  ready_.push_back(id);
}

void RelayOutbox::remove(const nostr::EventId& id) {
  const auto item = items_.find(id);
  if (item == items_.end()) return;
  finish(item, Delivery::refused, {});
  outcomes_.pop_back();
}

void RelayOutbox::start_timer(Item& item, Monotonic at) {
  stop_timer(item);
  item.timer = timers_.emplace(at, item.letter->id);
  item.timed = true;
}

void RelayOutbox::stop_timer(Item& item) {
  if (item.timed) timers_.erase(item.timer);
  item.timed = false;
}

void RelayOutbox::finish(Items::iterator item, Delivery state, std::string message) {
  stop_timer(item->second);
  if (item->second.state == State::flying) --flying_;
  if (item->second.state == State::reading) reading_.erase(item->second.number);
  outcomes_.push_back({item->first, state, std::move(message)});
  items_.erase(item);  // an id left in ready_ is skipped by next()
}

void RelayOutbox::make_ready(Item& item) {
  stop_timer(item);
  if (item.state == State::flying) --flying_;
  if (item.state == State::reading) reading_.erase(item.number);
  item.state = State::ready;
  item.sent_back = false;
  ready_.push_back(item.letter->id);
}

void RelayOutbox::rest(Item& item, Monotonic now) {
  if (item.state == State::flying) --flying_;
  item.state = State::resting;
  if (!item.backoff)
    item.backoff.emplace(resilience::BackoffPolicy{policy_.retry_first, policy_.retry_most}, *random_);
  start_timer(item, now + item.backoff->next());
}

std::optional<std::string> RelayOutbox::too_large(const Letter& letter) const {
  const auto said = [](std::string_view what, std::size_t is, std::uint64_t most) {
    return "invalid: the relay takes at most " + std::to_string(most) + ' ' + std::string(what) +
           ", this event has " + std::to_string(is);
  };
  if (limits_.message_bytes && letter.message.size() > *limits_.message_bytes) {
    return said("bytes", letter.message.size(), *limits_.message_bytes);
  }
  if (limits_.event_tags && letter.tags > *limits_.event_tags)
    return said("tags", letter.tags, *limits_.event_tags);
  if (limits_.content_characters && letter.content_characters > *limits_.content_characters) {
    return said("characters of content", letter.content_characters, *limits_.content_characters);
  }
  return std::nullopt;
}

bool RelayOutbox::has_next() const { return !ready_.empty() && flying_ < policy_.in_flight; }

std::optional<std::string> RelayOutbox::next(Monotonic now) {
  while (has_next()) {
    const auto found = items_.find(ready_.front());
    ready_.pop_front();
    if (found == items_.end()) continue;
    Item& item = found->second;
    if (item.state == State::reading && !item.sent_back) {
      item.sent_back = true;
      start_timer(item, now + policy_.answer_timeout);
      nostr::Filter filter;
      filter.ids = {item.letter->id};
      filter.limit = 1;
      return request_message(SubscriptionName{'b', 0, item.number}.text(), {filter});
    }
    if (item.state != State::ready) continue;
    if (auto why = too_large(*item.letter)) {
      finish(found, Delivery::refused, std::move(*why));
      continue;
    }
    item.state = State::flying;
    ++flying_;
    start_timer(item, now + policy_.answer_timeout);
    return item.letter->message;
  }
  return std::nullopt;
}

void RelayOutbox::answered(const std::optional<nostr::EventId>& id, bool accepted, const std::string& text,
                           Monotonic now) {
  auto found = items_.end();
  if (id) {
    found = items_.find(*id);
  } else if (flying_ == 1) {
    // Some relays name no id when they refuse; with one event under way there is no doubt.
    for (auto each = items_.begin(); each != items_.end(); ++each) {
      if (each->second.state == State::flying) found = each;
    }
  }
  if (found == items_.end() || found->second.state == State::reading) return;
  Item& item = found->second;
  const Reason reason = reason_of(text);
  if (accepted || reason == Reason::duplicate) {
    if (!item.letter->read_back) return finish(found, Delivery::accepted, text);
    if (item.state == State::flying) --flying_;
    stop_timer(item);
    item.state = State::reading;
    item.sent_back = false;
    item.number = next_number_++;
    reading_.emplace(item.number, found->first);
    ready_.push_back(found->first);
    return;
  }
  if (item.state != State::flying) return;
  switch (reason) {
    case Reason::auth_required:
      if (!policy_.can_authenticate) return finish(found, Delivery::refused, text);
      --flying_;
      stop_timer(item);
      item.state = State::unauthenticated;
      wants_authentication_ = true;
      return;
    case Reason::rate_limited:
      return rest(item, now);
    case Reason::error:
    case Reason::none:
      if (++item.errors < policy_.error_attempts) return rest(item, now);
      return finish(found, Delivery::refused, text);
    default:
      return finish(found, Delivery::refused, text);
  }
}

void RelayOutbox::read_back(std::uint64_t number, const std::optional<nostr::EventId>& found) {
  const auto reading = reading_.find(number);
  if (reading == reading_.end() || (found && *found != reading->second)) return;
  const auto item = items_.find(reading->second);
  finish(item, found ? Delivery::accepted : Delivery::refused,
         found ? "" : "replaced: the relay said it took the event but does not return it");
}

void RelayOutbox::tick(Monotonic now) {
  while (!timers_.empty() && timers_.begin()->first <= now) {
    const auto found = items_.find(timers_.begin()->second);
    Item& item = found->second;
    if (item.state == State::resting) {
      make_ready(item);
    } else if (++item.errors < policy_.error_attempts) {
      if (item.state == State::reading) reading_.erase(item.number);
      rest(item, now);
    } else {
      finish(found, Delivery::refused, "error: no answer from the relay");
    }
  }
}

void RelayOutbox::disconnected() {
  ready_.clear();
  wants_authentication_ = false;
  for (auto& [id, item] : items_) {
    if (item.state == State::resting) continue;
    make_ready(item);
  }
}

void RelayOutbox::authentication_refused(const std::string& text) {
  wants_authentication_ = false;
  for (auto item = items_.begin(); item != items_.end();) {
    const auto here = item++;
    if (here->second.state == State::unauthenticated) finish(here, Delivery::refused, text);
  }
}

void RelayOutbox::authenticated() {
  wants_authentication_ = false;
  for (auto& [id, item] : items_) {
    if (item.state == State::unauthenticated) make_ready(item);
  }
}

}  // namespace manastr::relay
