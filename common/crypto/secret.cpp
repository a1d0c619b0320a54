#include "common/crypto/secret.h"

#include <openssl/crypto.h>
#include <string.h>

namespace manastr::crypto {

void wipe(std::span<Byte> memory) {
  if (!memory.empty()) explicit_bzero(memory.data(), memory.size());
}

bool equal_constant_time(ByteView a, ByteView b) {
  return a.size() == b.size() && (a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

void SecretText::wipe_text() {
  text_.resize(text_.capacity());  // a moved-from short text still lies in the object itself
  wipe({reinterpret_cast<Byte*>(text_.data()), text_.size()});
  text_.clear();
}

}  // namespace manastr::crypto
