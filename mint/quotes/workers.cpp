#include "mint/quotes/workers.h"

namespace manastr::mint {

Workers::Workers(std::size_t threads, std::size_t queue) : inbox_(queue) {
  threads_.reserve(threads);
  for (std::size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this] {
      for (;;) {
        std::deque<Task> tasks = inbox_.take(1);
        if (tasks.empty()) return;
        tasks.front()();
      }
    });
  }
}

Workers::~Workers() { stop(); }

void Workers::stop() {
  inbox_.close();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

}  // namespace manastr::mint
