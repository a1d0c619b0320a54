#include "mint/api/limits.h"

#include <algorithm>

#include "common/net/client_address.h"

namespace manastr::mint {
namespace {

constexpr const char* kAddress = "address";
constexpr const char* kEngine = "engine";
constexpr double kMinute = 60;

resilience::RateLimit limit_of(const ServerConfiguration& server) {
  return {std::max(static_cast<double>(server.requests_per_minute), 1.0) / kMinute,
          static_cast<double>(std::max<std::uint64_t>(server.burst, 1))};
}

}  // namespace

Limits::Limits(const ServerConfiguration& server, Engines& engines, Ledger& ledger, const Clock& clock)
    : limited_(server.requests_per_minute > 0),
      addresses_(limit_of(server), clock),
      engines_(&engines),
      ledger_(&ledger) {
  ledger_->share(this);
}

Limits::~Limits() { ledger_->share(nullptr); }

std::optional<Millis> Limits::admit(const std::string& address) {
  return limited_ ? addresses_.admit(net::limited_as(address)) : std::nullopt;
}

std::vector<LimitUse> Limits::take_uses(std::size_t most) {
  std::vector<LimitUse> out;
  for (auto& use : engines_->take_uses(most)) out.push_back({kEngine, std::move(use.key), use.cost});
  if (!limited_) return out;
  for (auto& use : addresses_.take_uses(most)) out.push_back({kAddress, std::move(use.key), use.cost});
  return out;
}

void Limits::charge(const LimitUse& use) {
  if (use.limit == kAddress && limited_) addresses_.charge(use.key, use.cost);
  if (use.limit == kEngine) engines_->charge(use.key, use.cost);
}

}  // namespace manastr::mint
