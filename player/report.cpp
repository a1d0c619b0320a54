#include "player/report.h"

#include <cstdio>
#include <mutex>

namespace manastr::player {
namespace {

void print(std::FILE* stream, const std::string& line) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  std::fwrite(line.data(), 1, line.size(), stream);
  std::fflush(stream);
}

}  // namespace

void Report::say(std::string_view what, std::string_view text, const json::Value& detail) const {
  if (!json_) return print(stdout, std::string(text) + '\n');
  json::Value line;
  line.set("what", what);
  if (const json::Object* members = detail.if_object()) {
    for (const auto& [key, value] : *members) {
      if (key != "what") line.set(key, value);
    }
  }
  print(stdout, line.dump() + '\n');
}

void Report::warn(std::string_view text) const {
  print(stderr, "manastr-player: " + std::string(text) + '\n');
}

}  // namespace manastr::player
