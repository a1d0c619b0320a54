// Blind tokens (NUT-22), as headers and as the JSON inside them: what is read is what is written again.
#include <cstdlib>

#include "mint/authentication/blind_token.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace manastr;
  const ByteView input(data, size);
  (void)mint::BlindToken::parse(as_text(input));
  const auto token = mint::BlindToken::parse("authA" + to_base64url(input));
  if (!token) return 0;
  const auto again = mint::BlindToken::parse(token->header());
  if (!again || *again != *token) std::abort();
  return 0;
}
