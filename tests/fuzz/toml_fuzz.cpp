// Configuration: whatever bytes a file holds, reading it ends with values or with errors, each on a line that
// names the file.
#include <cstdlib>

#include "common/config/document.h"

namespace {

using namespace manastr;
using namespace manastr::config;

void read(Section section, int depth) {
  (void)section.text("text", "");
  (void)section.boolean("boolean", false);
  (void)section.integer("integer", 1, 1, 9);
  (void)section.percent_ppm("percent", 0);
  (void)section.duration("duration", Millis{1'000}, Millis{0}, Millis{0}, Millis{1'000'000});
  (void)section.url("url", "", {"http", "ws"});
  (void)section.urls("urls", {}, {"http", "ws"});
  (void)section.texts("texts", {});
  (void)section.integers("integers", {}, 0, 9);
  (void)section.choice("choice", "a", {"a", "b"});
  (void)section.secret_key("secret");
  if (section.has("key")) (void)section.public_key("key");
  if (depth == 0) return;
  for (auto& [name, below] : section.sections()) read(below, depth - 1);
  for (Section& each : section.sections_of("list")) read(each, depth - 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // No variable is set and no file of this machine is read: a reference to one is an error like any other.
  const std::string_view text = as_text(ByteView(data, size));
  if (text.find("file:") != std::string_view::npos) return 0;
  auto document = Document::parse(text, "fuzz.toml", [](const char*) { return std::nullopt; });
  if (document) {
    read(document->root(), 3);
    const Status finished = document->finish();
    if (finished || finished.error().message.find("fuzz.toml") != std::string::npos) return 0;
  } else if (document.error().message.starts_with("fuzz.toml")) {
    return 0;
  }
  std::abort();
}
