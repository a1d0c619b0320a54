#include "relay-client/subscription_keeper.h"

#include <algorithm>
#include <charconv>

namespace manastr::relay {

std::optional<SubscriptionName> parse_subscription_name(std::string_view text) {
  SubscriptionName out;
  if (text.size() < 4 || (text[0] != 's' && text[0] != 'p' && text[0] != 'b')) return std::nullopt;
  out.role = text[0];
  const char* end = text.data() + text.size();
  const auto wish = std::from_chars(text.data() + 1, end, out.wish);
  if (wish.ec != std::errc{} || wish.ptr == end || *wish.ptr != '.') return std::nullopt;
  const auto number = std::from_chars(wish.ptr + 1, end, out.number);
  if (number.ec != std::errc{} || number.ptr != end) return std::nullopt;
  return out;
}

std::uint32_t SubscriptionKeeper::limit() const {
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(policy_.limit, limits_.limit.value_or(policy_.limit)));
}

void SubscriptionKeeper::add(std::shared_ptr<const Wish> wish, Moment now) {
  const std::uint64_t id = wish->id;
  Kept kept{.wish = std::move(wish),
            .backoff = resilience::Backoff({policy_.retry_first, policy_.retry_most}, *random_)};
  Kept& put = kept_.insert_or_assign(id, std::move(kept)).first->second;
  put.due = now.steady;
  if (connected_) ask(put, now);
}

void SubscriptionKeeper::remove(std::uint64_t wish) {
  const auto found = kept_.find(wish);
  if (found == kept_.end()) return;
  const Kept& kept = found->second;
  if (connected_) {
    if (kept.in_force) outgoing_.push_back(close_message(SubscriptionName{'s', wish, *kept.in_force}.text()));
    if (kept.state == State::asked || kept.state == State::paging) {
      if (kept.in_force != kept.asked)
        outgoing_.push_back(close_message(SubscriptionName{'s', wish, kept.asked}.text()));
      if (kept.page != 0) outgoing_.push_back(close_message(SubscriptionName{'p', wish, kept.page}.text()));
    }
  }
  kept_.erase(found);
}

void SubscriptionKeeper::connected(Moment now) {
  connected_ = true;
  for (auto& [id, kept] : kept_) ask(kept, now);
}

void SubscriptionKeeper::disconnected(UnixSeconds last_heard) {
  connected_ = false;
  wants_authentication_ = false;
  outgoing_.clear();
  for (auto& [id, kept] : kept_) {
    if (kept.in_force) kept.watermark = last_heard;
    kept.in_force.reset();
    kept.state = State::waiting;
    kept.pages.clear();
  }
}

void SubscriptionKeeper::ask(Kept& kept, Moment now) {
  if (kept.in_force) kept.watermark = now.wall;  // an audit: up to now this request was live
  kept.asked = next_number_++;
  kept.page = 0;
  kept.pages.clear();
  kept.pages_done = 0;
  kept.asked_at = now.wall;
  kept.repairing = kept.watermark && !kept.in_force;
  kept.since.clear();
  std::vector<nostr::Filter> filters = kept.wish->filters;
  for (nostr::Filter& filter : filters) {
    if (kept.watermark && !kept.wish->once) {
      const UnixSeconds from = *kept.watermark - policy_.overlap;
      filter.since = std::max(filter.since.value_or(from), from);
    }
    kept.since.push_back(filter.since);
    if (!filter.limit) filter.limit = limit();
  }
  kept.state = State::asked;
  kept.due = now.steady + policy_.answer_timeout;
  outgoing_.push_back(request_message(SubscriptionName{'s', kept.wish->id, kept.asked}.text(), filters));
}

void SubscriptionKeeper::stored_events_end(const SubscriptionName& name, const Tally& tally, Moment now) {
  const auto found = kept_.find(name.wish);
  if (!connected_ || found == kept_.end()) return;
  Kept& kept = found->second;
  const std::uint32_t cut = std::min(limit(), policy_.clamp);
  if (name.role == 's') {
    if (kept.state != State::asked || name.number != kept.asked) return;
    if (kept.wish->paged) {
      for (std::size_t i = 0; i < tally.filters.size(); ++i) {
        if (tally.filters[i].events >= cut) kept.pages.push_back({i, tally.filters[i].oldest, limit()});
      }
    }
  } else {
    if (kept.state != State::paging || name.number != kept.page || kept.pages.empty()) return;
    outgoing_.push_back(close_message(name.text()));
    kept.page = 0;
    Page& page = kept.pages.front();
    const Tally::PerFilter seen =
        page.filter < tally.filters.size() ? tally.filters[page.filter] : Tally::PerFilter{};
    if (seen.events < cut || ++kept.pages_done >= policy_.most_pages) {
      kept.pages.pop_front();
    } else if (seen.oldest < page.until) {
      page.until = seen.oldest;
    } else if (page.limit < policy_.largest_limit) {
      page.limit = policy_.largest_limit;  // more in one second than a page holds: ask for more at once
    } else {
      trouble_ = "the relay holds more events of one second than it gives at once; some may be missing";
      page.until = seen.oldest - 1;
    }
  }
  go_on(kept, now);
}

void SubscriptionKeeper::go_on(Kept& kept, Moment now) {
  const std::uint64_t wish = kept.wish->id;
  kept.backoff.reset();
  if (!kept.pages.empty()) {
    const Page& page = kept.pages.front();
    nostr::Filter filter = kept.wish->filters[page.filter];
    filter.since = kept.since[page.filter];
    filter.until = unix_seconds(std::max<std::int64_t>(page.until, 0));
    filter.limit = page.limit;
    kept.page = next_number_++;
    kept.state = State::paging;
    kept.due = now.steady + policy_.answer_timeout;
    outgoing_.push_back(request_message(SubscriptionName{'p', wish, kept.page}.text(), {filter}));
    return;
  }
  if (kept.in_force) outgoing_.push_back(close_message(SubscriptionName{'s', wish, *kept.in_force}.text()));
  finished_.push_back(wish);
  if (kept.wish->once) {
    outgoing_.push_back(close_message(SubscriptionName{'s', wish, kept.asked}.text()));
    kept_.erase(wish);
    return;
  }
  if (kept.repairing) ++gaps_repaired_;
  kept.in_force = kept.asked;
  kept.watermark = kept.asked_at;
  kept.state = State::settled;
  kept.due = now.steady + policy_.audit_interval;
}

void SubscriptionKeeper::fail(Kept& kept, Moment now, std::string trouble) {
  trouble_ = std::move(trouble);
  // Closed on our side too, so that what a relay counts as open does not grow.
  outgoing_.push_back(close_message(SubscriptionName{'s', kept.wish->id, kept.asked}.text()));
  if (kept.page != 0)
    outgoing_.push_back(close_message(SubscriptionName{'p', kept.wish->id, kept.page}.text()));
  kept.pages.clear();
  kept.page = 0;
  kept.state = State::waiting;
  kept.due = now.steady + kept.backoff.next();
}

void SubscriptionKeeper::closed(const SubscriptionName& name, const std::string& text, Moment now) {
  const auto found = kept_.find(name.wish);
  if (!connected_ || found == kept_.end()) return;
  Kept& kept = found->second;
  const bool live = name.role == 's' && kept.in_force == name.number;
  const bool under_way = (name.role == 's' && kept.state == State::asked && kept.asked == name.number) ||
                         (name.role == 'p' && kept.state == State::paging && kept.page == name.number) ||
                         (name.role == 's' && kept.state == State::paging && kept.asked == name.number);
  if (!live && !under_way) return;
  if (live) {
    kept.watermark = now.wall;
    kept.in_force.reset();
  }
  if (reason_of(text) == Reason::auth_required) {
    kept.state = State::unauthenticated;
    kept.pages.clear();
    wants_authentication_ = true;
    trouble_ = "the relay asks for authentication (NIP-42)";
    return;
  }
  if (under_way || kept.state == State::settled)
    fail(kept, now, "the relay closed a subscription: " + text.substr(0, 200));
}

void SubscriptionKeeper::authenticated(Moment now) {
  wants_authentication_ = false;
  if (!connected_) return;
  for (auto& [id, kept] : kept_) {
    if (kept.state == State::unauthenticated) ask(kept, now);
  }
}

void SubscriptionKeeper::tick(Moment now) {
  if (!connected_) return;
  for (auto& [id, kept] : kept_) {
    if (kept.due > now.steady) continue;
    switch (kept.state) {
      case State::waiting:
      case State::settled:
        ask(kept, now);
        break;
      case State::asked:
      case State::paging:
        fail(kept, now, "the relay did not answer a subscription in time");
        break;
      case State::unauthenticated:
        break;
    }
  }
}

bool SubscriptionKeeper::all_in_force() const {
  return connected_ && std::ranges::all_of(kept_, [](const auto& each) {
           return each.second.wish->once || each.second.in_force;
         });
}

std::optional<std::string> SubscriptionKeeper::next() {
  if (outgoing_.empty()) return std::nullopt;
  std::string out = std::move(outgoing_.front());
  outgoing_.pop_front();
  return out;
}

}  // namespace manastr::relay
