// Which match fills which (creator, d): a second 31000 with the same author and `d` is refused, for ever.
// Thread-safe.
#pragma once
#include <mutex>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "common/crypto/keys.h"
#include "common/match/protocol.h"

namespace manastr::engine {

class ChallengeSlots {
 public:
  /// nullopt if the slot was free: it is `match`'s now. Else the match that holds it, which may be `match`
  /// itself (it has been judged before, and is finished by now if its writer doesn't know it).
  std::optional<match::MatchId> take(const crypto::XOnlyKey& creator, const Hash32& d,
                                     const match::MatchId& match);
  /// `match` has begun before, in a way that the journal doesn't tell: its challenge opens nothing any more.
  void leave_alone(const match::MatchId& match);
  /// Gives up a slot that was taken for a challenge which was then refused.
  void give_back(const crypto::XOnlyKey& creator, const Hash32& d);
  std::optional<match::MatchId> find(const crypto::XOnlyKey& creator, const Hash32& d) const;

 private:
  static Hash32 key(const crypto::XOnlyKey& creator, const Hash32& d);
  mutable std::mutex mutex_;
  std::unordered_map<Hash32, match::MatchId, UniformBytesHash> holder_;
  std::unordered_set<match::MatchId, UniformBytesHash> left_alone_;
};

}  // namespace manastr::engine
