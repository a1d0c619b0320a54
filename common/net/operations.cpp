#include "common/net/operations.h"

namespace manastr::net {

void add_operations_routes(Router& router, const telemetry::HealthRegistry& health,
                           const telemetry::Metrics& metrics) {
  router.get("/health", DirectHandler([&health](const Request&) {
               auto worst = telemetry::HealthStatus::ok;
               std::string body = health.to_json(&worst);
               return Response::json(std::move(body), worst == telemetry::HealthStatus::failed ? 503 : 200);
             }));
  router.get("/metrics", DirectHandler([&metrics](const Request&) {
               return Response{200, ContentType::prometheus, metrics.exposition(), {}};
             }));
}

}  // namespace manastr::net
