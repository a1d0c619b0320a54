#include "common/base/failpoint.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <cstdlib>
#include <string>

namespace manastr {
namespace {

struct Armed {
  std::string name;
  std::atomic<long> passes_left{1};

  Armed() {
    const char* text = std::getenv("MANASTR_FAILPOINT");
    if (text == nullptr) return;
    name = text;
    if (const auto colon = name.rfind(':'); colon != std::string::npos) {
      long passes = 0;
      const auto [end, problem] = std::from_chars(name.data() + colon + 1, name.data() + name.size(), passes);
      if (problem == std::errc{} && end == name.data() + name.size() && passes > 0) {
        passes_left = passes;
        name.resize(colon);
      }
    }
  }
};

}  // namespace

void failpoint(std::string_view name) {
  static Armed armed;
  if (armed.name.empty() || armed.name != name) return;
  if (armed.passes_left.fetch_sub(1) != 1) return;
  ::kill(::getpid(), SIGKILL);
  ::pause();
}

}  // namespace manastr
