// What an operation answers, before it is HTTP: the body's bytes, made once, by whoever knows them. And the
// mint's error codes that the NUTs have none for (docs/mint-api.md lists them).
#pragma once
#include <functional>
#include <string>

#include "common/base/clock.h"
#include "common/base/error.h"

namespace manastr::mint {

/// Codes beside those of the NUTs; each outside their ranges in use.
enum OwnCode : int {
  kMalformed = 10000,     ///< the body is not what the endpoint takes
  kUnknownQuote = 20000,  ///< no quote of that id
  kOwnFault = 50000,      ///< the mint's own fault, with 500
  kOverloaded = 50300,    ///< with 503 and Retry-After: nothing was done
  kRateLimited = 42900,   ///< with 429 and Retry-After
  kUnauthorized = 40100,  ///< with 401: NIP-98 missing or wrong
  kForbidden = 40300,     ///< with 403: the key may not do this
  kNotFound = 40400,      ///< with 404
};

struct Reply {
  int status = 200;
  std::string body;
  Millis retry_after{0};  ///< with 503 and 429
};
/// Called once, from any thread.
using Answer = std::move_only_function<void(Reply)>;

/// 400 {"detail","code"} for invalid and refused (code 10000 where there is none), 503 for unavailable, 500
/// for broken.
Reply error_reply(const Error& error);
Reply error_reply(int status, int code, std::string_view detail, Millis retry_after = Millis{0});
/// 400, code 20000.
Error unknown_quote();
/// 503: nothing was done, and the same request may be sent again.
Reply overloaded();

}  // namespace manastr::mint
