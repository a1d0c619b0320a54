// What clients say to the embedded relay: parsed within its bounds, or answered with a reason.
#include <cstdlib>

#include "relay-client/embedded/client_message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace manastr;
  const auto message =
      relay::embedded::parse_client_message(as_text(ByteView(data, size)), {.bytes = 4'096, .filters = 3});
  if (!message && !message.error().why.starts_with("invalid: ")) std::abort();
  if (message && message->filters.size() > 3) std::abort();
  return 0;
}
