// Which keys lately made others wait or contradicted themselves, and so owe more work with their next
// challenge or acceptance. It costs nobody a stake. Thread-safe.
#pragma once
#include <mutex>
#include <unordered_map>

#include "common/base/clock.h"
#include "common/crypto/keys.h"

namespace manastr::engine {

class Reputation {
 public:
  static constexpr std::chrono::hours kMemory{24};

  /// NIP-13 bits asked of a key with misconduct within the last day.
  explicit Reputation(unsigned work_bits) : work_bits_(work_bits) {}

  void note(const crypto::XOnlyKey& author, UnixMillis at);
  /// 0 for a key of good repute.
  unsigned work_of(const crypto::XOnlyKey& author, UnixMillis now) const;

 private:
  struct KeyHash {
    std::size_t operator()(const crypto::XOnlyKey& key) const { return UniformBytesHash{}(key.bytes); }
  };
  const unsigned work_bits_;
  mutable std::mutex mutex_;
  std::unordered_map<crypto::XOnlyKey, UnixMillis, KeyHash> last_;
  std::size_t sweep_at_ = 1024;
};

}  // namespace manastr::engine
