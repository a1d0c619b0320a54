// The pool against real relay processes: published, delivered, killed, restarted.
// Rooms: relay-client
#include "relay-client/relay_pool.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <mutex>
#include <set>

#include "tests/integration/process.h"
#include "tests/support/temporary_folder.h"

namespace manastr::relay {
namespace {

using test::Daemon;
using test::eventually;

nostr::Event event_of(const crypto::SecretKey& key, std::uint32_t kind, const std::string& d,
                      const std::string& content, UnixSeconds at = system_clock().now_seconds()) {
  return nostr::sign({.created_at = at, .kind = kind, .tags = {{"d", d}}, .content = content}, key, {});
}

/// What a subscription got, thread-safe.
class Seen {
 public:
  void add(const nostr::Event& event) {
    const std::lock_guard lock(mutex_);
    ++times_[event.id];
  }
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return times_.size();
  }
  bool has(const nostr::EventId& id) const {
    const std::lock_guard lock(mutex_);
    return times_.contains(id);
  }
  std::size_t most() const {
    const std::lock_guard lock(mutex_);
    std::size_t out = 0;
    for (const auto& [id, times] : times_) out = std::max(out, times);
    return out;
  }

 private:
  mutable std::mutex mutex_;
  std::map<nostr::EventId, std::size_t> times_;
};

class RelayPoolTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (int i = 0; i < 3; ++i) add_relay("");
  }
  Daemon& add_relay(const std::string& extra) {
    const std::string name = "relay" + std::to_string(relays_.size());
    const std::string config = folder_.write(name + ".toml", "[network]\nport = 0\n" + extra);
    relays_.push_back(std::make_unique<Daemon>("manastr-relay", config, folder_.path(name)));
    urls_.push_back("ws://127.0.0.1:" + std::to_string(relays_.back()->port()));
    return *relays_.back();
  }
  std::unique_ptr<RelayPool> pool(std::vector<std::string> urls,
                                  const std::function<void(PoolOptions&)>& change = {}) {
    PoolOptions options = PoolOptions::for_loopback(std::move(urls));
    if (change) change(options);
    auto out = RelayPool::start(options);
    EXPECT_TRUE(out) << out.error().message;
    return std::move(*out);
  }
  Subscription subscription(std::shared_ptr<Seen> seen, std::uint32_t kind,
                            std::function<void()> caught_up = {}) {
    nostr::Filter filter;
    filter.kinds = {kind};
    return {{filter},
            [seen](const nostr::Event& event, std::string_view) { seen->add(event); },
            std::move(caught_up)};
  }

  test::TemporaryFolder folder_;
  std::vector<std::unique_ptr<Daemon>> relays_;
  std::vector<std::string> urls_;
  crypto::SecretKey key_ = crypto::SecretKey::generate(system_random());
};

TEST_F(RelayPoolTest, PublishesToAllAndDeliversOnce) {
  auto writer = pool(urls_), reader = pool(urls_);
  auto seen = std::make_shared<Seen>();
  std::atomic<bool> caught_up = false;
  reader->subscribe(subscription(seen, 31'000, [&] { caught_up = true; }));
  ASSERT_TRUE(eventually([&] { return caught_up.load(); }));
  ASSERT_TRUE(eventually([&] { return reader->status().live() == 3; }));
  nostr::Event last;
  for (int i = 0; i < 50; ++i) {
    last = event_of(key_, 31'000, std::to_string(i), "move \"ü\"\n");
    ASSERT_TRUE(writer->publish({.event = last}));
  }
  ASSERT_TRUE(eventually([&] { return seen->size() == 50; }));
  EXPECT_TRUE(eventually([&] { return reader->seen_on(last.id).size() == 3; }));
  EXPECT_EQ(seen->most(), 1U);
  const auto progress = publish_and_wait(*writer, event_of(key_, 31'000, "x", ""), test::kPatience, 3);
  ASSERT_TRUE(progress) << progress.error().message;
  EXPECT_EQ(progress->accepted(), 3U);
}

TEST_F(RelayPoolTest, FetchPagesThroughMoreThanARelayGivesAtOnce) {
  auto writer = pool(urls_);
  const UnixSeconds now = system_clock().now_seconds();
  std::atomic<int> stored = 0;
  for (int i = 0; i < 1'300; ++i) {
    // Seven a second, so that pages are cut in the middle of one.
    ASSERT_TRUE(writer->publish(
        {.event = event_of(key_, 31'001, std::to_string(i), "", now - Seconds(i / 7)),
         .quorum = 3,
         .on_progress = [&](const PublishProgress& progress) { stored += progress.settled(); }}));
  }
  ASSERT_TRUE(eventually([&] { return stored == 1'300; }));
  auto reader = pool(urls_);
  nostr::Filter filter;
  filter.kinds = {31'001};
  const Fetched fetched = fetch_and_wait(*reader, {filter}, test::kPatience, 3);
  EXPECT_TRUE(fetched.complete);
  EXPECT_EQ(fetched.events.size(), 1'300U);
  EXPECT_TRUE(std::ranges::is_sorted(fetched.events, std::greater{}, &nostr::Event::created_at));
  filter.limit = 10;
  EXPECT_EQ(fetch_and_wait(*reader, {filter}, test::kPatience, 3).events.size(), 10U);
}

TEST_F(RelayPoolTest, ARelayKilledAndRestartedIsNeverDeafAndTheGapIsRepaired) {
  auto reader = pool({urls_[0]});
  auto seen = std::make_shared<Seen>();
  reader->subscribe(subscription(seen, 31'002));
  ASSERT_TRUE(eventually([&] { return reader->status().live() == 1; }));
  auto writer = pool(urls_);
  ASSERT_TRUE(publish_and_wait(*writer, event_of(key_, 31'002, "before", ""), test::kPatience, 3));
  ASSERT_TRUE(eventually([&] { return seen->size() == 1; }));

  relays_[0]->process().kill();
  ASSERT_TRUE(eventually([&] { return !reader->status().has_quorum(); }));
  // Published while the relay is down: a quorum of two takes it now, the third later from the outbox.
  const nostr::Event during = event_of(key_, 31'002, "during", "");
  ASSERT_TRUE(publish_and_wait(*writer, during, test::kPatience));
  relays_[0]->restart("RELAY_PORT");
  ASSERT_TRUE(eventually([&] { return seen->has(during.id); }));
  ASSERT_TRUE(eventually([&] { return reader->status().has_quorum(); }));
  const nostr::Event after = event_of(key_, 31'002, "after", "");
  ASSERT_TRUE(publish_and_wait(*writer, after, test::kPatience, 3));
  ASSERT_TRUE(eventually([&] { return seen->has(after.id); }));
  EXPECT_EQ(seen->size(), 3U);
  EXPECT_EQ(seen->most(), 1U);
  EXPECT_GE(reader->figures().gaps_repaired, 1U);
}

TEST_F(RelayPoolTest, WhatWasPublishedDuringTheGapIsFetchedOnReconnect) {
  // Here the relay keeps running and only the reader's connection is cut: through a relay that is stopped
  // (SIGSTOP) and stays silent, which the pool must find out by its ping.
  auto seen = std::make_shared<Seen>();
  auto reader = pool({urls_[0]}, [](PoolOptions& options) { options.ping_interval = Millis(300); });
  reader->subscribe(subscription(seen, 31'003));
  ASSERT_TRUE(eventually([&] { return reader->status().live() == 1; }));
  relays_[0]->process().signal(SIGSTOP);
  ASSERT_TRUE(eventually([&] { return reader->status().live() == 0; }));
  relays_[0]->process().signal(SIGCONT);
  auto writer = pool(urls_);
  const nostr::Event missed = event_of(key_, 31'003, "missed", "");
  ASSERT_TRUE(publish_and_wait(*writer, missed, test::kPatience, 3));
  ASSERT_TRUE(eventually([&] { return seen->has(missed.id); }));
}

TEST_F(RelayPoolTest, StatusTellsWhenTheQuorumIsLostAndRegained) {
  auto watcher = pool(urls_);
  std::mutex mutex;
  std::vector<std::size_t> live;
  watcher->on_status([&](const CourierStatus& status) {
    const std::lock_guard lock(mutex);
    live.push_back(status.live());
  });
  ASSERT_TRUE(wait_for_quorum(*watcher, test::kPatience));
  ASSERT_TRUE(eventually([&] { return watcher->status().live() == 3; }));
  relays_[1]->process().kill();
  relays_[2]->process().kill();
  ASSERT_TRUE(eventually([&] { return !watcher->status().has_quorum(); }));
  EXPECT_FALSE(publish_and_wait(*watcher, event_of(key_, 31'004, "", ""), Millis(300)));
  relays_[1]->restart("RELAY_PORT");
  ASSERT_TRUE(eventually([&] { return watcher->status().has_quorum(); }));
  EXPECT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return std::ranges::find(live, 1U) != live.end() && live.back() == 2;
  }));
  EXPECT_FALSE(watcher->status().relays[2].trouble.empty());
}

TEST_F(RelayPoolTest, AuthenticatesWhereARelayAsksForIt) {
  class Key final : public Signer {
   public:
    explicit Key(const crypto::SecretKey& key) : key_(key) {}
    nostr::Event sign(const nostr::Draft& draft) override { return nostr::sign(draft, key_, {}); }

   private:
    const crypto::SecretKey& key_;
  } signer(key_);
  add_relay("[authorization]\nrequire_auth = true\n");
  auto with_key = pool({urls_.back()}, [&](PoolOptions& options) { options.signer = &signer; });
  auto seen = std::make_shared<Seen>();
  with_key->subscribe(subscription(seen, 31'005));
  const auto published = publish_and_wait(*with_key, event_of(key_, 31'005, "", ""), test::kPatience);
  ASSERT_TRUE(published) << published.error().message;
  ASSERT_TRUE(eventually([&] { return seen->size() == 1; }));
  ASSERT_TRUE(eventually([&] { return with_key->status().has_quorum(); }));

  auto without_key = pool({urls_.back()});
  without_key->subscribe(subscription(std::make_shared<Seen>(), 31'005));
  const auto refused = publish_and_wait(*without_key, event_of(key_, 31'005, "2", ""), test::kPatience);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("auth-required"), std::string::npos) << refused.error().message;
  EXPECT_FALSE(without_key->status().has_quorum());
}

TEST_F(RelayPoolTest, AnEventThatLostIsNotedByReadingBack) {
  auto writer = pool({urls_[0]});
  const UnixSeconds now = system_clock().now_seconds();
  ASSERT_TRUE(publish_and_wait(*writer, event_of(key_, 31'006, "slot", "new", now), test::kPatience));
  const auto lost =
      publish_and_wait(*writer, event_of(key_, 31'006, "slot", "old", now - Seconds(5)), test::kPatience);
  ASSERT_FALSE(lost);
  EXPECT_NE(lost.error().message.find("replaced"), std::string::npos) << lost.error().message;
}

}  // namespace
}  // namespace manastr::relay
