// Time comes in through this interface, so that a whole economy can run under a simulated clock.
#pragma once
#include <chrono>
#include <cstdint>

namespace manastr {

using UnixSeconds = std::chrono::sys_seconds;
using UnixMillis = std::chrono::sys_time<std::chrono::milliseconds>;
using Millis = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;
/// For measuring spans; never written down, for it means nothing after a restart.
using Monotonic = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual UnixMillis now() const = 0;
  virtual Monotonic monotonic() const = 0;
  UnixSeconds now_seconds() const { return std::chrono::floor<std::chrono::seconds>(now()); }
};

/// The machine's clock. Thread-safe.
const Clock& system_clock();

inline std::int64_t count(UnixSeconds time) { return time.time_since_epoch().count(); }
inline std::int64_t count(UnixMillis time) { return time.time_since_epoch().count(); }
inline UnixSeconds unix_seconds(std::int64_t seconds) { return UnixSeconds{std::chrono::seconds{seconds}}; }
inline UnixMillis unix_millis(std::int64_t millis) { return UnixMillis{std::chrono::milliseconds{millis}}; }

}  // namespace manastr
