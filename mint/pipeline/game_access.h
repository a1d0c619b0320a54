// Who may call a game endpoint: NIP-98 (hardened, docs/mint-api.md), the engine's permission, its rate limit,
// and the event's id used up in the ledger. Then the operation goes on, on a crypto worker again.
#pragma once
#include "mint/authorization/engines.h"
#include "mint/pipeline/parts.h"

namespace manastr::mint {

/// A request of a game endpoint as it came in.
struct GameRequest {
  std::string authorization;  ///< header
  std::string url;            ///< configured base URL + path + query
  std::string method;
  std::string body;
};
using GameOperation =
    std::function<void(Parts& parts, const AuthorizedEngine& engine, const std::string& body, Answer answer)>;

/// Answers 401, 403 or 429, or calls `operation`.
void authorize(Parts& parts, GameRequest request, Permission permission, GameOperation operation,
               Answer answer);

/// 11006 if `sum` is more than the engine may move in one request.
Status check_request_limit(const AuthorizedEngine& engine, Wide sum);
Reply too_often(Millis retry_after);

}  // namespace manastr::mint
