#include "relay-client/relay_outbox.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

namespace manastr::relay {
namespace {

struct RelayOutboxTest : ::testing::Test {
  RelayOutbox::Policy policy{
      .answer_timeout = Millis(1'000), .error_attempts = 3, .in_flight = 4, .can_authenticate = true};
  RelayOutbox outbox{policy, system_random()};
  Monotonic now{};

  static std::shared_ptr<Letter> letter(int number, bool read_back = false) {
    auto out = std::make_shared<Letter>();
    out->id[0] = static_cast<Byte>(number);
    out->message = "letter " + std::to_string(number);
    out->read_back = read_back;
    return out;
  }
  static nostr::EventId id(int number) { return letter(number)->id; }
  void pass(Millis time) {
    now += time;
    outbox.tick(now);
  }
};

TEST_F(RelayOutboxTest, SendsOnceAndEndsWithTheAnswer) {
  outbox.add(letter(1));
  outbox.add(letter(1));
  EXPECT_EQ(outbox.next(now), "letter 1");
  EXPECT_FALSE(outbox.next(now));
  outbox.answered(id(1), true, "", now);
  const auto outcomes = outbox.take_outcomes();
  ASSERT_EQ(outcomes.size(), 1U);
  EXPECT_EQ(outcomes[0].state, Delivery::accepted);
  EXPECT_EQ(outbox.size(), 0U);
  outbox.answered(id(1), false, "invalid: late", now);  // nobody waits
  EXPECT_TRUE(outbox.take_outcomes().empty());
}

TEST_F(RelayOutboxTest, HoldsBackWhatTheRelayHasNotAnswered) {
  for (int i = 0; i < 6; ++i) outbox.add(letter(i));
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(outbox.next(now));
  EXPECT_FALSE(outbox.next(now));
  outbox.answered(id(0), true, "", now);
  EXPECT_TRUE(outbox.next(now));
}

TEST_F(RelayOutboxTest, TriesAgainAfterSilenceAndErrorsButNotForEver) {
  outbox.add(letter(1));
  EXPECT_TRUE(outbox.next(now));
  pass(Millis(1'000));  // silence
  EXPECT_FALSE(outbox.next(now));
  pass(Millis(600));  // rested
  EXPECT_TRUE(outbox.next(now));
  outbox.answered(id(1), false, "error: busy", now);
  pass(Millis(2'000));
  EXPECT_TRUE(outbox.next(now));
  outbox.answered(id(1), false, "error: busy", now);
  const auto outcomes = outbox.take_outcomes();
  ASSERT_EQ(outcomes.size(), 1U);
  EXPECT_EQ(outcomes[0].state, Delivery::refused);
  EXPECT_EQ(outcomes[0].message, "error: busy");
}

TEST_F(RelayOutboxTest, RateLimitsAreWaitedOutHoweverOften) {
  outbox.add(letter(1));
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(outbox.next(now)) << i;
    outbox.answered(id(1), false, "rate-limited: slow down", now);
    EXPECT_FALSE(outbox.next(now));
    pass(Millis(60'000));
  }
  EXPECT_TRUE(outbox.take_outcomes().empty());
}

TEST_F(RelayOutboxTest, AuthenticationIsAskedForAndThenTheEventGoesAgain) {
  outbox.add(letter(1));
  EXPECT_TRUE(outbox.next(now));
  outbox.answered(id(1), false, "ERROR: auth-required: who are you", now);
  EXPECT_TRUE(outbox.wants_authentication());
  pass(Millis(60'000));
  EXPECT_FALSE(outbox.next(now));
  outbox.authenticated();
  EXPECT_FALSE(outbox.wants_authentication());
  EXPECT_TRUE(outbox.next(now));
  outbox.answered(id(1), false, "auth-required: again", now);
  outbox.authentication_refused("restricted: not you");
  const auto outcomes = outbox.take_outcomes();
  ASSERT_EQ(outcomes.size(), 1U);
  EXPECT_EQ(outcomes[0].message, "restricted: not you");
}

TEST_F(RelayOutboxTest, ADisconnectionSendsAgainWhatHasNoAnswer) {
  outbox.add(letter(1));
  outbox.add(letter(2));
  EXPECT_TRUE(outbox.next(now));
  EXPECT_TRUE(outbox.next(now));
  outbox.answered(id(1), true, "", now);
  outbox.disconnected();
  EXPECT_EQ(outbox.next(now), "letter 2");
  EXPECT_FALSE(outbox.next(now));
}

TEST_F(RelayOutboxTest, ReadingBackDecidesWhatOkMeant) {
  outbox.add(letter(1, true));
  outbox.add(letter(2, true));
  EXPECT_TRUE(outbox.next(now));
  EXPECT_TRUE(outbox.next(now));
  outbox.answered(id(1), true, "", now);
  outbox.answered(id(2), true, "duplicate: ", now);
  EXPECT_TRUE(outbox.take_outcomes().empty());
  EXPECT_NE(outbox.next(now)->find("[\"REQ\",\"b0.1\""), std::string::npos);
  EXPECT_NE(outbox.next(now)->find("[\"REQ\",\"b0.2\""), std::string::npos);
  outbox.read_back(1, id(9));  // not what was asked for
  outbox.read_back(1, id(1));
  outbox.read_back(2, std::nullopt);
  const auto outcomes = outbox.take_outcomes();
  ASSERT_EQ(outcomes.size(), 2U);
  EXPECT_EQ(outcomes[0].state, Delivery::accepted);
  EXPECT_EQ(outcomes[1].state, Delivery::refused);
}

TEST_F(RelayOutboxTest, WhatIsTooLargeForThisRelayIsNotSentToIt) {
  RelayLimits limits;
  limits.message_bytes = 8;
  outbox.set_limits(limits);
  outbox.add(letter(100));
  EXPECT_FALSE(outbox.next(now));
  EXPECT_EQ(outbox.take_outcomes().size(), 1U);
}

// Whatever a relay answers, in whatever order, and however often it breaks: each letter ends at most once,
// and with answers that settle, exactly once.
RC_GTEST_PROP(RelayOutboxProperty, EachLetterEndsExactlyOnce, ()) {
  RelayOutbox outbox({.answer_timeout = Millis(1'000), .error_attempts = 3, .in_flight = 3}, system_random());
  const int letters = *rc::gen::inRange(1, 8);
  for (int i = 0; i < letters; ++i) outbox.add(RelayOutboxTest::letter(i, i % 2 == 0));
  Monotonic now{};
  std::multiset<nostr::EventId> ended;
  const auto collect = [&] {
    for (const auto& outcome : outbox.take_outcomes()) ended.insert(outcome.id);
  };
  const char* const texts[] = {
      "", "duplicate: ", "rate-limited: ", "error: ", "invalid: ", "auth-required: ", "gibberish"};
  for (const auto& [what, which] : *rc::gen::container<std::vector<std::pair<int, int>>>(
           rc::gen::pair(rc::gen::inRange(0, 6), rc::gen::inRange(0, 8)))) {
    switch (what) {
      case 0:
        outbox.next(now);
        break;
      case 1:
        outbox.answered(RelayOutboxTest::id(which), which % 2 == 0, texts[which % 7], now);
        break;
      case 2:
        outbox.answered(std::nullopt, false, texts[which % 7], now);
        break;
      case 3:
        now += Millis(700);
        outbox.tick(now);
        break;
      case 4:
        outbox.disconnected();
        break;
      default:
        outbox.read_back(static_cast<std::uint64_t>(which),
                         which % 2 == 0 ? std::optional(RelayOutboxTest::id(which)) : std::nullopt);
    }
    collect();
  }
  for (int round = 0; outbox.size() > 0; ++round) {
    RC_ASSERT(round < 100);
    now += Millis(120'000);
    outbox.tick(now);
    while (outbox.next(now)) {
    }
    for (int i = 0; i < letters; ++i) outbox.answered(RelayOutboxTest::id(i), true, "", now);
    while (outbox.next(now)) {
    }
    for (std::uint64_t number = 0; number < 200; ++number) outbox.read_back(number, std::nullopt);
    collect();
  }
  collect();
  RC_ASSERT(ended.size() == static_cast<std::size_t>(letters));
  for (int i = 0; i < letters; ++i) RC_ASSERT(ended.count(RelayOutboxTest::id(i)) == 1U);
}

}  // namespace
}  // namespace manastr::relay
