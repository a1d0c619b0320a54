// BOLT-11: whatever is read can be written again (by a key of ours) and then reads the same.
#include <cstdlib>

#include "common/base/bytes.h"
#include "lightning/bolt11.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace manastr;
  static const auto key = *crypto::SecretKey::from_hex("e126f68f7eafcc8b74f54d269fe206be715000f94dac067d1c04a8ca3b2db734");
  auto invoice = lightning::decode_bolt11(as_text(ByteView(data, size)));
  if (!invoice) return 0;
  const auto text = lightning::encode_bolt11(*invoice, key);
  if (!text) return 0;  // more hops or features than one field of ours holds
  invoice->payee = key.public_key();
  const auto again = lightning::decode_bolt11(*text);
  if (!again || *again != *invoice) std::abort();
  return 0;
}
