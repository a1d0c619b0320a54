// NIP-98 headers, as they come and as the event inside them: none that is not signed is accepted.
#include <cstdlib>

#include "common/nostr/nip98.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace manastr;
  const ByteView input(data, size);
  const auto check = [](std::string_view header) {
    return nostr::check_authorization(header, "https://mint.example/x", "POST", "body",
                                      unix_seconds(1'700'000'000));
  };
  (void)check(as_text(input));
  if (check("Nostr " + to_base64(input)).has_value()) {
    const auto event = nostr::parse_event(as_text(input));
    if (!event || !nostr::verify(*event)) std::abort();
  }
  return 0;
}
