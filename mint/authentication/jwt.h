// A JSON Web Token (RFC 7519) in compact form, as an OpenID provider issues it for access: taken apart, and
// its claims checked. NUT-21 calls it a clear authentication token.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "common/base/clock.h"
#include "common/json/value.h"
#include "mint/authentication/jwk_set.h"

namespace manastr::mint {

/// Nothing of it is verified yet.
struct Jwt {
  static constexpr std::size_t kMaxBytes = 8 * 1024;

  JwsAlgorithm algorithm = JwsAlgorithm::es256;
  std::optional<std::string> key_id;
  std::string signed_part;  ///< header and payload as they were sent
  Bytes signature;
  json::Value claims;

  /// RFC 7515 section 3.1 and 7.1, no `crit`, `typ` absent, JWT or at+jwt. The error is one sentence without
  /// anything of the token. Fuzz target: jwt_fuzz.cpp.
  static Result<Jwt> parse(std::string_view text);
};

/// Whose tokens are taken, and which.
struct TokenRules {
  std::string issuer;     ///< exactly
  std::string client_id;  ///< what `azp` or `client_id` must be where they are there
  std::string audience;   ///< what `aud` must have; "": see check_claims
  std::string mint_key;   ///< hex of the mint's own key, which may be its audience (NUT-21)
};
inline constexpr Seconds kClockLeeway{30};

/// The token's `sub`. Demands the issuer, `exp` and (if there) `nbf` and `iat` within kClockLeeway of `now`,
/// a subject, the audience if the rules name one, and that `azp` and `client_id` are ours where they are
/// there. A token with neither, and rules without an audience: `aud` must have the client's id or the mint's
/// key.
Result<std::string> check_claims(const json::Value& claims, const TokenRules& rules, UnixSeconds now);

}  // namespace manastr::mint
