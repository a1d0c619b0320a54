// Who may call /admin/v1/*: the admins of mint.toml and of the admins' file as one set, the file followed
// while the mint runs, and a rate limit for each key. Called by access.cpp.
#pragma once
#include <memory>
#include <vector>

#include "common/config/file_watcher.h"
#include "common/resilience/rate_limiter.h"
#include "mint/configuration/configuration.h"

namespace manastr::mint {

class Admins {
 public:
  using Set = std::vector<Admin>;
  /// `first`: as the configuration was read. Follows the admins' file if there is one. Thread-safe.
  static Result<std::unique_ptr<Admins>> start(const AdminConfiguration& configuration, Set first,
                                               const Clock& clock);

  /// True: nobody may call, and /admin/v1/* is not there.
  bool empty() const;
  std::optional<Admin> find(const crypto::XOnlyKey& key) const;
  /// Counts a call of this admin: nullopt, or when the next one may come.
  std::optional<Millis> admit(const Admin& admin);

 private:
  Admins(const AdminConfiguration& configuration, Set fixed, const Clock& clock);
  const Set fixed_;
  std::unique_ptr<config::Reloading<Set>> followed_;
  resilience::RateLimiter limiter_;
};

/// "operator,treasurer".
std::string roles_text(const Admin& admin);

}  // namespace manastr::mint
