// The pool against relays that err, lie and flood.
// Rooms: relay-client relay-client/embedded
#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>

#include "relay-client/embedded/embedded_relay.h"
#include "relay-client/relay_pool.h"
#include "tests/integration/process.h"
#include "tests/integration/scripted_relay.h"
#include "tests/support/temporary_folder.h"

namespace manastr::relay {
namespace {

using test::eventually;
using test::requested;
using test::ScriptedRelay;

constexpr std::uint32_t kKind = 31'000;

struct RelayHostileTest : ::testing::Test {
  crypto::SecretKey key = crypto::SecretKey::generate(system_random());
  nostr::Event event(const std::string& d, UnixSeconds at = system_clock().now_seconds()) {
    return nostr::sign({.created_at = at, .kind = kKind, .tags = {{"d", d}}, .content = d}, key, {});
  }
  static std::unique_ptr<RelayPool> pool(std::vector<std::string> urls,
                                         const std::function<void(PoolOptions&)>& change = {}) {
    PoolOptions options = PoolOptions::for_loopback(std::move(urls));
    options.answer_timeout = Millis(400);
    if (change) change(options);
    auto out = RelayPool::start(options);
    EXPECT_TRUE(out) << out.error().message;
    return std::move(*out);
  }
  static std::string event_for(const std::string& subscription, const std::string& json) {
    return "[\"EVENT\",\"" + subscription + "\"," + json + "]";
  }
  static std::string end_of(const std::string& subscription) { return "[\"EOSE\",\"" + subscription + "\"]"; }

  std::atomic<int> got = 0;
  Subscription count_events() {
    nostr::Filter filter;
    filter.kinds = {kKind};
    return {{filter}, [this](const nostr::Event&, std::string_view) { ++got; }, {}};
  }
};

TEST_F(RelayHostileTest, ACorruptCopyThatComesFirstDoesNotSuppressTheGenuineEvent) {
  const nostr::Event genuine = event("x");
  nostr::Event corrupt = genuine;
  corrupt.sig[5] ^= 1;
  nostr::Event other_content = genuine;  // the id is right for another content
  other_content.content = "stolen";
  std::atomic<bool> hostile_done = false;
  ScriptedRelay hostile([&](std::string_view message, const ScriptedRelay::Say& say) {
    const std::string name = requested(message);
    if (name.empty()) return;
    say(event_for(name, nostr::dump(corrupt)));
    say(event_for(name, nostr::dump(other_content)));
    say(event_for(name, nostr::dump(corrupt)));
    say(end_of(name));
    hostile_done = true;
  });
  std::atomic<bool> honest_asked = false;
  ScriptedRelay honest([&](std::string_view message, const ScriptedRelay::Say& say) {
    const std::string name = requested(message);
    if (name.empty()) return;
    say(end_of(name));
    honest_asked = true;
  });
  std::atomic<bool> right = false;
  auto reader = pool({hostile.url(), honest.url()}, [](PoolOptions& options) { options.quorum = 1; });
  nostr::Filter filter;
  filter.kinds = {kKind};
  const auto id = reader->subscribe({{filter},
                                     [&](const nostr::Event& each, std::string_view) {
                                       ++got;
                                       right = each == genuine;
                                     },
                                     {}});
  ASSERT_TRUE(eventually([&] { return hostile_done && honest_asked && reader->figures().bad_events == 3; }));
  EXPECT_EQ(got, 0);
  honest.say_to_all(event_for("s" + std::to_string(id) + ".1", nostr::dump(genuine)));
  ASSERT_TRUE(eventually([&] { return got == 1; }));
  EXPECT_TRUE(right);
  EXPECT_EQ(reader->seen_on(genuine.id), std::vector<std::string>{honest.url()});
}

TEST_F(RelayHostileTest, EventsThatNobodyAskedForAreNotHandedOver) {
  const nostr::Event foreign = nostr::sign({.created_at = system_clock().now_seconds(), .kind = 1}, key, {});
  ScriptedRelay hostile([&](std::string_view message, const ScriptedRelay::Say& say) {
    const std::string name = requested(message);
    if (name.empty()) return;
    say(event_for(name, nostr::dump(foreign)));
    say(event_for("s999.1", nostr::dump(event("a"))));
    say(event_for(name, nostr::dump(event("b"))));
    say(end_of(name));
  });
  auto reader = pool({hostile.url()});
  reader->subscribe(count_events());
  ASSERT_TRUE(eventually([&] { return got == 1 && reader->figures().unasked == 1; }));
}

TEST_F(RelayHostileTest, ClosedIsAskedForAgain) {
  std::atomic<int> asked = 0;
  const std::string stored = nostr::dump(event("x"));
  ScriptedRelay relay([&](std::string_view message, const ScriptedRelay::Say& say) {
    const std::string name = requested(message);
    if (name.empty()) return;
    switch (++asked) {
      case 1:
        return say("[\"CLOSED\",\"" + name + "\",\"ERROR: rate-limited: slow down\"]");
      case 2:
        return say("[\"NOTICE\",\"ERROR: too many concurrent REQs\"]");  // and no EOSE
      case 3:
        return say("[\"CLOSED\",\"" + name + "\",\"error: shutting down\"]");
      default:
        break;
    }
    say(end_of(name));
    say(event_for(name, stored));
    if (asked == 4) say("[\"CLOSED\",\"" + name + "\",\"blocked: go away\"]");  // even when it was in force
  });
  auto reader = pool({relay.url()});
  reader->subscribe(count_events());
  ASSERT_TRUE(eventually([&] { return asked >= 5 && reader->status().live() == 1; }));
  EXPECT_EQ(got, 1);
  std::set<std::string> names;
  for (const std::string& message : relay.heard()) {
    const std::string name = requested(message);
    if (!name.empty()) {
      EXPECT_TRUE(names.insert(name).second) << name;
    }
  }
}

TEST_F(RelayHostileTest, AnswersToPublishingAreReadAsRelaysGiveThem) {
  std::atomic<int> times = 0;
  ScriptedRelay moody([&](std::string_view message, const ScriptedRelay::Say& say) {
    if (!message.starts_with("[\"EVENT\"")) return;
    const auto id = to_hex(nostr::parse_event(message.substr(9, message.size() - 10))->id);
    switch (++times) {
      case 1:
        return;  // silence
      case 2:
        return say("[\"OK\",\"" + id + "\",false,\"Rate-Limited: later\"]");
      case 3:
        return say("[\"OK\",\"" + id + "\",false,\"error: database busy\"]");
      default:
        return say("[\"OK\",\"" + id + "\",false,\"duplicate: exists\"]");
    }
  });
  ScriptedRelay nameless([&](std::string_view message, const ScriptedRelay::Say& say) {
    if (message.starts_with("[\"EVENT\"")) say(R"(["OK","",false,"invalid: Bad signature"])");
  });
  ScriptedRelay small([](std::string_view, const ScriptedRelay::Say&) {},
                      R"({"limitation":{"max_message_length":200}})");
  std::mutex mutex;
  PublishProgress last;
  auto writer = pool({moody.url(), nameless.url(), small.url()});
  ASSERT_TRUE(
      writer->publish({.event = event("x"), .quorum = 1, .on_progress = [&](const PublishProgress& progress) {
                         const std::lock_guard lock(mutex);
                         last = progress;
                       }}));
  ASSERT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return last.settled() && !last.relays.empty();
  }));
  EXPECT_EQ(last.relays[0].state, Delivery::accepted);
  EXPECT_EQ(times, 4);
  EXPECT_EQ(last.relays[1].state, Delivery::refused);
  EXPECT_EQ(last.relays[2].state, Delivery::refused);
  EXPECT_NE(last.relays[2].message.find("at most 200 bytes"), std::string::npos) << last.relays[2].message;
  EXPECT_FALSE(small.has_heard("EVENT"));
}

TEST_F(RelayHostileTest, OkTrueOfARelayThatKeptAnotherVersionIsFoundOutByReadingBack) {
  ScriptedRelay liar([&](std::string_view message, const ScriptedRelay::Say& say) {
    if (message.starts_with("[\"EVENT\"")) {
      const auto id = to_hex(nostr::parse_event(message.substr(9, message.size() - 10))->id);
      return say("[\"OK\",\"" + id + "\",true,\"duplicate: \"]");
    }
    if (const std::string name = requested(message); !name.empty()) say(end_of(name));
  });
  std::atomic<bool> refused = false;
  auto writer = pool({liar.url()});
  ASSERT_TRUE(writer->publish(
      {.event = event("x"), .read_back = true, .on_progress = [&](const PublishProgress& progress) {
         refused = progress.refused() == 1;
       }}));
  ASSERT_TRUE(eventually([&] { return refused.load(); }));
}

TEST_F(RelayHostileTest, AMessageLargerThanAnyEventClosesTheConnection) {
  ScriptedRelay huge([&](std::string_view message, const ScriptedRelay::Say& say) {
    if (!requested(message).empty()) say(std::string(400'000, 'x'));
  });
  auto reader = pool({huge.url()});
  reader->subscribe(count_events());
  ASSERT_TRUE(eventually([&] {
    return reader->status().relays[0].trouble.find("more than 262144 bytes") != std::string::npos;
  }));
}

TEST_F(RelayHostileTest, AFloodFromOneRelayDoesNotStarveTheOthers) {
  // The flood has right ids and wrong signatures, the dearest junk there is, as fast as the socket takes it.
  constexpr std::size_t kJunk = 30'000;
  std::vector<std::string> junk;
  for (int i = 0; i < 64; ++i) {
    nostr::Event each = event("junk" + std::to_string(i));
    each.sig[3] ^= 1;
    junk.push_back(nostr::dump(each));
  }
  ScriptedRelay flooding([&](std::string_view message, const ScriptedRelay::Say& say) {
    if (const std::string name = requested(message); !name.empty()) say(end_of(name));
  });
  test::TemporaryFolder folder;
  embedded::Settings settings;
  settings.port = 0;
  settings.sqlite = false;
  auto relay = embedded::EmbeddedRelay::start(settings, folder.path());
  ASSERT_TRUE(relay) << relay.error().message;
  const std::string honest = "ws://127.0.0.1:" + std::to_string((*relay)->port());
  std::mutex mutex;
  std::map<nostr::EventId, Monotonic> sent;
  std::vector<double> waits;
  auto reader = pool({flooding.url(), honest}, [](PoolOptions& options) {
    options.quorum = 1;
    options.events_per_second = 2'000;
    options.events_burst = 2'000;
    options.answer_timeout = Millis(30'000);
  });
  nostr::Filter filter;
  filter.kinds = {kKind};
  const auto id =
      reader->subscribe({{filter},
                         [&](const nostr::Event& each, std::string_view) {
                           const std::lock_guard lock(mutex);
                           const auto took = system_clock().monotonic() - sent.at(each.id);
                           waits.push_back(std::chrono::duration<double, std::milli>(took).count());
                         },
                         {}});
  ASSERT_TRUE(eventually([&] { return reader->status().live() == 2; }));
  auto writer = pool({honest});
  // The 99th of a hundred waits of honest events, in ms.
  const auto p99 = [&](const std::string& name) -> double {
    for (int i = 0; i < 200; ++i) {
      const nostr::Event each = event(name + std::to_string(i));
      {
        const std::lock_guard lock(mutex);
        sent[each.id] = system_clock().monotonic();
      }
      EXPECT_TRUE(publish_and_wait(*writer, each, test::kPatience));
    }
    EXPECT_TRUE(eventually([&] {
      const std::lock_guard lock(mutex);
      return waits.size() == 200;
    }));
    const std::lock_guard lock(mutex);
    std::ranges::sort(waits);
    return std::exchange(waits, {}).at(197);
  };
  const double quiet = p99("quiet");
  for (std::size_t i = 0; i < kJunk; ++i)
    flooding.say_to_all(event_for("s" + std::to_string(id) + ".1", junk[i % junk.size()]));
  ASSERT_TRUE(eventually([&] { return reader->figures().paused > 0; })) << "the flood is not held back";
  const double flooded = p99("flooded");
  EXPECT_LT(flooded, std::max(100.0, 10 * quiet)) << "ms; without the flood " << quiet;
  EXPECT_GT(reader->figures().bad_events, 0U);
  EXPECT_LT(reader->figures().bad_events, kJunk) << "the flood was over before";
}

}  // namespace
}  // namespace manastr::relay
