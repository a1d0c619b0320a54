// A fixed number of threads behind a bounded queue: the crypto workers, and those that may wait for a
// Lightning node.
#pragma once
#include <functional>
#include <thread>
#include <vector>

#include "common/base/inbox.h"

namespace manastr::mint {

class Workers {
 public:
  using Task = std::move_only_function<void()>;
  Workers(std::size_t threads, std::size_t queue);
  ~Workers();  ///< stop()
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// False if the queue is full or stop() was called; the task is then gone.
  bool try_post(Task task) { return inbox_.try_push(std::move(task)); }
  /// For the continuation of a task that was let in before: beyond the bound if need be.
  bool post_next(Task task) { return inbox_.push_reply(std::move(task)); }
  std::size_t queued() const { return inbox_.size(); }
  /// Finishes what is queued, then joins. Not from a worker.
  void stop();

 private:
  Inbox<Task> inbox_;
  std::vector<std::thread> threads_;
};

}  // namespace manastr::mint
