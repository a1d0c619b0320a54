// What relays say to us: parsing it never breaks, and the verb seen at a glance is the verb that parsing
// finds.
#include <cstdlib>

#include "relay-client/relay_message.h"
#include "relay-client/socket_loop.h"
#include "relay-client/wish.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace manastr;
  const std::string_view text = as_text(ByteView(data, size));
  const auto message = relay::parse_relay_message(text);
  if (message && message->verb != relay::peek_verb(text)) std::abort();
  if (message) relay::parse_subscription_name(message->subscription);
  relay::reason_of(text);
  relay::parse_relay_limits(text);
  const auto url = relay::parse_relay_url(text);
  if (url && (url->host.empty() || url->port == 0)) std::abort();
  return 0;
}
