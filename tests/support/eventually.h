// How a test waits for what other threads or processes do: for the condition itself, never for a time.
#pragma once
#include <chrono>
#include <functional>
#include <thread>

namespace manastr::test {

/// The limit of a wait for what must happen: generous, for only a test that fails ever uses it up.
inline constexpr std::chrono::milliseconds kPatience = std::chrono::seconds(60);

/// True as soon as `condition` holds; false if it does not within `limit`. Asked every few milliseconds.
inline bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds limit = kPatience) {
  const auto until = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
  }
  return true;
}

}  // namespace manastr::test
