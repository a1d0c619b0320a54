// A provider's keys (RFC 7517): bounded, and no signature that is none is good under any of them.
#include <cstdlib>

#include "mint/authentication/jwk_set.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace manastr;
  using namespace manastr::mint;
  const auto keys = JwkSet::parse(as_text({data, size}));
  if (!keys) return 0;
  if (keys->size() == 0 || keys->size() > JwkSet::kMaxKeys) std::abort();
  const Bytes zeros(64);
  for (const JwsAlgorithm algorithm : {JwsAlgorithm::es256, JwsAlgorithm::rs256}) {
    if (keys->verify(algorithm, std::nullopt, as_bytes("x"), zeros) == JwkSet::Verdict::good) std::abort();
  }
  return 0;
}
