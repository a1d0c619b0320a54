// What the mint knows of its OpenID provider: the issuer's name and keys, fetched by a thread of its own at
// start, every ten minutes, and when a token names a key that is not known (at most every ten seconds).
// Nobody waits under a lock, and keys once known stay in force while the provider is away.
#pragma once
#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "common/base/clock.h"
#include "mint/authentication/fetch.h"
#include "mint/authentication/jwk_set.h"

namespace manastr::mint {

struct ProviderKeys {
  std::string issuer;
  JwkSet keys;
};

class OpenIdProvider {
 public:
  struct Pace {
    Millis refresh{600'000};  ///< of keys that are in force
    Millis between{10'000};   ///< two looks at a provider that answers, at least
    Millis retry{1'000};      ///< after a failure; doubles up to `retry_at_most`
    Millis retry_at_most{30'000};
    std::size_t waiting = 1'000;
  };
  /// `discovery`: URL of the provider's configuration (OpenID Connect Discovery 1.0, section 4).
  OpenIdProvider(std::string discovery, Fetch fetch, Pace pace, const Clock& clock = system_clock());
  OpenIdProvider(std::string discovery, Fetch fetch)
      : OpenIdProvider(std::move(discovery), std::move(fetch), Pace{}) {}
  ~OpenIdProvider();
  OpenIdProvider(const OpenIdProvider&) = delete;
  OpenIdProvider& operator=(const OpenIdProvider&) = delete;

  /// Null before the first fetch has succeeded.
  std::shared_ptr<const ProviderKeys> current() const;
  /// `then` is called once, from the provider's thread, when it has looked again: current() may be newer.
  /// False: it won't look soon, for it just did, or too many wait; `then` is gone.
  bool look_again(std::move_only_function<void()> then);
  /// Why current() is null or may be old; "" if all is well.
  std::string trouble() const;

 private:
  void run();
  Result<ProviderKeys> load() const;

  const std::string discovery_;
  const Fetch fetch_;
  const Pace pace_;
  const Clock* clock_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::shared_ptr<const ProviderKeys> current_;
  std::vector<std::move_only_function<void()>> waiting_;
  std::string trouble_;
  bool wanted_ = true;
  bool looking_ = false;
  Monotonic not_before_{};
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

/// https, or http to this very machine: what a provider is asked by.
bool is_trustworthy_url(std::string_view url);

}  // namespace manastr::mint
