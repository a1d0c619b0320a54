// Threads that share the work on one batch with their caller. Used by the intake for parsing and signatures.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace manastr::relay {

class VerifyWorkers {
 public:
  /// `threads` beside the caller's own.
  explicit VerifyWorkers(std::size_t threads);
  ~VerifyWorkers();
  VerifyWorkers(const VerifyWorkers&) = delete;
  VerifyWorkers& operator=(const VerifyWorkers&) = delete;

  /// work(0) ... work(count - 1), each once, in any order and on any thread; returns when all are done. One
  /// caller.
  void run(std::size_t count, const std::function<void(std::size_t)>& work);

 private:
  void serve();
  void take_part();

  std::mutex mutex_;
  std::condition_variable begin_, end_;
  const std::function<void(std::size_t)>* work_ = nullptr;
  std::size_t count_ = 0;
  std::atomic<std::size_t> next_ = 0;
  std::uint64_t round_ = 0;
  std::size_t busy_ = 0;
  bool closing_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace manastr::relay
