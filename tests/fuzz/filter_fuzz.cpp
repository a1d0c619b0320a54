// Nostr filters: what is read is written and read again to the same filter, and any filter can be asked about
// any event.
#include <cstdlib>

#include "common/nostr/filter.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace manastr;
  const auto value = json::parse(as_text(ByteView(data, size)));
  if (!value) return 0;
  const auto filter = nostr::filter_from_json(*value);
  if (!filter) return 0;
  const std::string text = nostr::to_json(*filter).dump();
  const auto again = nostr::filter_from_json(*json::parse(text));
  if (!again || nostr::to_json(*again).dump() != text) std::abort();
  nostr::Event event;
  event.tags = {{"d", "x"}, {"t"}};
  if (again->matches(event) != filter->matches(event)) std::abort();
  return 0;
}
