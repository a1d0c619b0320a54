#include "engine/match/challenge_slots.h"

#include "common/crypto/hash.h"

namespace manastr::engine {

Hash32 ChallengeSlots::key(const crypto::XOnlyKey& creator, const Hash32& d) {
  return crypto::sha256({creator.bytes, d});
}

std::optional<match::MatchId> ChallengeSlots::take(const crypto::XOnlyKey& creator, const Hash32& d,
                                                   const match::MatchId& match) {
  const std::lock_guard lock(mutex_);
  if (left_alone_.contains(match)) return match;
  const auto [holder, is_new] = holder_.emplace(key(creator, d), match);
  if (is_new) return std::nullopt;
  return holder->second;
}

void ChallengeSlots::leave_alone(const match::MatchId& match) {
  const std::lock_guard lock(mutex_);
  left_alone_.insert(match);
}

void ChallengeSlots::give_back(const crypto::XOnlyKey& creator, const Hash32& d) {
  const std::lock_guard lock(mutex_);
  holder_.erase(key(creator, d));
}

std::optional<match::MatchId> ChallengeSlots::find(const crypto::XOnlyKey& creator, const Hash32& d) const {
  const std::lock_guard lock(mutex_);
  const auto found = holder_.find(key(creator, d));
  if (found == holder_.end()) return std::nullopt;
  return found->second;
}

}  // namespace manastr::engine
