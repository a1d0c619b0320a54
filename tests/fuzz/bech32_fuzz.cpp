// Bech32 and the keys in it: what decodes is encoded to the same text in lower case.
#include <cctype>
#include <cstdlib>

#include "common/nostr/bech32.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace manastr;
  std::string text(as_text(ByteView(data, size)));
  const auto decoded = nostr::bech32_decode(text, 4096);
  (void)nostr::from_npub(text);
  (void)nostr::from_nsec(text);
  if (!decoded) return 0;
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (nostr::bech32_encode(decoded->prefix, decoded->words) != text) std::abort();
  const auto bytes = nostr::from_words(decoded->words);
  if (bytes && nostr::to_words(*bytes) != decoded->words) std::abort();
  return 0;
}
