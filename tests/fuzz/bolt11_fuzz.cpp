// BOLT-11: whatever is read can be written again (by a key of ours) and then reads the same. The input is
// taken as a text, and once more as prefix, zero byte, words, to which the right checksum is put: few
// mutations of a text have one.
#include <cstdlib>

#include "common/base/bytes.h"
#include "common/nostr/bech32.h"
#include "lightning/bolt11.h"

namespace {

using namespace manastr;

void check(std::string_view input) {
  static const auto key =
      *crypto::SecretKey::from_hex("e126f68f7eafcc8b74f54d269fe206be715000f94dac067d1c04a8ca3b2db734");
  auto invoice = lightning::decode_bolt11(input);
  if (!invoice) return;
  const auto text = lightning::encode_bolt11(*invoice, key);
  if (!text) return;  // more hops or features than one field of ours holds
  invoice->payee = key.public_key();
  const auto again = lightning::decode_bolt11(*text);
  if (!again || *again != *invoice) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text(ByteView(data, size));
  check(text);
  if (const auto end = text.find('\0'); end != std::string_view::npos) {
    Bytes words(data + end + 1, data + size);
    for (Byte& word : words) word &= 31;
    check(nostr::bech32_encode(text.substr(0, end), words));
  }
  return 0;
}
