#include "engine/settlement/stake_reservations.h"

namespace manastr::engine {

std::vector<bool> StakeReservations::reserve(const match::MatchId& match,
                                             const std::vector<crypto::PublicKey>& ys) {
  const std::lock_guard lock(mutex_);
  std::vector<bool> out;
  out.reserve(ys.size());
  for (const crypto::PublicKey& y : ys) {
    const auto [holder, is_new] = holder_.emplace(y.bytes(), match);
    if (is_new) held_[match].push_back(y.bytes());
    out.push_back(holder->second != match);
  }
  return out;
}

void StakeReservations::release(const match::MatchId& match) {
  const std::lock_guard lock(mutex_);
  const auto held = held_.find(match);
  if (held == held_.end()) return;
  for (const ByteArray<33>& y : held->second) holder_.erase(y);
  held_.erase(held);
}

}  // namespace manastr::engine
