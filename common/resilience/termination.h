// SIGTERM and SIGINT as something a daemon waits for, instead of a handler that interrupts it.
#pragma once
#include <optional>

#include "common/base/clock.h"
#include "common/base/error.h"

namespace manastr::resilience {

/// Made first in main, before any thread is: the signals are blocked in this thread and all that it starts.
/// SIGPIPE is ignored from then on. A second SIGTERM or SIGINT while draining ends the process at once if
/// asked for by `second_kills()`.
class Termination {
 public:
  Termination();
  ~Termination();
  Termination(const Termination&) = delete;
  Termination& operator=(const Termination&) = delete;

  /// Blocks until a signal came, or request() was called; returns the signal's number, 0 for request().
  int wait();
  /// The same, at most `limit`; nullopt when the time is over.
  std::optional<int> wait_for(Millis limit);
  /// As if a signal had come. Thread-safe.
  void request();
  /// From now on the next signal kills: an operator who asks twice does not want to wait.
  void second_kills();
  /// Readable when wait() would return; for programs with a poll loop of their own.
  int fd() const { return epoll_; }

 private:
  int signals_ = -1;
  int requested_ = -1;
  int epoll_ = -1;
};

}  // namespace manastr::resilience
