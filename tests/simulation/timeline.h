// The one clock of a simulation, and what is to happen at which moment of it. Single-threaded: time passes
// only in next().
#pragma once
#include <functional>
#include <queue>
#include <vector>

#include "common/base/clock.h"

namespace manastr::simulation {

class Timeline final : public Clock {
 public:
  explicit Timeline(UnixMillis start) : start_(start), now_(start) {}
  UnixMillis now() const override { return now_; }
  Monotonic monotonic() const override { return Monotonic{now_ - start_}; }

  /// Things of one moment happen in the order in which they were asked for.
  void at(UnixMillis when, std::function<void()> what) {
    queue_.push({std::max(when, now_), count_++, std::move(what)});
  }
  void after(Millis wait, std::function<void()> what) { at(now_ + wait, std::move(what)); }

  /// Goes to the next moment and does what is due there; false if nothing is left to happen before `end`.
  bool next(UnixMillis end) {
    if (queue_.empty() || queue_.top().when > end) return false;
    const Entry entry = queue_.top();
    queue_.pop();
    now_ = entry.when;
    entry.what();
    return true;
  }

 private:
  struct Entry {
    UnixMillis when;
    std::uint64_t order;
    std::function<void()> what;
    bool operator<(const Entry& other) const {
      return when != other.when ? when > other.when : order > other.order;
    }
  };
  const UnixMillis start_;
  UnixMillis now_;
  std::uint64_t count_ = 0;
  std::priority_queue<Entry> queue_;
};

}  // namespace manastr::simulation
