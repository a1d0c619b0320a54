#include "common/resilience/backoff.h"

#include <algorithm>
#include <cstring>

namespace manastr::resilience {

Millis Backoff::next() {
  const std::int64_t cap = std::max<std::int64_t>(policy_.cap.count(), 1);
  std::int64_t longest = std::clamp<std::int64_t>(policy_.first.count(), 1, cap);
  for (unsigned i = 0; i < step_ && longest < cap; ++i) longest = longest > cap / 2 ? cap : longest * 2;
  ++step_;
  const auto random = random_->bytes<8>();
  std::uint64_t draw = 0;
  std::memcpy(&draw, random.data(), sizeof draw);
  const std::int64_t half = longest / 2;
  return Millis{longest - half + static_cast<std::int64_t>(draw % (static_cast<std::uint64_t>(half) + 1))};
}

}  // namespace manastr::resilience
