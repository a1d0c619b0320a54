// Names to addresses in a thread of its own, since getaddrinfo blocks. Used by the pool.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace manastr::relay {

class Resolver {
 public:
  /// IPv4 first; empty if the name is unknown. Called on the resolver's thread, never after the resolver's
  /// end; must not call the resolver.
  using Answer = std::function<void(std::vector<std::string> addresses)>;
  Resolver();
  /// Does not wait for a look-up under way, which may take the system's own time limit.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  void resolve(std::string host, Answer answer);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace manastr::relay
