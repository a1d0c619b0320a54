// BOLT-12: an offer that is read is written again as it was. The input is taken as a text, and once more as
// the bytes of its fields, for few mutations of a text are one.
#include <cstdlib>

#include "common/nostr/bech32.h"
#include "lightning/bolt12.h"

namespace {

using namespace manastr;

void check(std::string_view input) {
  const auto offer = lightning::decode_offer(input);
  if (!offer) return;
  const auto text = lightning::encode_offer(*offer);
  if (!text) std::abort();
  const auto again = lightning::decode_offer(*text);
  if (!again || *again != *offer || lightning::offer_id(*again) != lightning::offer_id(*offer)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  check(as_text(bytes));
  check("lno1" + nostr::characters_of(nostr::to_words(bytes)));
  return 0;
}
