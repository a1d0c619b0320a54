#include "relay-client/embedded/event_store.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "relay-client/embedded/live_filters.h"

namespace manastr::relay::embedded {
namespace {

crypto::XOnlyKey author(int number) {
  crypto::XOnlyKey out;
  out.bytes[31] = static_cast<Byte>(number + 1);
  return out;
}

nostr::Event event(int who, std::uint32_t kind, std::int64_t at, std::vector<nostr::Tag> tags = {},
                   std::string content = {}) {
  nostr::Event out{.pubkey = author(who),
                   .created_at = unix_seconds(at),
                   .kind = kind,
                   .tags = std::move(tags),
                   .content = std::move(content)};
  out.id = nostr::compute_id(out);
  return out;
}

const UnixSeconds kNow = unix_seconds(1'000);

std::vector<Row> all(const EventStore& store, nostr::Filter filter = {}) {
  return store.query({filter}, kNow, {});
}

TEST(EventStore, ReplacesByTimeThenByLowerId) {
  EventStore store(100);
  nostr::Event a = event(1, 31'000, 10, {{"d", "x"}}, "a"), b = event(1, 31'000, 10, {{"d", "x"}}, "b");
  if (a.id < b.id) std::swap(a, b);
  EXPECT_EQ(store.put(a).outcome, EventStore::Outcome::stored);
  const auto lower = store.put(b);
  EXPECT_EQ(lower.outcome, EventStore::Outcome::stored);
  EXPECT_EQ(lower.removed, std::vector<nostr::EventId>{a.id});
  EXPECT_EQ(store.put(a).outcome, EventStore::Outcome::superseded);
  EXPECT_EQ(store.put(b).outcome, EventStore::Outcome::duplicate);
  EXPECT_EQ(store.put(event(1, 31'000, 9, {{"d", "x"}})).outcome, EventStore::Outcome::superseded);
  EXPECT_EQ(store.put(event(1, 31'000, 9, {{"d", "y"}})).outcome, EventStore::Outcome::stored);
  EXPECT_EQ(store.put(event(2, 31'000, 9, {{"d", "x"}})).outcome, EventStore::Outcome::stored);
  EXPECT_EQ(all(store).size(), 3U);
  // No d tag is the same as an empty one; replaceable kinds know none.
  store.put(event(3, 31'000, 1));
  store.put(event(3, 31'000, 2, {{"d", ""}}));
  store.put(event(3, 10'002, 1, {{"d", "p"}}));
  store.put(event(3, 10'002, 2, {{"d", "q"}}));
  nostr::Filter third;
  third.authors = {author(3)};
  EXPECT_EQ(all(store, third).size(), 2U);
}

TEST(EventStore, DeletesWhatItsAuthorDeletesAndRefusesItAgain) {
  EventStore store(100);
  const nostr::Event mine = event(1, 1, 10), other = event(2, 1, 10),
                     slot = event(1, 31'000, 10, {{"d", "x"}});
  for (const auto& each : {mine, other, slot}) store.put(each);
  const nostr::Event deletion = event(1, 5, 20,
                                      {{"e", to_hex(mine.id)},
                                       {"e", to_hex(other.id)},
                                       {"a", "31000:" + author(1).hex() + ":x"},
                                       {"a", "31000:" + author(2).hex() + ":x"},
                                       {"e", "zz"},
                                       {"a", "x"}});
  const auto put = store.put(deletion);
  EXPECT_EQ(put.removed.size(), 2U);
  EXPECT_EQ(store.put(mine).outcome, EventStore::Outcome::deleted);
  EXPECT_EQ(store.put(slot).outcome, EventStore::Outcome::deleted);
  EXPECT_EQ(store.put(event(1, 31'000, 21, {{"d", "x"}})).outcome, EventStore::Outcome::stored)
      << "newer than the deletion";
  EXPECT_EQ(store.put(event(2, 31'000, 5, {{"d", "x"}})).outcome, EventStore::Outcome::stored)
      << "not the deleter's";
  EXPECT_EQ(store.put(other).outcome, EventStore::Outcome::duplicate);
  // Before its event, and never of a deletion itself.
  const nostr::Event late = event(1, 1, 11);
  store.put(event(1, 5, 21, {{"e", to_hex(late.id)}, {"e", to_hex(deletion.id)}}));
  EXPECT_EQ(store.put(late).outcome, EventStore::Outcome::deleted);
  EXPECT_EQ(store.put(deletion).outcome, EventStore::Outcome::duplicate);
}

TEST(EventStore, HidesAndPurgesWhatHasExpired) {
  EventStore store(100);
  store.put(event(1, 1, 10, {{"expiration", "1000"}}));
  store.put(event(1, 1, 11, {{"expiration", "1001"}}));
  store.put(event(1, 1, 12, {{"expiration", "soon"}}));
  EXPECT_EQ(all(store).size(), 2U);
  EXPECT_EQ(store.count({nostr::Filter{}}, kNow), 2U);
  EXPECT_EQ(store.purge(kNow).size(), 1U);
  EXPECT_EQ(store.size(), 2U);
}

TEST(EventStore, IsBounded) {
  EventStore store(2);
  store.put(event(1, 1, 1));
  store.put(event(1, 31'000, 2));
  EXPECT_EQ(store.put(event(1, 1, 3)).outcome, EventStore::Outcome::full);
  EXPECT_EQ(store.put(event(1, 31'000, 3)).outcome, EventStore::Outcome::stored)
      << "replaces, so needs no room";
}

TEST(EventStore, AnAnswerIsBoundedInBytes) {
  EventStore store(100);
  for (int i = 0; i < 10; ++i) store.put(event(1, 1, i, {}, std::string(1'000, 'x')));
  EXPECT_EQ(store.query({nostr::Filter{}}, kNow, {.bytes = 4'000}).size(), 3U);
}

/// The rules again, as simply as they can be said.
struct Naive {
  std::vector<nostr::Event> seen;
  static bool same_slot(const nostr::Event& a, const nostr::Event& b) {
    if (a.kind != b.kind || a.pubkey != b.pubkey) return false;
    return is_replaceable(a.kind) || (is_addressable(a.kind) && a.d() == b.d());
  }
  std::vector<nostr::EventId> query(const std::vector<nostr::Filter>& filters) const {
    std::vector<nostr::Event> out;
    for (const nostr::Filter& filter : filters) {
      std::vector<nostr::Event> found;
      for (const nostr::Event& each : seen) {
        const bool older = std::ranges::any_of(seen, [&](const nostr::Event& by) {
          return same_slot(each, by) &&
                 (by.created_at > each.created_at || (by.created_at == each.created_at && by.id < each.id));
        });
        if (!older && filter.matches(each)) found.push_back(each);
      }
      sort(found);
      if (filter.limit && found.size() > *filter.limit) found.resize(*filter.limit);
      out.insert(out.end(), found.begin(), found.end());
    }
    sort(out);
    std::vector<nostr::EventId> ids;
    for (const nostr::Event& each : out) ids.push_back(each.id);
    return ids;
  }
  static void sort(std::vector<nostr::Event>& events) {
    std::ranges::sort(events, [](const auto& a, const auto& b) {
      return a.created_at != b.created_at ? a.created_at > b.created_at : a.id < b.id;
    });
    events.erase(
        std::unique(events.begin(), events.end(), [](const auto& a, const auto& b) { return a.id == b.id; }),
        events.end());
  }
};

rc::Gen<nostr::Event> any_event() {
  return rc::gen::exec([] {
    const auto kinds = std::vector<std::uint32_t>{1, 2, 10'002, 31'000, 31'001};
    std::vector<nostr::Tag> tags;
    for (int i = *rc::gen::inRange(0, 4); i > 0; --i) {
      tags.push_back({*rc::gen::element<std::string>("d", "e", "p", "name"),
                      *rc::gen::element<std::string>("a", "b", "c")});
    }
    return event(*rc::gen::inRange(0, 3), *rc::gen::elementOf(kinds), *rc::gen::inRange(0, 6), tags);
  });
}

rc::Gen<nostr::Filter> any_filter() {
  return rc::gen::exec([] {
    nostr::Filter out;
    if (*rc::gen::inRange(0, 3) == 0)
      out.authors = {author(*rc::gen::inRange(0, 3)), author(*rc::gen::inRange(0, 3))};
    if (*rc::gen::inRange(0, 3) == 0)
      out.kinds = {*rc::gen::element<std::uint32_t>(1, 31'000), *rc::gen::element<std::uint32_t>(2, 10'002)};
    if (*rc::gen::inRange(0, 3) == 0) {
      out.tags[*rc::gen::element('d', 'e', 'p')] = {*rc::gen::element<std::string>("a", "b"),
                                                    *rc::gen::element<std::string>("b", "c")};
    }
    if (*rc::gen::inRange(0, 3) == 0) out.since = unix_seconds(*rc::gen::inRange(0, 6));
    if (*rc::gen::inRange(0, 3) == 0) out.until = unix_seconds(*rc::gen::inRange(0, 6));
    if (*rc::gen::inRange(0, 3) == 0) out.limit = *rc::gen::inRange<std::uint32_t>(0, 5);
    return out;
  });
}

RC_GTEST_PROP(EventStoreProperty, FindsWhatTheNaiveModelFindsWhateverTheOrder, ()) {
  const auto events = *rc::gen::container<std::vector<nostr::Event>>(any_event());
  auto filters = *rc::gen::container<std::vector<nostr::Filter>>(any_filter());
  if (!events.empty() && *rc::gen::inRange(0, 4) == 0) {
    nostr::Filter by_id;
    by_id.ids = {events[0].id, events[0].id};
    filters.push_back(by_id);
  }
  EventStore store(1'000);
  Naive naive;
  for (const nostr::Event& each : events) {
    store.put(each);
    naive.seen.push_back(each);
  }
  std::vector<nostr::EventId> got;
  for (const Row& row : store.query(filters, kNow, {})) got.push_back(row->event.id);
  RC_ASSERT(got == naive.query(filters));
}

RC_GTEST_PROP(LiveFiltersProperty, WakeExactlyThoseThatMatch, ()) {
  const auto filters = *rc::gen::container<std::vector<std::vector<nostr::Filter>>>(
      rc::gen::nonEmpty(rc::gen::container<std::vector<nostr::Filter>>(any_filter())));
  const auto events = *rc::gen::container<std::vector<nostr::Event>>(any_event());
  LiveFilters live;
  std::map<std::string, std::vector<nostr::Filter>> standing;
  for (std::size_t i = 0; i < filters.size(); ++i) {
    const std::string name = std::to_string(i % 5);  // some are replaced
    live.add(1, name, filters[i]);
    standing[name] = filters[i];
  }
  if (*rc::gen::inRange(0, 2) == 0) {
    live.remove(1, "0");
    standing.erase("0");
  }
  RC_ASSERT(live.size() == standing.size());
  for (const nostr::Event& each : events) {
    std::multiset<std::string> woken, expected;
    live.match(each, [&](ConnectionId, const std::string& name) { woken.insert(name); });
    for (const auto& [name, list] : standing) {
      if (std::ranges::any_of(list, [&](const auto& filter) { return filter.matches(each); }))
        expected.insert(name);
    }
    RC_ASSERT(woken == expected);
  }
  live.remove_all(1);
  RC_ASSERT(live.size() == 0U);
}

}  // namespace
}  // namespace manastr::relay::embedded
