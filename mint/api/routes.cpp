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

/// The header that the wanted token comes in.
std::string_view token_header(Access wanted) { return wanted == Access::clear ? "Clear-auth" : "Blind-auth"; }

/// Adds what is at hand, and what may be protected all the same.
class Documents {
 public:
  Documents(net::Router& router, Parts& parts) : router_(&router), parts_(&parts) {}
  void get(std::string_view path, net::DirectHandler handler) const {
    if (parts_->authentication == nullptr) return router_->get(path, std::move(handler));
    router_->get(path, net::Handler([parts = parts_, handler = std::move(handler)](const Request& request,
                                                                                   Responder responder) {
                   Response document = handler(request);
                   if (parts->authentication->access_to(net::to_text(request.method()), request.path()) ==
                       Access::open)
                     return responder.send(std::move(document));
                   on_worker_admitted(
                       *parts, request, std::move(responder), false,
                       [document = std::move(document)](const Admitted&, Answer answer) mutable {
                         answer({document.status, std::move(document.body), Millis{0}});
                       });
                 }));
  }

 private:
  net::Router* router_;
  Parts* parts_;
};

struct KeyBodies {
  std::string keysets;
  std::string active;
  std::map<std::string, std::string, std::less<>> by_id;
};

KeyBodies key_bodies(const KeysetRing& ring, KeysetsOf kind, UnixSeconds now) {
  KeyBodies out{keysets_body(ring, kind, now), active_keys_body(ring, kind, now), {}};
  for (const auto& keyset : ring.all()) {
    if (is_of(kind, *keyset)) out.by_id.emplace(keyset->id_hex(), keys_body(*keyset, now));
  }
  return out;
}

/// Below `prefix`.
void add_key_routes(const Documents& router, const Keysets& keysets, const Clock& clock,
                    const std::string& prefix, KeysetsOf kind) {
  const auto bodies = [made = std::make_shared<PerRing<KeyBodies>>(keysets), &clock, kind] {
    const UnixSeconds now = clock.now_seconds();
    return made->get(now, [kind, now](const KeysetRing& ring) { return key_bodies(ring, kind, now); });
  };
  router.get(prefix + "/keysets", [bodies](const Request&) { return Response::json(bodies()->keysets); });
  router.get(prefix + "/keys", [bodies](const Request&) { return Response::json(bodies()->active); });
  router.get(prefix + "/keys/{id}", [bodies, prefix](const Request& request) {
    const std::shared_ptr<const KeyBodies> all = bodies();
    const auto it = all->by_id.find(request.parameter("id"));
    if (it != all->by_id.end()) return Response::json(it->second);
    return Response::error(400, "this mint has no such keyset: " + prefix + "/keysets lists those it has",
                           cashu::kKeysetUnknown);
  });
}

/// NUT-04, NUT-05 and NUT-29 of one payment method.
void add_method_routes(net::Router& router, Parts& parts, Method method) {
  const std::string name(name_of(method));
  const auto post = [&](const std::string& path,
                        void (*operation)(Parts&, Method, const std::string&, Answer)) {
    router.post(path, net::Handler([&parts, method, operation](Request request, Responder responder) {
                  std::string body = request.take_body();
                  on_worker_admitted(
                      parts, request, std::move(responder), false,
                      [&parts, method, operation, body = std::move(body)](const Admitted&, Answer answer) {
                        operation(parts, method, body, std::move(answer));
                      });
                }));
  };
  const auto post_with_token = [&](const std::string& path, bool kept,
                                   void (*operation)(Parts&, Method, std::string, const Admitted&, Answer)) {
    router.post(path, net::Handler([&parts, method, kept, operation](Request request, Responder responder) {
                  std::string body = request.take_body();
                  on_worker_admitted(parts, request, std::move(responder), kept,
                                     [&parts, method, operation, body = std::move(body)](
                                         const Admitted& by, Answer answer) mutable {
                                       operation(parts, method, std::move(body), by, std::move(answer));
                                     });
                }));
  };
  const auto get_quote = [&](const std::string& path,
                             void (*operation)(Parts&, Method, const std::string&, Answer)) {
    router.get(
        path, net::Handler([&parts, method, operation](const Request& request, Responder responder) {
          on_worker_admitted(
              parts, request, std::move(responder), false,
              [&parts, method, operation, id = std::string(request.parameter("quote_id"))](
                  const Admitted&, Answer answer) { operation(parts, method, id, std::move(answer)); });
        }));
  };
  post_with_token("/v1/mint/quote/" + name, false, &request_mint_quote);
  get_quote("/v1/mint/quote/" + name + "/{quote_id}", &show_mint_quote);
  post("/v1/mint/quote/" + name + "/check", &check_mint_quotes);
  post_with_token("/v1/mint/" + name, true, &mint);
  post_with_token("/v1/mint/" + name + "/batch", true, &mint_batch);
  post_with_token("/v1/melt/quote/" + name, false, &request_melt_quote);
  get_quote("/v1/melt/quote/" + name + "/{quote_id}", &show_melt_quote);
  router.post("/v1/melt/" + name, net::Handler([&parts, method](Request request, Responder responder) {
                const bool async = wants_async(request);
                std::string body = request.take_body();
                on_worker_admitted(parts, request, std::move(responder), true,
                                   [&parts, method, async, body = std::move(body)](const Admitted& by,
                                                                                   Answer answer) mutable {
                                     melt(parts, method, std::move(body), async, by, std::move(answer));
                                   });
              }));
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

void add_supply_route(net::Router& router, Parts& parts, Supply& supply) {
  Documents(router, parts).get("/v1/supply", [&supply](const Request&) {
    return Response::json(supply.body());
  });
}

void on_worker_admitted(Parts& parts, const net::Request& request, net::Responder responder, bool repeatable,
                        std::move_only_function<void(const Admitted&, Answer)> task) {
  Credentials credentials;
  if (parts.authentication != nullptr) {
    credentials.wanted = parts.authentication->access_to(net::to_text(request.method()), request.path());
    credentials.repeatable = repeatable;
    if (credentials.wanted != Access::open)
      credentials.token = request.header(token_header(credentials.wanted));
  }
  on_worker(parts, std::move(responder),
            [&parts, credentials = std::move(credentials), task = std::move(task)](Answer answer) mutable {
              admit(parts, std::move(credentials), std::move(task), std::move(answer));
            });
}

void add_cashu_routes(net::Router& router, Parts& parts, const InfoSlot& info) {
  router.get("/v1/info", [&parts, &info](const Request&) {
    const Info* known = info.load();
    if (known == nullptr) return to_response(overloaded());
    return Response::json(known->body(parts.clock->now_seconds()));
  });
  add_key_routes(Documents(router, parts), *parts.keysets, *parts.clock, "/v1", KeysetsOf::money);

  const auto post = [&](std::string_view path, void (*operation)(Parts&, const std::string&, Answer)) {
    router.post(path, net::Handler([&parts, operation](Request request, Responder responder) {
                  std::string body = request.take_body();
                  on_worker_admitted(
                      parts, request, std::move(responder), false,
                      [&parts, operation, body = std::move(body)](const Admitted&, Answer answer) {
                        operation(parts, body, std::move(answer));
                      });
                }));
  };
  const auto post_kept = [&](std::string_view path,
                             void (*operation)(Parts&, std::string, const Admitted&, Answer)) {
    router.post(path, net::Handler([&parts, operation](Request request, Responder responder) {
                  std::string body = request.take_body();
                  on_worker_admitted(
                      parts, request, std::move(responder), true,
                      [&parts, operation, body = std::move(body)](const Admitted& by, Answer answer) mutable {
                        operation(parts, std::move(body), by, std::move(answer));
                      });
                }));
  };
  post_kept("/v1/swap", &swap);
  post("/v1/checkstate", &check_state);
  post("/v1/restore", &restore);
  add_method_routes(router, parts, Method::bolt11);
  // Also where the node makes no offers: what was paid to those of a former node can be minted.
  add_method_routes(router, parts, Method::bolt12);
}

void add_blind_token_routes(net::Router& router, Parts& parts) {
  add_key_routes(Documents(router, parts), *parts.keysets, *parts.clock, "/v1/auth/blind", KeysetsOf::tokens);
  router.post(kBlindMintPath, net::Handler([&parts](Request request, Responder responder) {
                std::string body = request.take_body();
                on_worker_admitted(parts, request, std::move(responder), true,
                                   [&parts, body = std::move(body)](const Admitted& by, Answer answer) {
                                     mint_tokens(parts, body, by, std::move(answer));
                                   });
              }));
}

}  // namespace manastr::mint
