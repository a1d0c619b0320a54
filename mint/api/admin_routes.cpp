#include "mint/admin/operations.h"
#include "mint/api/routes.h"

namespace manastr::mint {

using net::Request;
using net::Responder;

void add_admin_routes(net::Router& router, Parts& parts, AdminAccess& access, LiveUnits& units,
                      const InfoSlot& info) {
  using MakeTask = std::function<AdminTask(const AdminHttp&)>;
  const auto handler = [&](std::function<MakeTask(const Request&)> task_of) {
    return net::Handler(
        [&parts, &access, &info, task_of = std::move(task_of)](Request request, Responder responder) {
          const Info* known = info.load();
          MakeTask task = task_of(request);
          AdminHttp call;
          call.authorization = request.header("Authorization");
          call.url = (known == nullptr ? std::string() : known->url()) + std::string(request.target());
          call.method = net::to_text(request.method());
          call.body = request.take_body();
          call.client = request.client();
          on_worker(parts, std::move(responder),
                    [&access, call = std::move(call), task = std::move(task)](Answer answer) mutable {
                      access.call(std::move(call), std::move(task), std::move(answer));
                    });
        });
  };
  for (const AdminAction& action : kAdminActions) {
    const bool creates = action.name == "create";
    const std::string path =
        creates ? "/admin/v1/units" : "/admin/v1/units/{unit}/" + std::string(action.name);
    router.post(path, handler([&parts, &units, action](const Request& request) -> MakeTask {
                  return [&parts, &units, action,
                          unit = std::string(request.parameter("unit"))](const AdminHttp& call) {
                    return change_task(units, *parts.clock, action, unit, call.body);
                  };
                }));
  }
  router.get("/admin/v1/units", handler([&parts, &units](const Request&) -> MakeTask {
               return [&parts, &units](const AdminHttp&) { return units_task(units, *parts.clock); };
             }));
  router.get("/admin/v1/audit", handler([&parts](const Request& request) -> MakeTask {
               return [&parts, query = std::string(request.query())](const AdminHttp&) {
                 return audit_task(*parts.ledger, query);
               };
             }));
}

}  // namespace manastr::mint
