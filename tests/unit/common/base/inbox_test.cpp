#include "common/base/inbox.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace manastr {
namespace {

using namespace std::chrono_literals;

Monotonic soon() { return std::chrono::steady_clock::now() + 10s; }

TEST(Inbox, TakesWhatIsThereWhenNothingIsComing) {
  Inbox<int> inbox(10);
  const Gathering gathering{[] { return 0U; }, 1h};
  inbox.push(1);
  EXPECT_EQ(inbox.take(10, soon(), gathering).size(), 1U);
}

TEST(Inbox, WaitsUntilAsManyHaveComeAsAreComing) {
  Inbox<int> inbox(10);
  std::atomic<bool> asked = false;
  const Gathering gathering{[&] { return asked = true, std::size_t{3}; }, 1h};
  inbox.push(1);
  std::size_t taken = 0;
  std::thread consumer([&] { taken = inbox.take(10, soon(), gathering).size(); });
  while (!asked) std::this_thread::yield();
  inbox.push(2);
  inbox.push(3);
  consumer.join();
  EXPECT_EQ(taken, 3U);
}

TEST(Inbox, WaitsNoLongerThanItIsTold) {
  Inbox<int> inbox(10);
  const Gathering gathering{[] { return 5U; }, 1ms};
  inbox.push(1);
  EXPECT_EQ(inbox.take(10, soon(), gathering).size(), 1U);
}

TEST(Inbox, AFullOneIsTakenHoweverManyAreComing) {
  Inbox<int> inbox(2);
  const Gathering gathering{[] { return 5U; }, 1h};
  inbox.push(1);
  inbox.push(2);
  EXPECT_EQ(inbox.take(10, soon(), gathering).size(), 2U);
}

TEST(Inbox, ClosingEndsTheWait) {
  Inbox<int> inbox(10);
  std::atomic<bool> asked = false;
  const Gathering gathering{[&] { return asked = true, std::size_t{5}; }, 1h};
  inbox.push(1);
  std::size_t taken = 0;
  std::thread consumer([&] { taken = inbox.take(10, soon(), gathering).size(); });
  while (!asked) std::this_thread::yield();
  inbox.close();
  consumer.join();
  EXPECT_EQ(taken, 1U);
}

TEST(Inbox, TakesNoMoreThanTheLimit) {
  Inbox<int> inbox(10);
  for (int i = 0; i < 5; ++i) inbox.push(i);
  EXPECT_EQ(inbox.take(3, soon(), {[] { return 0U; }, 1h}).size(), 3U);
  EXPECT_EQ(inbox.size(), 2U);
}

}  // namespace
}  // namespace manastr
