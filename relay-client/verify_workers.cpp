#include "relay-client/verify_workers.h"

namespace manastr::relay {

VerifyWorkers::VerifyWorkers(std::size_t threads) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { serve(); });
}

VerifyWorkers::~VerifyWorkers() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  begin_.notify_all();
  for (std::thread& each : threads_) each.join();
}

void VerifyWorkers::take_part() {
  for (std::size_t i = next_.fetch_add(1); i < count_; i = next_.fetch_add(1)) (*work_)(i);
}

void VerifyWorkers::serve() {
  std::uint64_t seen = 0;
  std::unique_lock lock(mutex_);
  while (true) {
    begin_.wait(lock, [&] { return closing_ || round_ != seen; });
    if (closing_) return;
    seen = round_;
    if (work_ == nullptr) continue;  // the round was over before this thread woke
    ++busy_;
    lock.unlock();
    take_part();
    lock.lock();
    if (--busy_ == 0) end_.notify_one();
  }
}

void VerifyWorkers::run(std::size_t count, const std::function<void(std::size_t)>& work) {
  if (count < 4 || threads_.empty()) {  // waking a thread costs more than it saves
    for (std::size_t i = 0; i < count; ++i) work(i);
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    work_ = &work;
    count_ = count;
    next_.store(0);
    ++round_;
  }
  begin_.notify_all();
  take_part();
  std::unique_lock lock(mutex_);
  end_.wait(lock, [&] { return busy_ == 0; });
  work_ = nullptr;
}

}  // namespace manastr::relay
