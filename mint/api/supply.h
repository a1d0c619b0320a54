// GET /v1/supply: what the mint has issued and redeemed, what it owes and has, and the last signed checkpoint
// of its journal, for everyone to keep. Served by routes; cheap, for the body is made once a second at most.
#pragma once
#include <mutex>
#include <string>

#include "mint/pipeline/parts.h"

namespace manastr::mint {

class Supply {
 public:
  /// `parts` outlives this. `key`: of the checkpoints.
  Supply(const Parts& parts, const crypto::XOnlyKey& key) : parts_(&parts), key_(key) {}
  /// From any thread.
  std::string body();

 private:
  std::string made_now() const;

  const Parts* parts_;
  const crypto::XOnlyKey key_;
  std::mutex mutex_;
  std::string body_;
  Monotonic made_at_{};
};

}  // namespace manastr::mint
