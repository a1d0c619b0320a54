#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <vector>

#include "common/resilience/backoff.h"
#include "common/resilience/circuit_breaker.h"
#include "common/resilience/rate_limiter.h"
#include "common/resilience/termination.h"

namespace manastr::resilience {
namespace {

class HandClock final : public Clock {
 public:
  UnixMillis now() const override {
    return unix_millis(0) + std::chrono::floor<Millis>(monotonic().time_since_epoch());
  }
  Monotonic monotonic() const override { return time; }
  Monotonic time{std::chrono::hours{1}};
};

class FixedRandom final : public Random {
 public:
  explicit FixedRandom(Byte byte) : byte_(byte) {}
  void fill(std::span<Byte> out) override { std::ranges::fill(out, byte_); }

 private:
  Byte byte_;
};

RC_GTEST_PROP(Backoff, StaysInItsBounds, (std::uint16_t first, std::uint32_t cap)) {
  const BackoffPolicy policy{Millis{first}, Millis{cap}};
  Backoff backoff(policy, system_random());
  const std::int64_t most = std::max<std::int64_t>(cap, 1);
  std::int64_t longest = std::clamp<std::int64_t>(first, 1, most);
  for (int i = 0; i < 70; ++i) {
    const auto wait = backoff.next().count();
    RC_ASSERT(wait <= longest);
    RC_ASSERT(wait >= longest / 2);
    longest = std::min(most, longest * 2);
  }
}

TEST(Backoff, DoublesUpToTheCapAndStartsAgain) {
  FixedRandom zeros(0);
  Backoff backoff({Millis{100}, Millis{1000}}, zeros);
  std::vector<std::int64_t> waits;
  for (int i = 0; i < 6; ++i) waits.push_back(backoff.next().count());
  EXPECT_EQ(waits, (std::vector<std::int64_t>{50, 100, 200, 400, 500, 500}));
  backoff.reset();
  EXPECT_EQ(backoff.next().count(), 50);
}

TEST(Retry, OnlyWhatMayHelpAndOnlySoOften) {
  int calls = 0;
  int waits = 0;
  const auto wait = [&](Millis) { return ++waits < 100; };
  const BackoffPolicy policy{Millis{1}, Millis{1}, 4};
  EXPECT_FALSE(retry<int>(policy, system_random(), wait, [&]() -> Result<int> {
    ++calls;
    return unavailable("away");
  }));
  EXPECT_EQ(calls, 4);
  EXPECT_EQ(waits, 3);
  calls = 0;
  EXPECT_FALSE(retry<int>(policy, system_random(), wait, [&]() -> Result<int> {
    ++calls;
    return refused(11001, "spent");
  }));
  EXPECT_EQ(calls, 1);
  calls = 0;
  EXPECT_EQ(*retry<int>(policy, system_random(), wait,
                        [&]() -> Result<int> {
                          if (++calls < 3) return unavailable("away");
                          return 7;
                        }),
            7);
  calls = 0;
  EXPECT_FALSE(retry<int>(
      {Millis{1}, Millis{1}, 0}, system_random(), [](Millis) { return false; },
      [&]() -> Result<int> {
        ++calls;
        return unavailable("away");
      }));
  EXPECT_EQ(calls, 1);
}

TEST(CircuitBreaker, OpensTriesAndCloses) {
  HandClock clock;
  CircuitBreaker breaker({3, Millis{1000}, Millis{3000}}, clock);
  for (int i = 0; i < 2; ++i) breaker.failure();
  breaker.success();
  for (int i = 0; i < 2; ++i) breaker.failure();
  EXPECT_TRUE(breaker.allow());
  breaker.failure();
  EXPECT_EQ(breaker.state(), CircuitBreaker::State::open);
  EXPECT_FALSE(breaker.allow());
  EXPECT_EQ(breaker.retry_after(), Millis{1000});

  clock.time += Millis{1000};
  EXPECT_TRUE(breaker.allow());
  EXPECT_FALSE(breaker.allow()) << "one try only";
  breaker.failure();
  EXPECT_EQ(breaker.retry_after(), Millis{2000});
  clock.time += Millis{2000};
  EXPECT_TRUE(breaker.allow());
  breaker.failure();
  EXPECT_EQ(breaker.retry_after(), Millis{3000}) << "capped";
  clock.time += Millis{3000};
  EXPECT_TRUE(breaker.allow());
  breaker.success();
  EXPECT_EQ(breaker.state(), CircuitBreaker::State::closed);
  EXPECT_EQ(breaker.retry_after(), Millis{0});
}

TEST(CircuitBreaker, ATryThatNeverReportsIsGivenUp) {
  HandClock clock;
  CircuitBreaker breaker({1, Millis{1000}, Millis{3000}}, clock);
  breaker.failure();
  clock.time += Millis{1000};
  EXPECT_TRUE(breaker.allow());
  EXPECT_FALSE(breaker.allow());
  clock.time += Millis{1000};
  EXPECT_TRUE(breaker.allow());
}

TEST(RateLimiter, RefillsAndSaysHowLong) {
  HandClock clock;
  RateLimiter limiter({10, 5}, clock);
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(limiter.admit("a"));
  EXPECT_EQ(limiter.admit("a"), Millis{100});
  EXPECT_FALSE(limiter.admit("b")) << "keys have buckets of their own";
  clock.time += Millis{100};
  EXPECT_FALSE(limiter.admit("a"));
  EXPECT_TRUE(limiter.admit("a"));
  clock.time += std::chrono::hours{1};
  EXPECT_FALSE(limiter.admit("a", 5)) << "never more than the burst";
  EXPECT_EQ(limiter.admit("a", 5), Millis{500});
}

TEST(RateLimiter, TheTableIsBoundedAndForgetsTheLeastUsed) {
  HandClock clock;
  RateLimiter limiter({1, 1}, clock, 100);
  EXPECT_FALSE(limiter.admit("kept"));
  for (int i = 0; i < 10'000; ++i) {
    limiter.admit("flood " + std::to_string(i));
    EXPECT_TRUE(limiter.admit("kept")) << "in use, so its bucket stays empty";
  }
  EXPECT_EQ(limiter.size(), 100u);
}

RC_GTEST_PROP(RateLimiter, NeverAdmitsMoreThanBurstAndRate, (std::vector<std::uint8_t> steps)) {
  HandClock clock;
  const Monotonic begin = clock.time;
  RateLimiter limiter({100, 10}, clock);
  double admitted = 0;
  for (const auto step : steps) {
    clock.time += Millis{step};
    if (!limiter.admit("a")) ++admitted;
    const double seconds = std::chrono::duration<double>(clock.time - begin).count();
    RC_ASSERT(admitted <= 10 + 100 * seconds + 1e-6);
  }
}

TEST(RateLimiter, OwesWhatWasLetThroughElsewhere) {
  HandClock clock;
  RateLimiter here({10, 5}, clock), there({10, 5}, clock);
  const auto settle = [&] {
    const auto used_here = here.take_uses(100), used_there = there.take_uses(100);
    for (const auto& use : used_here) there.charge(use.key, use.cost);
    for (const auto& use : used_there) here.charge(use.key, use.cost);
  };
  // A client at both, as fast as it may, for a minute; settled each second.
  int admitted = 0;
  for (int second = 0; second < 60; ++second) {
    for (int step = 0; step < 100; ++step) {
      clock.time += Millis{10};
      if (!here.admit("a")) ++admitted;
      if (!there.admit("a")) ++admitted;
    }
    settle();
  }
  EXPECT_LE(admitted, 60 * 10 + 2 * 5 + 10 + 1) << "the rate, a burst of each, and one second at one more";
  EXPECT_GE(admitted, 60 * 10 * 9 / 10) << "and not much less than one would let through";
  clock.time += std::chrono::hours{1};
  EXPECT_FALSE(here.admit("a", 5)) << "nothing is owed for ever";
  for (int i = 0; i < 1'000; ++i) here.charge("flood", 1'000);
  clock.time += Seconds{static_cast<int>(RateLimiter::kMostOwed) * 5 / 10 + 1};
  EXPECT_FALSE(here.admit("flood")) << "nor more than so many bursts";
}

TEST(RateLimiter, TellsUsesOnce) {
  HandClock clock;
  RateLimiter limiter({10, 5}, clock);
  EXPECT_FALSE(limiter.admit("a"));
  EXPECT_FALSE(limiter.admit("a", 2));
  EXPECT_FALSE(limiter.admit("b"));
  limiter.charge("c", 1);
  const auto uses = limiter.take_uses(10);
  ASSERT_EQ(uses.size(), 2U) << "what was charged is not told on";
  EXPECT_EQ(uses[0].key, "b");
  EXPECT_EQ(uses[1].cost, 3);
  EXPECT_TRUE(limiter.take_uses(10).empty());
  clock.time += Millis{1};
  EXPECT_FALSE(limiter.admit("a"));
  EXPECT_EQ(limiter.take_uses(10).size(), 1U);
}

TEST(Termination, WaitsForASignal) {
  const pid_t child = fork();
  if (child == 0) {
    Termination termination;
    kill(getpid(), SIGTERM);
    const int first = termination.wait();
    termination.request();
    const int second = termination.wait();
    _exit(first == SIGTERM && second == 0 ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(Termination, TheSecondSignalKills) {
  const pid_t child = fork();
  if (child == 0) {
    Termination termination;
    if (termination.wait_for(Millis{0})) _exit(1);
    kill(getpid(), SIGINT);
    if (termination.wait_for(Millis{10'000}) != SIGINT) _exit(2);
    termination.second_kills();
    kill(getpid(), SIGTERM);
    _exit(3);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM) << status;
}

}  // namespace
}  // namespace manastr::resilience
