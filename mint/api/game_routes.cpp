#include "common/gameapi/requests.h"
#include "mint/api/routes.h"
#include "mint/pipeline/game_operations.h"

namespace manastr::mint {

using net::Request;
using net::Responder;

void add_game_routes(net::Router& router, Parts& parts, const InfoSlot& info) {
  using Operation = void (*)(Parts&, const AuthorizedEngine&, const std::string&, Answer);
  const auto authorized = [&](std::string_view path, Permission permission, Operation operation) {
    router.post(path,
                net::Handler([&parts, &info, permission, operation](Request request, Responder responder) {
                  // What engines sign names the mint's URL, which is not known in the first moment.
                  const Info* known = info.load();
                  if (known == nullptr) return answer_to(std::move(responder))(overloaded());
                  GameRequest game;
                  game.authorization = request.header("Authorization");
                  game.url = known->url() + std::string(request.target());
                  game.method = net::to_text(request.method());
                  game.body = request.take_body();
                  on_worker(parts, std::move(responder),
                            [&parts, permission, operation, game = std::move(game)](Answer answer) mutable {
                              authorize(parts, std::move(game), permission, operation, std::move(answer));
                            });
                }));
  };
  authorized(gameapi::kBurnManaPath, Permission::burn_mana, &burn_mana);
  authorized(gameapi::kMintLootPath, Permission::mint_loot, &mint_loot);
  authorized(gameapi::kSpentStatusPath, Permission::query_spent_status, &spent_status);
  router.post(gameapi::kSettlePath, net::Handler([&parts](Request request, Responder responder) {
                on_worker(parts, std::move(responder), [&parts, body = request.take_body()](Answer answer) {
                  settle(parts, body, std::move(answer));
                });
              }));
  router.get(std::string(gameapi::kVerdictsPath) + "{match}",
             net::Handler([&parts](const Request& request, Responder responder) {
               on_worker(parts, std::move(responder),
                         [&parts, match = std::string(request.parameter("match"))](Answer answer) {
                           show_verdicts(parts, match, std::move(answer));
                         });
             }));
}

}  // namespace manastr::mint
