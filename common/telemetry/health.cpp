#include "common/telemetry/health.h"

#include <algorithm>

#include "common/json/writer.h"

namespace manastr::telemetry {

std::string_view to_text(HealthStatus status) {
  switch (status) {
    case HealthStatus::ok:
      return "ok";
    case HealthStatus::degraded:
      return "degraded";
    case HealthStatus::failed:
      return "failed";
  }
  return "failed";
}

void HealthRegistry::add(std::string name, std::function<Health()> check) {
  const std::lock_guard lock(mutex_);
  checks_.emplace_back(std::move(name), std::move(check));
}

HealthStatus HealthRegistry::status() const {
  HealthStatus worst = HealthStatus::ok;
  to_json(&worst);
  return worst;
}

std::string HealthRegistry::to_json(HealthStatus* worst_out) const {
  const std::lock_guard lock(mutex_);
  HealthStatus worst = HealthStatus::ok;
  std::string checks;
  for (const auto& [name, check] : checks_) {
    const Health health = check();
    worst = std::max(worst, health.status);
    if (!checks.empty()) checks += ',';
    json::append_string(checks, name);
    checks += ":{\"status\":";
    json::append_string(checks, to_text(health.status));
    if (!health.detail.empty()) {
      checks += ",\"detail\":";
      json::append_string(checks, health.detail);
    }
    checks += '}';
  }
  if (worst_out) *worst_out = worst;
  return "{\"status\":\"" + std::string(to_text(worst)) + "\",\"checks\":{" + checks + "}}";
}

}  // namespace manastr::telemetry
