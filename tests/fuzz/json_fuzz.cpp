// The JSON reader: what it accepts is written and read again to the same tree and the same text.
#include <cstdlib>

#include "common/json/reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace manastr;
  const auto value =
      json::parse(as_text(ByteView(data, size)), {.bytes = 65536, .depth = 16, .values = 4096});
  if (!value) return 0;
  const std::string text = value->dump();
  if (!is_utf8(text)) std::abort();
  const auto again = json::parse(text);
  if (!again || *again != *value || again->dump() != text) std::abort();
  return 0;
}
