// Which match holds which stake proof, over all matches of this engine: one stake can't back two.
// Thread-safe.
#pragma once
#include <mutex>
#include <unordered_map>
#include <vector>

#include "common/crypto/keys.h"
#include "common/match/protocol.h"

namespace manastr::engine {

class StakeReservations {
 public:
  /// Reserves every Y for `match` unless another match has it; true where another has it. Asking again is
  /// harmless.
  std::vector<bool> reserve(const match::MatchId& match, const std::vector<crypto::PublicKey>& ys);
  /// `match` has ended: its proofs are spent, or their owners' own again.
  void release(const match::MatchId& match);

 private:
  struct YHash {
    std::size_t operator()(const ByteArray<33>& y) const { return UniformBytesHash{}(y); }
  };
  std::mutex mutex_;
  std::unordered_map<ByteArray<33>, match::MatchId, YHash> holder_;
  std::unordered_map<match::MatchId, std::vector<ByteArray<33>>, UniformBytesHash> held_;
};

}  // namespace manastr::engine
