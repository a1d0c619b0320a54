// The two routes that every daemon has: GET /health (200 ok or degraded, 503 failed; JSON by check) and GET
// /metrics (Prometheus text). Called once by each daemon's main.
#pragma once
#include "common/net/router.h"
#include "common/telemetry/health.h"
#include "common/telemetry/metrics.h"

namespace manastr::net {

/// Both must outlive the server.
void add_operations_routes(Router& router, const telemetry::HealthRegistry& health,
                           const telemetry::Metrics& metrics);

}  // namespace manastr::net
