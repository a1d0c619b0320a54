// How often who may ask: client addresses on the public endpoints, engines on theirs; counted together with
// the other mints on the same database. Made by the daemon.
#pragma once
#include "common/resilience/rate_limiter.h"
#include "mint/authorization/engines.h"
#include "mint/ledger/ledger.h"

namespace manastr::mint {

class Limits final : public SharedLimits {
 public:
  /// `engines` and `ledger` outlive this.
  Limits(const ServerConfiguration& server, Engines& engines, Ledger& ledger, const Clock& clock);
  ~Limits() override;
  Limits(const Limits&) = delete;
  Limits& operator=(const Limits&) = delete;

  /// nullopt: go on; else when the next request may come. Of IPv6, all addresses of a /64 are one client.
  std::optional<Millis> admit(const std::string& address);

  std::vector<LimitUse> take_uses(std::size_t most) override;
  void charge(const LimitUse& use) override;

 private:
  const bool limited_;
  resilience::RateLimiter addresses_;
  Engines* engines_;
  Ledger* ledger_;
};

}  // namespace manastr::mint
