#include "mint/api/routes.h"

#include <map>

#include "mint/pipeline/operations.h"

namespace manastr::mint {
namespace {

using net::Request;
using net::Responder;
using net::Response;

Response to_response(Reply reply) {
  Response out = Response::json(std::move(reply.body), reply.status);
  if (reply.retry_after > Millis{0}) {
    const auto seconds = std::chrono::ceil<Seconds>(reply.retry_after).count();
    out.headers.emplace_back("Retry-After", std::to_string(seconds));
  }
  return out;
}

bool wants_async(const Request& request) {
  return request.header("Prefer").find("respond-async") != std::string_view::npos;
}

struct KeyBodies {
  std::string keysets;
  std::string active;
  std::map<std::string, std::string, std::less<>> by_id;
};

KeyBodies key_bodies(const KeysetRing& ring) {
  KeyBodies out{keysets_body(ring), active_keys_body(ring), {}};
  for (const auto& keyset : ring.all()) {
    if (keyset->is_money()) out.by_id.emplace(keyset->id_hex(), keys_body(*keyset));
  }
  return out;
}

void add_key_routes(net::Router& router, const Keysets& keysets) {
  const auto bodies = std::make_shared<PerRing<KeyBodies>>(keysets);
  router.get("/v1/keysets",
             [bodies](const Request&) { return Response::json(bodies->get(key_bodies).keysets); });
  router.get("/v1/keys", [bodies](const Request&) { return Response::json(bodies->get(key_bodies).active); });
  router.get("/v1/keys/{id}", [bodies](const Request& request) {
    const KeyBodies& all = bodies->get(key_bodies);
    const auto it = all.by_id.find(request.parameter("id"));
    if (it != all.by_id.end()) return Response::json(it->second);
    return Response::error(400, "this mint has no such keyset: /v1/keysets lists those it has",
                           cashu::kKeysetUnknown);
  });
}

}  // namespace

Answer answer_to(net::Responder responder) {
  return [responder = std::move(responder)](Reply reply) mutable {
    responder.send(to_response(std::move(reply)));
  };
}

void on_worker(Parts& parts, net::Responder responder, std::move_only_function<void(Answer)> task) {
  auto shared = std::make_shared<net::Responder>(std::move(responder));
  const bool posted = parts.crypto->try_post(
      [task = std::move(task), shared]() mutable { task(answer_to(std::move(*shared))); });
  if (!posted) shared->send(to_response(overloaded()));
}

void add_supply_route(net::Router& router, Supply& supply) {
  router.get("/v1/supply", [&supply](const Request&) { return Response::json(supply.body()); });
}

void add_cashu_routes(net::Router& router, Parts& parts, const InfoSlot& info) {
  router.get("/v1/info", [&parts, &info](const Request&) {
    const Info* known = info.load();
    if (known == nullptr) return to_response(overloaded());
    return Response::json(known->body(parts.clock->now_seconds()));
  });
  add_key_routes(router, *parts.keysets);

  const auto post = [&](std::string_view path, auto operation) {
    router.post(path, net::Handler([&parts, operation](Request request, Responder responder) {
                  on_worker(parts, std::move(responder),
                            [&parts, operation, body = request.take_body()](Answer answer) mutable {
                              operation(parts, std::move(body), std::move(answer));
                            });
                }));
  };
  const auto get_quote = [&](std::string_view path, void (*operation)(Parts&, const std::string&, Answer)) {
    router.get(path, net::Handler([&parts, operation](const Request& request, Responder responder) {
                 on_worker(parts, std::move(responder),
                           [&parts, operation, id = std::string(request.parameter("quote_id"))](
                               Answer answer) { operation(parts, id, std::move(answer)); });
               }));
  };
  post("/v1/swap", &swap);
  post("/v1/checkstate", &check_state);
  post("/v1/restore", &restore);
  post("/v1/mint/quote/bolt11", &request_mint_quote);
  get_quote("/v1/mint/quote/bolt11/{quote_id}", &show_mint_quote);
  post("/v1/mint/quote/bolt11/check", &check_mint_quotes);
  post("/v1/mint/bolt11", &mint);
  post("/v1/mint/bolt11/batch", &mint_batch);
  post("/v1/melt/quote/bolt11", &request_melt_quote);
  get_quote("/v1/melt/quote/bolt11/{quote_id}", &show_melt_quote);
  router.post("/v1/melt/bolt11", net::Handler([&parts](Request request, Responder responder) {
                const bool async = wants_async(request);
                on_worker(parts, std::move(responder),
                          [&parts, async, body = request.take_body()](Answer answer) mutable {
                            melt(parts, std::move(body), async, std::move(answer));
                          });
              }));
}

}  // namespace manastr::mint
