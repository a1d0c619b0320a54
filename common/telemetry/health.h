// What /health says: named checks, each ok, degraded (works, an operator should look) or failed (does not
// serve).
#pragma once
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace manastr::telemetry {

enum class HealthStatus : std::uint8_t { ok, degraded, failed };
std::string_view to_text(HealthStatus status);

struct Health {
  HealthStatus status = HealthStatus::ok;
  std::string detail;  ///< one sentence, empty when there is nothing to say
};

/// Thread-safe. A check must answer at once, from state that its owner keeps: it is called on I/O threads.
class HealthRegistry {
 public:
  void add(std::string name, std::function<Health()> check);
  /// The worst of all checks; ok if there are none.
  HealthStatus status() const;
  /// {"status":"ok","checks":{"ledger":{"status":"ok"},"lightning":{"status":"degraded","detail":"..."}}}
  std::string to_json(HealthStatus* worst = nullptr) const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::pair<std::string, std::function<Health()>>> checks_;
};

}  // namespace manastr::telemetry
