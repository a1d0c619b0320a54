// Cashu tokens of both versions: no input may crash, and what is read survives writing and reading again.
#include <cstdlib>

#include "common/cashu/token.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace manastr;
  const ByteView bytes(data, size);
  // The text form spends most inputs on base64; the binary form reaches the CBOR reader directly.
  const auto parsed = as_text(bytes).starts_with("craw") ? cashu::parse_token_binary(bytes, {})
                                                         : cashu::parse_token(as_text(bytes), {});
  if (!parsed) return 0;
  const auto again = cashu::parse_token(cashu::dump_token_v4(*parsed), {});
  if (!again || again->proofs.size() != parsed->proofs.size() || again->mint != parsed->mint) std::abort();
  if (cashu::dump_token_v4(*again) != cashu::dump_token_v4(*parsed)) std::abort();
  return 0;
}
