#include "mint/keysets/keysets.h"

namespace manastr::mint {

void Keysets::publish(std::shared_ptr<const KeysetRing> next) {
  const std::lock_guard lock(mutex_);
  all_.push_back(std::move(next));
  ring_.store(all_.back().get(), std::memory_order_release);
}

}  // namespace manastr::mint
