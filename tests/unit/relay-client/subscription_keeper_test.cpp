#include "relay-client/subscription_keeper.h"

#include <gtest/gtest.h>

#include "common/json/reader.h"
#include "relay-client/session.h"

namespace manastr::relay {
namespace {

struct Asked {
  SubscriptionName name;
  json::Array filters;
};

struct SubscriptionKeeperTest : ::testing::Test {
  SubscriptionKeeper keeper{{}, system_random()};
  Moment now{Monotonic{}, unix_seconds(1'000'000)};

  void SetUp() override {
    auto wish = std::make_shared<Wish>();
    wish->id = 7;
    nostr::Filter filter;
    filter.kinds = {31'000};
    filter.since = unix_seconds(5);
    wish->filters = {filter};
    keeper.add(wish, now);
  }
  void pass(Seconds time) {
    now.steady += time;
    now.wall += time;
    keeper.tick(now);
  }
  std::optional<Asked> asked() {
    while (const auto message = keeper.next()) {
      const auto value = json::parse(*message);
      const json::Array& items = *value->if_array();
      if (*items[0].if_string() == "REQ") {
        return Asked{*parse_subscription_name(*items[1].if_string()), {items.begin() + 2, items.end()}};
      }
    }
    return std::nullopt;
  }
  bool closes(const SubscriptionName& name) {
    while (const auto message = keeper.next()) {
      if (*message == close_message(name.text())) return true;
    }
    return false;
  }
  static Tally tally(std::uint64_t events, std::int64_t oldest) { return {{{events, oldest}}}; }
};

TEST_F(SubscriptionKeeperTest, IsInForceAfterTheEndOfStoredEvents) {
  EXPECT_FALSE(asked());
  keeper.connected(now);
  const auto first = asked();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->filters[0].find("since")->if_int64(), 5);
  EXPECT_EQ(first->filters[0].find("limit")->if_int64(), 500);
  EXPECT_FALSE(keeper.all_in_force());
  keeper.stored_events_end(first->name, tally(3, 10), now);
  EXPECT_TRUE(keeper.all_in_force());
  EXPECT_EQ(keeper.take_finished(), std::vector<std::uint64_t>{7});
}

TEST_F(SubscriptionKeeperTest, AsksAgainUnderANewNameAfterSilenceClosedAndAudit) {
  keeper.connected(now);
  auto name = asked()->name;
  pass(Seconds(11));
  pass(Seconds(2));
  auto next = asked();
  ASSERT_TRUE(next);
  EXPECT_GT(next->name.number, name.number);
  name = next->name;
  keeper.closed(name, "error: restarting", now);
  EXPECT_FALSE(asked());
  pass(Seconds(3));
  next = asked();
  ASSERT_TRUE(next);
  keeper.stored_events_end(next->name, {}, now);
  ASSERT_TRUE(keeper.all_in_force());
  pass(Seconds(301));
  const auto audit = asked();
  ASSERT_TRUE(audit);
  EXPECT_TRUE(keeper.all_in_force()) << "the old request is live until the new one is";
  keeper.stored_events_end(audit->name, {}, now);
  EXPECT_TRUE(closes(next->name));
  keeper.closed(audit->name, "blocked: enough", now);  // closed when in force: not lost
  EXPECT_FALSE(keeper.all_in_force());
  pass(Seconds(120));
  EXPECT_TRUE(asked());
}

TEST_F(SubscriptionKeeperTest, AnAnswerToAnOldNameChangesNothing) {
  keeper.connected(now);
  const auto old = asked()->name;
  pass(Seconds(11));
  pass(Seconds(2));
  ASSERT_TRUE(asked());
  keeper.stored_events_end(old, {}, now);
  keeper.closed(old, "error: x", now);
  EXPECT_FALSE(keeper.all_in_force());
}

TEST_F(SubscriptionKeeperTest, AGapIsRepairedFromBeforeTheLastContact) {
  keeper.connected(now);
  keeper.stored_events_end(asked()->name, {}, now);
  const UnixSeconds last_heard = now.wall + Seconds(100);
  keeper.disconnected(last_heard);
  EXPECT_FALSE(keeper.all_in_force());
  now.wall += Seconds(50'000);
  keeper.connected(now);
  const auto repair = asked();
  ASSERT_TRUE(repair);
  EXPECT_EQ(repair->filters[0].find("since")->if_int64(), count(last_heard) - 7'200);
  // A second break before the repair is complete begins from the same point.
  keeper.disconnected(now.wall);
  keeper.connected(now);
  const auto again = asked();
  EXPECT_EQ(again->filters[0].find("since")->if_int64(), count(last_heard) - 7'200);
  keeper.stored_events_end(again->name, {}, now);
  EXPECT_EQ(keeper.gaps_repaired(), 1U);
}

TEST_F(SubscriptionKeeperTest, PagesWhatWasCutOffUntilNothingOlderComes) {
  keeper.connected(now);
  keeper.stored_events_end(asked()->name, tally(300, 900), now);
  EXPECT_FALSE(keeper.all_in_force());
  auto page = asked();
  ASSERT_TRUE(page);
  EXPECT_EQ(page->name.role, 'p');
  EXPECT_EQ(page->filters[0].find("until")->if_int64(), 900)
      << "inclusive, since a page may end within a second";
  keeper.stored_events_end(page->name, tally(300, 900), now);  // all of one second: a larger page
  page = asked();
  EXPECT_EQ(page->filters[0].find("limit")->if_int64(), 5'000);
  keeper.stored_events_end(page->name, tally(300, 900), now);  // the relay won't: go on below
  page = asked();
  EXPECT_EQ(page->filters[0].find("until")->if_int64(), 899);
  EXPECT_TRUE(keeper.take_trouble());
  keeper.stored_events_end(page->name, tally(99, 200), now);
  EXPECT_TRUE(keeper.all_in_force());
}

TEST_F(SubscriptionKeeperTest, AFetchIsClosedWhenItIsAnsweredAndNotAskedAgain) {
  keeper.remove(7);
  keeper.connected(now);
  auto wish = std::make_shared<Wish>(Wish{.id = 8, .filters = {nostr::Filter{}}, .once = true});
  keeper.add(wish, now);
  const auto name = asked()->name;
  keeper.stored_events_end(name, {}, now);
  EXPECT_TRUE(closes(name));
  EXPECT_EQ(keeper.take_finished(), std::vector<std::uint64_t>{8});
  pass(Seconds(1'000));
  EXPECT_FALSE(asked());
}

TEST_F(SubscriptionKeeperTest, RemovalClosesWhatIsOpen) {
  keeper.connected(now);
  const auto name = asked()->name;
  keeper.stored_events_end(name, {}, now);
  keeper.remove(7);
  EXPECT_TRUE(closes(name));
  EXPECT_TRUE(keeper.all_in_force());
}

TEST(Session, AuthenticatesOnlyWhenAskedAndThenAsksAgain) {
  class Key final : public Signer {
   public:
    nostr::Event sign(const nostr::Draft& draft) override { return nostr::sign(draft, key_, {}); }

   private:
    crypto::SecretKey key_ = crypto::SecretKey::generate(system_random());
  } signer;
  Session session("ws://relay.example", {}, {}, &signer, system_random());
  const Moment now{Monotonic{}, unix_seconds(1'000'000)};
  session.subscriptions().add(std::make_shared<Wish>(Wish{.id = 1, .filters = {nostr::Filter{}}}), now);
  session.opened(now);
  const std::string first = *session.next(now, true);
  EXPECT_TRUE(first.starts_with("[\"REQ\",\"s1.1\""));
  session.heard({.verb = Verb::auth, .text = "challenge"}, now);
  EXPECT_FALSE(session.next(now, true)) << "nobody needs to know who we are yet";
  session.heard({.verb = Verb::closed, .subscription = "s1.1", .text = "auth-required: who"}, now);
  const auto sent = session.next(now, true);
  ASSERT_TRUE(sent);
  ASSERT_TRUE(sent->starts_with("[\"AUTH\","));
  const auto event = nostr::parse_event(std::string_view(*sent).substr(8, sent->size() - 9));
  ASSERT_TRUE(event && nostr::verify(*event));
  EXPECT_EQ(event->kind, 22'242U);
  EXPECT_EQ(event->tag("relay"), "ws://relay.example");
  EXPECT_EQ(event->tag("challenge"), "challenge");
  session.heard({.verb = Verb::ok, .id = event->id, .accepted = true}, now);
  EXPECT_TRUE(session.next(now, true)->starts_with("[\"REQ\",\"s1.2\""));
}

}  // namespace
}  // namespace manastr::relay
