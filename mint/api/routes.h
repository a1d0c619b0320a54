// The mint's paths: which operation answers which.
#pragma once
#include <atomic>

#include "common/net/router.h"
#include "mint/api/info.h"
#include "mint/api/supply.h"
#include "mint/pipeline/admission.h"
#include "mint/subscriptions/hub.h"

namespace manastr::mint {

/// What is known only once the server listens (its port may be any free one). Null until then: requests get
/// 503.
using InfoSlot = std::atomic<const Info*>;

/// NUT endpoints. Both must outlive the server.
void add_cashu_routes(net::Router& router, Parts& parts, const InfoSlot& info);

/// GET /v1/supply.
void add_supply_route(net::Router& router, Parts& parts, Supply& supply);

/// NUT-17: GET /v1/ws.
void add_subscription_route(net::Router& router, Parts& parts, Hub& hub);

/// NUT-22: /v1/auth/blind/*. Only if there is authentication.
void add_blind_token_routes(net::Router& router, Parts& parts);

/// /game-engine/*.
void add_game_routes(net::Router& router, Parts& parts, const InfoSlot& info);

class AdminAccess;
class LiveUnits;
/// /admin/v1/*.
void add_admin_routes(net::Router& router, Parts& parts, AdminAccess& access, LiveUnits& units,
                      const InfoSlot& info);

/// The responder as the operations know it.
Answer answer_to(net::Responder responder);
/// Runs `task` on a crypto worker, or answers 503 before any work if their queue is full.
void on_worker(Parts& parts, net::Responder responder, std::move_only_function<void(Answer)> task);
/// The same for an endpoint that may be protected: once the request's tokens let it pass. `repeatable`: the
/// endpoint keeps its replies.
void on_worker_admitted(Parts& parts, const net::Request& request, net::Responder responder, bool repeatable,
                        std::move_only_function<void(const Admitted&, Answer)> task);

}  // namespace manastr::mint
