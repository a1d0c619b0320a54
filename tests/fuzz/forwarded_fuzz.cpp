// X-Forwarded-For, and addresses and ranges as texts: whatever a client invents, a proxy's own entry behind
// it decides, and what comes out is an address.
#include <cstdlib>

#include "common/base/bytes.h"
#include "common/net/client_address.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace manastr;
  using namespace manastr::net;
  if (size > 4096) return 0;
  const std::string_view text = as_text({data, size});
  static const std::vector<AddressRange> kProxies{*AddressRange::parse("127.0.0.1"),
                                                  *AddressRange::parse("10.0.0.0/8"),
                                                  *AddressRange::parse("2001:db8::/32")};
  const auto half = text.size() / 2;
  const std::string_view fields[] = {text.substr(0, half), text.substr(half), "198.51.100.9"};
  if (client_address("127.0.0.1", fields, kProxies) != "198.51.100.9") std::abort();
  const std::string found = client_address("127.0.0.1", std::span(fields).first(2), kProxies);
  const auto address = Address::parse(found);
  if (!address || address->text() != found) std::abort();
  if (limited_as(limited_as(text)).empty() != text.empty()) std::abort();
  if (const auto range = AddressRange::parse(text)) {
    const auto again = AddressRange::parse(range->text());
    if (!again || *again != *range) std::abort();
  }
  return 0;
}
