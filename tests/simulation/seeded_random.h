// Randomness that a seed and a name give: the same on every machine. Whoever has a name of its own is not
// disturbed by what others draw.
#pragma once
#include <string_view>

#include "common/base/clock.h"
#include "common/base/random.h"
#include "common/crypto/hash.h"

namespace manastr::simulation {

class SeededRandom final : public Random {
 public:
  SeededRandom(std::uint64_t seed, std::string_view name) {
    Bytes place;
    append_be64(place, seed);
    append(place, as_bytes(name));
    const Hash32 hash = crypto::sha256(place);
    for (std::size_t i = 0; i < 8; ++i) state_ = state_ << 8 | hash[i];
  }
  /// splitmix64
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  void fill(std::span<Byte> out) override {
    for (Byte& each : out) each = static_cast<Byte>(next());
  }
  /// 0 .. count - 1
  std::uint64_t below(std::uint64_t count) { return next() % count; }
  std::uint64_t between(std::uint64_t least, std::uint64_t most) { return least + below(most - least + 1); }
  Millis between(Millis least, Millis most) {
    return least +
           Millis{static_cast<std::int64_t>(below(static_cast<std::uint64_t>((most - least).count()) + 1))};
  }
  bool chance(unsigned percent) { return below(100) < percent; }

 private:
  std::uint64_t state_ = 0;
};

}  // namespace manastr::simulation
