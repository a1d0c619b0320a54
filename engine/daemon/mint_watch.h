// Looks at the mints again and again in a thread of its own, so that the daemon's loop never waits for one.
#pragma once
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "common/telemetry/log.h"
#include "engine/settlement/mint_book.h"

namespace manastr::engine {

class MintWatch {
 public:
  static constexpr Millis kUnknown{500};   ///< between attempts to reach a mint
  static constexpr Millis kKnown{60'000};  ///< between looks at keysets and prices

  explicit MintWatch(MintBook& book) : book_(book), thread_([this] { run(); }) {}
  ~MintWatch() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
      changed_.notify_all();
    }
    thread_.join();
  }
  /// True once after each look that succeeded.
  bool take_news() { return news_.exchange(false); }
  bool reached() const { return reached_; }
  std::string trouble() const {
    const std::lock_guard lock(mutex_);
    return trouble_;
  }

 private:
  void tell(std::string trouble) {
    if (trouble.empty() && !trouble_.empty()) telemetry::log_info("the mint answers again");
    if (!trouble.empty() && trouble_.empty()) telemetry::log_warn("mint not reached", {{"why", trouble}});
    trouble_ = std::move(trouble);
  }

  void run() {
    std::unique_lock lock(mutex_);
    while (!stopped_) {
      lock.unlock();
      const Status looked = book_.refresh();
      lock.lock();
      tell(looked ? "" : looked.error().message);
      if (looked) {
        reached_ = true;
        news_ = true;
      }
      changed_.wait_for(lock, looked ? kKnown : kUnknown, [this] { return stopped_; });
    }
  }

  MintBook& book_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string trouble_;
  bool stopped_ = false;
  std::atomic<bool> reached_{false};
  std::atomic<bool> news_{false};
  std::thread thread_;
};

}  // namespace manastr::engine
