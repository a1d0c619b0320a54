// Limits on requests that several mints on one database share: each tells the others four times a second what
// it has let through, and takes what the others let through from its own buckets. No request waits for that.
#pragma once
#include <string>
#include <vector>

namespace manastr::mint {

struct LimitUse {
  std::string limit;  ///< which: "address", "engine"
  std::string key;    ///< whose
  double cost = 0;    ///< requests
};

/// Both from another thread than requests come on.
class SharedLimits {
 public:
  virtual ~SharedLimits() = default;
  /// What was let through here since the last call, the most recent keys first, `most` at most.
  virtual std::vector<LimitUse> take_uses(std::size_t most) = 0;
  /// What was let through elsewhere.
  virtual void charge(const LimitUse& use) = 0;
};

}  // namespace manastr::mint
