// Clear tokens (NUT-21): none that is not signed by the provider is taken, and none without its claims.
#include <cstdlib>

#include "mint/authentication/jwt.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace manastr;
  using namespace manastr::mint;
  static const JwkSet keys =
      JwkSet::parse(R"({"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
                    R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]})")
          .value();
  static const std::string signed_part =
      "eyJhbGciOiJFUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0c"
      "nVlfQ";
  const auto jwt = Jwt::parse(as_text({data, size}));
  if (!jwt) return 0;
  const auto verdict = keys.verify(jwt->algorithm, jwt->key_id, as_bytes(jwt->signed_part), jwt->signature);
  if (verdict == JwkSet::Verdict::good && jwt->signed_part != signed_part) std::abort();
  const auto subject =
      check_claims(jwt->claims, {"https://id.example", "wallet", "", "02aa"}, unix_seconds(1'800'000'000));
  if (subject && (subject->empty() || jwt->claims.find("exp") == nullptr)) std::abort();
  return 0;
}
