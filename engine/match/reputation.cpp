#include "engine/match/reputation.h"

#include <algorithm>

namespace manastr::engine {

void Reputation::note(const crypto::XOnlyKey& author, UnixMillis at) {
  const std::lock_guard lock(mutex_);
  UnixMillis& last = last_[author];
  last = std::max(last, at);
  if (last_.size() < sweep_at_) return;
  std::erase_if(last_, [&](const auto& each) { return each.second + kMemory < at; });
  sweep_at_ = std::max<std::size_t>(1024, 2 * last_.size());
}

unsigned Reputation::work_of(const crypto::XOnlyKey& author, UnixMillis now) const {
  const std::lock_guard lock(mutex_);
  const auto found = last_.find(author);
  return found != last_.end() && now < found->second + kMemory ? work_bits_ : 0;
}

}  // namespace manastr::engine
