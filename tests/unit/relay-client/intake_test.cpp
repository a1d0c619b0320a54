#include "relay-client/intake.h"

#include <gtest/gtest.h>

#include <semaphore>

#include "tests/support/eventually.h"

namespace manastr::relay {
namespace {

struct Room final : Intake::Observer {
  void on_stored_end(std::size_t, std::uint64_t, SubscriptionName name, Tally tally) override {
    ended = std::move(tally);
    last = name;
    ++ends;
  }
  void on_read_back(std::size_t, SubscriptionName, nostr::EventId) override {}
  void on_room(std::size_t) override { ++rooms; }
  Tally ended;
  SubscriptionName last;
  std::atomic<int> ends = 0, rooms = 0;
};

std::string event_text(int number) {
  static const auto key = crypto::SecretKey::generate(system_random());
  const auto event = nostr::sign({.created_at = unix_seconds(1'000 + number), .kind = 1}, key, {});
  return "[\"EVENT\",\"s1.1\"," + nostr::dump(event) + "]";
}

TEST(Intake, ABlockedCallbackFillsTheInboxAndNothingIsLost) {
  Room room;
  Intake intake({"ws://a"}, 8, 1, room);
  auto standing = std::make_shared<Standing>(Wish{.id = 1, .filters = {nostr::Filter{}}});
  std::counting_semaphore<> go(0);
  std::atomic<int> got = 0;
  standing->on_event = [&](const nostr::Event&, std::string_view) {
    go.acquire();
    ++got;
  };
  intake.add(standing);
  intake.start();
  int pushed = 0;
  while (intake.push(0, 1, event_text(pushed++))) ASSERT_LT(pushed, 1'000);
  EXPECT_EQ(room.rooms, 0);
  intake.push(0, 1, "[\"EOSE\",\"s1.1\"]");
  go.release(pushed);
  ASSERT_TRUE(test::eventually([&] { return got == pushed && room.ends == 1; }));
  EXPECT_GE(room.rooms, 1);
  intake.stop();
  ASSERT_EQ(room.ended.filters.size(), 1U);
  EXPECT_EQ(room.ended.filters[0].events, static_cast<std::uint64_t>(pushed))
      << "the end comes after all before it";
  EXPECT_EQ(room.ended.filters[0].oldest, 1'000);
}

TEST(Intake, CopiesAreHandedOverOnceAndVerifiedOnce) {
  Room room;
  Intake intake({"ws://a", "ws://b", "ws://c"}, 100, 1, room);
  auto standing = std::make_shared<Standing>(Wish{.id = 1, .filters = {nostr::Filter{}}});
  std::atomic<int> got = 0;
  standing->on_event = [&](const nostr::Event&, std::string_view) { ++got; };
  intake.add(standing);
  const std::string text = event_text(1);
  for (int round = 0; round < 3; ++round) {
    for (std::size_t relay = 0; relay < 3; ++relay) intake.push(relay, 1, text);
  }
  intake.start();
  ASSERT_TRUE(test::eventually([&] { return intake.figures().received == 9; }));
  ASSERT_TRUE(test::eventually([&] { return intake.figures().duplicates == 8; }));
  EXPECT_EQ(got, 1);
  const auto event = parse_relay_message(text)->event;
  EXPECT_EQ(intake.seen_on(event.id).size(), 3U);
}

TEST(VerifyWorkers, DoAllOfEachBatchOnce) {
  VerifyWorkers workers(3);
  for (std::size_t size : {0U, 1U, 3U, 4U, 5U, 100U, 1'000U}) {
    std::vector<std::atomic<int>> done(size);
    workers.run(size, [&](std::size_t i) { ++done[i]; });
    for (const auto& each : done) EXPECT_EQ(each, 1);
  }
}

}  // namespace
}  // namespace manastr::relay
