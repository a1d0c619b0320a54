// Nostr events: what is read is written and read again to the same event with the same id.
#include <cstdlib>

#include "common/nostr/event.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace manastr;
  const auto event = nostr::parse_event(as_text(ByteView(data, size)));
  if (!event) return 0;
  const std::string text = nostr::dump(*event);
  const auto again = nostr::parse_event(text);
  if (!again || *again != *event || nostr::to_json(*event).dump() != text) std::abort();
  if (nostr::compute_id(*again) != nostr::compute_id(*event)) std::abort();
  if (nostr::verify(*event) && !nostr::id_matches(*event)) std::abort();
  return 0;
}
