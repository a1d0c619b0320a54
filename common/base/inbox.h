// A bounded queue between two stages of a daemon: many producers, one consumer that takes all that is there
// at once (the batch is what queued while the last one was worked on). Used by the engine's and the mint's
// pipelines.
#pragma once
#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <utility>

#include "common/base/clock.h"

namespace manastr {

/// For a consumer whose turn costs much however little it takes (a commit): it waits while more items are on
/// their way than have come, so that half of them are worked on while the other half is on its way.
struct Gathering {
  std::function<std::size_t()> coming;  ///< how many are; asked by who pushes, never blocks. Null: no waiting
  std::chrono::microseconds longest{2'000};  ///< from the first
};

template <class T>
class Inbox {
 public:
  explicit Inbox(std::size_t capacity) : capacity_(capacity) {}

  /// Waits for room. False once the inbox is closed; the item is then gone.
  bool push(T item) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return closed_ || items_.size() < capacity_; });
    return append(std::move(item));
  }
  /// False if the inbox is full or closed; never waits.
  bool try_push(T item) {
    std::unique_lock lock(mutex_);
    if (items_.size() >= capacity_) return false;
    return append(std::move(item));
  }
  /// For messages that answer one already taken in, whose number is bounded by that: beyond the capacity if
  /// need be, so that two stages which feed each other can't wait for one another.
  bool push_reply(T item) {
    std::unique_lock lock(mutex_);
    return append(std::move(item));
  }

  /// All that is queued, at most `limit` items; waits for the first until `until`. Empty: the time came, or
  /// the inbox is closed and drained (see drained()).
  std::deque<T> take(std::size_t limit, Monotonic until) {
    std::unique_lock lock(mutex_);
    item_.wait_until(lock, until, [&] { return closed_ || !items_.empty(); });
    return take_locked(limit);
  }
  /// The same, and then for what comes with the first, as `gathering` says. One consumer alone may do so.
  std::deque<T> take(std::size_t limit, Monotonic until, const Gathering& gathering) {
    std::unique_lock lock(mutex_);
    item_.wait_until(lock, until, [&] { return closed_ || !items_.empty(); });
    if (gathering.coming && !items_.empty()) {
      gathering_ = &gathering, enough_ = std::min(limit, capacity_);
      item_.wait_until(lock, std::chrono::steady_clock::now() + gathering.longest,
                       [&] { return closed_ || has_gathered(); });
      gathering_ = nullptr;
    }
    return take_locked(limit);
  }
  std::deque<T> take(std::size_t limit) {
    std::unique_lock lock(mutex_);
    item_.wait(lock, [&] { return closed_ || !items_.empty(); });
    return take_locked(limit);
  }

  /// No push succeeds from now on; what is queued can still be taken.
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    item_.notify_all();
    room_.notify_all();
  }
  bool drained() const {
    const std::lock_guard lock(mutex_);
    return closed_ && items_.empty();
  }
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return items_.size();
  }

 private:
  bool append(T item) {
    if (closed_) return false;
    items_.push_back(std::move(item));
    if (gathering_ == nullptr || has_gathered()) item_.notify_one();
    return true;
  }
  bool has_gathered() const { return items_.size() >= std::min(enough_, gathering_->coming()); }
  std::deque<T> take_locked(std::size_t limit) {
    std::deque<T> out;
    if (items_.size() <= limit) {
      out.swap(items_);
    } else {
      for (std::size_t i = 0; i < limit; ++i) {
        out.push_back(std::move(items_.front()));
        items_.pop_front();
      }
    }
    room_.notify_all();
    return out;
  }

  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::condition_variable item_;
  std::condition_variable room_;
  std::deque<T> items_;
  const Gathering* gathering_ = nullptr;  ///< of the consumer that waits for more
  std::size_t enough_ = 0;                ///< however many are coming
  bool closed_ = false;
};

}  // namespace manastr
