// One GET of a small document, for what an OpenID provider publishes. Blocks; called on the provider's own
// thread alone.
#pragma once
#include <atomic>
#include <functional>
#include <string>

#include "common/base/clock.h"
#include "common/base/error.h"

namespace manastr::mint {

/// The body of a 200. `stop` ends it early.
using Fetch = std::function<Result<std::string>(const std::string& url, const std::atomic<bool>& stop)>;

/// By libcurl: TLS with certificates checked, against those of `ca_file` if it isn't "" (PEM). No redirects,
/// no proxy or credentials of the environment, at most `most` bytes and `limit` for the whole exchange.
Fetch make_fetch(std::string ca_file, std::size_t most, Millis limit);

}  // namespace manastr::mint
