#include "common/base/random.h"

#include <sys/random.h>

#include <cerrno>
#include <cstdlib>

namespace manastr {
namespace {

class SystemRandom final : public Random {
 public:
  void fill(std::span<Byte> out) override {
    while (!out.empty()) {
      const ssize_t got = getrandom(out.data(), out.size(), 0);
      if (got < 0) {
        if (errno == EINTR) continue;
        std::abort();
      }
      out = out.subspan(static_cast<std::size_t>(got));
    }
  }
};

}  // namespace

Random& system_random() {
  static SystemRandom random;
  return random;
}

}  // namespace manastr
