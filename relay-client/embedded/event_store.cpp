#include "relay-client/embedded/event_store.h"

#include <algorithm>
#include <charconv>
#include <queue>

#include "relay-client/embedded/index_key.h"

namespace manastr::relay::embedded {
namespace {

constexpr std::uint32_t kDeletion = 5;

std::string coordinate_of(const nostr::Event& event) {
  if (!is_replaceable(event.kind) && !is_addressable(event.kind)) return {};
  std::string out = std::to_string(event.kind) + ':' + event.pubkey.hex() + ':';
  if (is_addressable(event.kind)) out += event.d();
  return out;
}

}  // namespace

bool is_replaceable(std::uint32_t kind) {
  return kind == 0 || kind == 3 || (kind >= 10'000 && kind < 20'000);
}
bool is_ephemeral(std::uint32_t kind) { return kind >= 20'000 && kind < 30'000; }
bool is_addressable(std::uint32_t kind) { return kind >= 30'000 && kind < 40'000; }

std::optional<UnixSeconds> expiration_of(const nostr::Event& event) {
  const auto value = event.tag("expiration");
  if (!value) return std::nullopt;
  std::int64_t seconds = 0;
  const auto parsed = std::from_chars(value->data(), value->data() + value->size(), seconds);
  if (parsed.ec != std::errc{} || parsed.ptr != value->data() + value->size() || seconds < 0)
    return std::nullopt;
  return unix_seconds(seconds);
}

void EventStore::index(const Stored* row, bool in) {
  const auto change = [&](const std::string& key) {
    if (in) {
      by_key_[key].insert(row);
      return;
    }
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return;
    found->second.erase(row);
    if (found->second.empty()) by_key_.erase(found);
  };
  if (in) {
    all_.insert(row);
  } else {
    all_.erase(row);
  }
  change(author_key(row->event.pubkey));
  change(kind_key(row->event.kind));
  for (const nostr::Tag& tag : row->event.tags) {
    if (is_indexed(tag)) change(tag_key(tag[0][0], tag[1]));
  }
  if (row->expiration) {
    if (in) {
      by_expiration_.emplace(*row->expiration, row->event.id);
    } else {
      by_expiration_.erase({*row->expiration, row->event.id});
    }
  }
}

void EventStore::remove(const nostr::EventId& id) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return;
  const Row row = found->second;  // kept alive while it leaves the indexes
  index(row.get(), false);
  const std::string coordinate = coordinate_of(row->event);
  if (const auto at = by_coordinate_.find(coordinate);
      at != by_coordinate_.end() && at->second == row.get()) {
    by_coordinate_.erase(at);
  }
  by_id_.erase(found);
}

bool EventStore::is_deleted(const nostr::Event& event, const std::string& coordinate) const {
  if (event.kind == kDeletion) return false;
  if (deleted_ids_.contains({event.id, event.pubkey})) return true;
  const auto found = coordinate.empty() ? deleted_coordinates_.end() : deleted_coordinates_.find(coordinate);
  return found != deleted_coordinates_.end() && event.created_at <= found->second;
}

void EventStore::apply_deletion(const nostr::Event& deletion, std::vector<nostr::EventId>& removed) {
  const auto take_out = [&](const Stored* row) {
    removed.push_back(row->event.id);
    remove(removed.back());
  };
  const std::string own = ':' + deletion.pubkey.hex() + ':';
  for (const nostr::Tag& tag : deletion.tags) {
    if (tag.size() < 2) continue;
    if (tag[0] == "e") {
      const auto id = array_from_hex<32>(tag[1]);
      if (!id) continue;
      deleted_ids_[{*id, deletion.pubkey}] = true;  // holds for one that comes later, too
      const auto found = by_id_.find(*id);
      if (found != by_id_.end() && found->second->event.pubkey == deletion.pubkey &&
          found->second->event.kind != kDeletion) {
        take_out(found->second.get());
      }
    } else if (tag[0] == "a") {
      const std::size_t colon = tag[1].find(':');
      if (colon == std::string::npos || tag[1].compare(colon, own.size(), own) != 0) continue;
      UnixSeconds& until = deleted_coordinates_.try_emplace(tag[1], deletion.created_at).first->second;
      until = std::max(until, deletion.created_at);
      const auto found = by_coordinate_.find(tag[1]);
      if (found != by_coordinate_.end() && found->second->event.created_at <= deletion.created_at)
        take_out(found->second);
    }
  }
}

EventStore::Put EventStore::put(nostr::Event event) {
  if (const auto found = by_id_.find(event.id); found != by_id_.end()) {
    return {.outcome = Outcome::duplicate, .row = found->second};
  }
  const std::string coordinate = coordinate_of(event);
  if (is_deleted(event, coordinate)) return {.outcome = Outcome::deleted};
  Put out;
  const Stored* older = nullptr;
  if (!coordinate.empty()) {
    if (const auto found = by_coordinate_.find(coordinate); found != by_coordinate_.end()) {
      older = found->second;
      const nostr::Event& has = older->event;
      if (has.created_at > event.created_at || (has.created_at == event.created_at && has.id < event.id)) {
        return {.outcome = Outcome::superseded};
      }
    }
  }
  if (older == nullptr && by_id_.size() >= most_events_) return {.outcome = Outcome::full};
  if (older != nullptr) {
    out.removed.push_back(older->event.id);
    remove(out.removed.back());
  }
  if (event.kind == kDeletion) apply_deletion(event, out.removed);
  out.row = std::make_shared<Stored>();
  out.row->json = nostr::dump(event);
  out.row->expiration = expiration_of(event);
  out.row->event = std::move(event);
  by_id_.emplace(out.row->event.id, out.row);
  if (!coordinate.empty()) by_coordinate_[coordinate] = out.row.get();
  index(out.row.get(), true);
  return out;
}

std::vector<const EventStore::Index*> EventStore::candidates(const nostr::Filter& filter) const {
  // The narrowest of the indexes that hold everything the filter can match.
  std::vector<const Index*> best = {&all_};
  std::size_t best_size = all_.size();
  const auto consider = [&](const auto& values, const auto& key) {
    std::vector<const Index*> found;
    std::size_t size = 0;
    for (const auto& value : values) {
      const auto at = by_key_.find(key(value));
      if (at == by_key_.end()) continue;
      found.push_back(&at->second);
      size += at->second.size();
    }
    if (size < best_size) {
      best = std::move(found);
      best_size = size;
    }
  };
  for (const auto& [letter, values] : filter.tags) {
    consider(values, [&](const std::string& value) { return tag_key(letter, value); });
  }
  if (filter.authors) consider(*filter.authors, author_key);
  if (filter.kinds) consider(*filter.kinds, kind_key);
  return best;
}

template <class Visit>
void EventStore::scan(const nostr::Filter& filter, UnixSeconds now, const Visit& visit) const {
  const auto shown = [&](const Stored& row) {
    return (!row.expiration || *row.expiration > now) && filter.matches(row.event);
  };
  if (filter.ids) {
    std::vector<const Stored*> found;
    for (const nostr::EventId& id : *filter.ids) {
      if (const auto at = by_id_.find(id); at != by_id_.end()) found.push_back(at->second.get());
    }
    std::ranges::sort(found, Newest{});
    found.erase(std::unique(found.begin(), found.end()), found.end());
    for (const Stored* row : found) {
      if (shown(*row) && !visit(*row)) return;
    }
    return;
  }
  // All candidate indexes as one, newest first.
  using Cursor = std::pair<Index::const_iterator, Index::const_iterator>;
  const auto later = [](const Cursor& a, const Cursor& b) { return Newest{}(*b.first, *a.first); };
  std::priority_queue<Cursor, std::vector<Cursor>, decltype(later)> cursors(later);
  Stored newest_wanted;
  newest_wanted.event.created_at = filter.until.value_or(UnixSeconds::max());
  for (const Index* each : candidates(filter)) {
    const auto from = filter.until ? each->lower_bound(&newest_wanted) : each->begin();
    if (from != each->end()) cursors.push({from, each->end()});
  }
  const Stored* last = nullptr;
  while (!cursors.empty()) {
    Cursor cursor = cursors.top();
    cursors.pop();
    const Stored* row = *cursor.first;
    if (filter.since && row->event.created_at < *filter.since) return;
    if (row != last && shown(*row) && !visit(*row)) return;
    last = row;
    if (++cursor.first != cursor.second) cursors.push(cursor);
  }
}

std::vector<Row> EventStore::query(const std::vector<nostr::Filter>& filters, UnixSeconds now,
                                   const Bounds& bounds) const {
  std::vector<const Stored*> found;
  for (const nostr::Filter& filter : filters) {
    const std::uint64_t limit =
        std::min<std::uint64_t>(filter.limit.value_or(bounds.default_limit), bounds.most_limit);
    if (limit == 0) continue;
    std::uint64_t taken = 0;
    std::size_t bytes = 0;
    scan(filter, now, [&](const Stored& row) {
      bytes += row.json.size();
      if (bytes > bounds.bytes && taken > 0) return false;
      found.push_back(&row);
      return ++taken < limit;
    });
  }
  std::ranges::sort(found, Newest{});
  found.erase(std::unique(found.begin(), found.end()), found.end());
  std::vector<Row> out;
  out.reserve(found.size());
  for (const Stored* row : found) out.push_back(by_id_.at(row->event.id));
  return out;
}

std::uint64_t EventStore::count(const std::vector<nostr::Filter>& filters, UnixSeconds now) const {
  std::set<const Stored*> found;
  std::uint64_t single = 0;
  for (const nostr::Filter& filter : filters) {
    scan(filter, now, [&](const Stored& row) {
      if (filters.size() == 1) {
        ++single;
      } else {
        found.insert(&row);
      }
      return true;
    });
  }
  return single + found.size();
}

std::vector<nostr::EventId> EventStore::purge(UnixSeconds now) {
  std::vector<nostr::EventId> out;
  while (!by_expiration_.empty() && by_expiration_.begin()->first <= now) {
    out.push_back(by_expiration_.begin()->second);
    remove(out.back());
  }
  return out;
}

}  // namespace manastr::relay::embedded
