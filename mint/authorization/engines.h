// Which game engines may do what: the engines of mint.toml and of the auth file as one set, the file followed
// while the mint runs, and a rate limit for each key. Called by the pipeline's game operations.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/config/file_watcher.h"
#include "common/resilience/rate_limiter.h"
#include "mint/configuration/configuration.h"

namespace manastr::mint {

class Engines {
 public:
  using Set = std::vector<AuthorizedEngine>;
  /// `first`: as the configuration was read. Follows the auth file if there is one and runtime updates are
  /// allowed. Thread-safe.
  static Result<std::unique_ptr<Engines>> start(const AuthorizationConfiguration& authorization, Set first,
                                                const Clock& clock);

  /// nullopt: no such engine, or none that is active.
  std::optional<AuthorizedEngine> find(const crypto::XOnlyKey& key) const;
  /// Counts a request of this engine: nullopt, or when the next one may come.
  std::optional<Millis> admit(const AuthorizedEngine& engine);
  /// The limiter's, by key in hex (mint/ledger/shared_limits.h).
  std::vector<resilience::RateLimiter::Use> take_uses(std::size_t most) { return limiter_.take_uses(most); }
  void charge(const std::string& key_hex, double cost);

 private:
  Engines(Set fixed, const Clock& clock);
  const Set fixed_;
  std::unique_ptr<config::Reloading<Set>> followed_;
  resilience::RateLimiter limiter_;
};

enum class Permission { burn_mana, mint_loot, query_spent_status };
bool permits(const AuthorizedEngine& engine, Permission permission);
/// As the configuration calls it: "can_burn_mana".
std::string_view name_of(Permission permission);

}  // namespace manastr::mint
