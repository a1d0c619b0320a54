// Randomness comes in through this interface; only tests and simulations pass anything but the kernel's.
#pragma once
#include <span>

#include "common/base/bytes.h"

namespace manastr {

class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<Byte> out) = 0;
  template <std::size_t N>
  ByteArray<N> bytes() {
    ByteArray<N> out;
    fill(out);
    return out;
  }
};

/// getrandom(2). Thread-safe; aborts the process if the kernel has none to give.
Random& system_random();

}  // namespace manastr
