// The whole relay: core, file and port, in a thread of its own. Used by manastr-relay and by tests.
#pragma once
#include <memory>
#include <string>

#include "common/base/clock.h"
#include "common/base/random.h"
#include "relay-client/embedded/settings.h"

namespace manastr::relay::embedded {

class EmbeddedRelay {
 public:
  /// Opens DIR/events.sqlite (unless in memory), listens, and only then writes the port to DIR/port; serves
  /// in a thread of its own. The caller holds the lock on DIR. The error is one line.
  static Result<std::unique_ptr<EmbeddedRelay>> start(Settings settings, const std::string& directory,
                                                      const Clock& clock = system_clock(),
                                                      Random& random = system_random());
  /// Takes nothing new, commits and sends what is under way (at most 3 s), closes.
  ~EmbeddedRelay();
  std::uint16_t port() const;

 private:
  class Impl;
  explicit EmbeddedRelay(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace manastr::relay::embedded
