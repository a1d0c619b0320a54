#include "mint/pipeline/game_access.h"

#include "common/nostr/nip98.h"

namespace manastr::mint {
namespace {

constexpr Seconds kIdKept{120};

Reply unauthorized(std::string_view why) { return error_reply(401, kUnauthorized, why); }

}  // namespace

Status check_request_limit(const AuthorizedEngine& engine, Wide sum) {
  if (sum <= Wide{engine.max_tokens_per_request}) return {};
  return refused(cashu::kAmountOutsideLimit, "the request moves " + to_text(sum) + ", this engine may move " +
                                                 std::to_string(engine.max_tokens_per_request) +
                                                 " at once (max_tokens_per_request)");
}

Reply too_often(Millis retry_after) {
  return error_reply(429, kRateLimited, "this engine has asked too often: wait as Retry-After says",
                     retry_after);
}

void authorize(Parts& parts, GameRequest request, Permission permission, GameOperation operation,
               Answer answer) {
  const UnixSeconds now = parts.clock->now_seconds();
  if (request.authorization.empty()) {
    return answer(unauthorized("Authorization: Nostr <base64 of a kind 27235 event> is missing (NIP-98)"));
  }
  const auto authorized =
      nostr::check_authorization(request.authorization, request.url, request.method, request.body, now);
  if (!authorized) return answer(unauthorized(authorized.error().message));
  auto engine = parts.engines->find(authorized->pubkey);
  if (!engine) return answer(error_reply(403, kForbidden, "this key is no active engine of the mint"));
  if (!permits(*engine, permission)) {
    return answer(
        error_reply(403, kForbidden, "this engine lacks the permission " + std::string(name_of(permission))));
  }
  if (const auto wait = parts.engines->admit(*engine)) return answer(too_often(*wait));

  const auto shared = std::make_shared<Answer>(std::move(answer));
  const bool queued = parts.ledger->write(
      UseAuthorization{authorized->id, now, now + kIdKept},
      [&parts, shared, engine = *std::move(engine), body = std::move(request.body),
       operation = std::move(operation)](Result<Written> used) mutable {
        if (!used)
          return (*shared)(used.error().kind == ErrorKind::refused ? unauthorized(used.error().message)
                                                                   : error_reply(used.error()));
        parts.crypto->post_next(
            [&parts, shared, engine = std::move(engine), body = std::move(body),
             operation = std::move(operation)] { operation(parts, engine, body, std::move(*shared)); });
      });
  if (!queued) (*shared)(overloaded());
}

}  // namespace manastr::mint
