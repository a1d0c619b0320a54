#include "relay-client/embedded/live_filters.h"

#include <algorithm>
#include <set>

#include "relay-client/embedded/index_key.h"

namespace manastr::relay::embedded {
namespace {

constexpr const char* kEverything = "*";

void keys_of(const nostr::Filter& filter, std::set<std::string>& out) {
  if (filter.ids) {
    for (const auto& id : *filter.ids) out.insert(id_key(id));
  } else if (!filter.tags.empty()) {
    // Of several letters all must match, so the one with the fewest values is enough.
    const auto& [letter, values] = *std::ranges::min_element(
        filter.tags, [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
    for (const auto& value : values) out.insert(tag_key(letter, value));
  } else if (filter.authors) {
    for (const auto& author : *filter.authors) out.insert(author_key(author));
  } else if (filter.kinds) {
    for (const auto kind : *filter.kinds) out.insert(kind_key(kind));
  } else {
    out.insert(kEverything);
  }
}

}  // namespace

void LiveFilters::add(ConnectionId connection, const std::string& subscription,
                      std::vector<nostr::Filter> filters) {
  remove(connection, subscription);
  auto standing = std::make_unique<Standing>(Standing{connection, subscription, std::move(filters), {}, 0});
  std::set<std::string> keys;
  for (const nostr::Filter& filter : standing->filters) keys_of(filter, keys);
  standing->keys.assign(keys.begin(), keys.end());
  for (const std::string& key : standing->keys) by_key_[key].push_back(standing.get());
  connections_[connection][subscription] = std::move(standing);
  ++size_;
}

void LiveFilters::take_out(const Standing& standing) {
  for (const std::string& key : standing.keys) {
    const auto found = by_key_.find(key);
    std::erase(found->second, &standing);
    if (found->second.empty()) by_key_.erase(found);
  }
  --size_;
}

bool LiveFilters::remove(ConnectionId connection, const std::string& subscription) {
  const auto of_connection = connections_.find(connection);
  if (of_connection == connections_.end()) return false;
  const auto found = of_connection->second.find(subscription);
  if (found == of_connection->second.end()) return false;
  take_out(*found->second);
  of_connection->second.erase(found);
  if (of_connection->second.empty()) connections_.erase(of_connection);
  return true;
}

void LiveFilters::remove_all(ConnectionId connection) {
  const auto found = connections_.find(connection);
  if (found == connections_.end()) return;
  for (const auto& [name, standing] : found->second) take_out(*standing);
  connections_.erase(found);
}

std::size_t LiveFilters::of(ConnectionId connection) const {
  const auto found = connections_.find(connection);
  return found == connections_.end() ? 0 : found->second.size();
}

bool LiveFilters::has(ConnectionId connection, const std::string& subscription) const {
  const auto found = connections_.find(connection);
  return found != connections_.end() && found->second.contains(subscription);
}

void LiveFilters::match(const nostr::Event& event,
                        const std::function<void(ConnectionId, const std::string&)>& wake) {
  ++events_;
  const auto try_key = [&](const std::string& key) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return;
    for (Standing* standing : found->second) {
      if (standing->woken_by == events_) continue;
      if (std::ranges::none_of(standing->filters, [&](const auto& filter) { return filter.matches(event); }))
        continue;
      standing->woken_by = events_;
      wake(standing->connection, standing->name);
    }
  };
  try_key(id_key(event.id));
  try_key(author_key(event.pubkey));
  try_key(kind_key(event.kind));
  try_key(kEverything);
  for (const nostr::Tag& tag : event.tags) {
    if (is_indexed(tag)) try_key(tag_key(tag[0][0], tag[1]));
  }
}

}  // namespace manastr::relay::embedded
