// How bytes get to a mint and back: one HTTP exchange, asynchronous. MintClient speaks NUT over it; in tests
// and simulations a mint in the same process stands in for the network (one virtual function to implement).
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/error.h"

namespace manastr::mintclient {

struct HttpRequest {
  std::string method;         ///< "GET" or "POST"
  std::string url;            ///< absolute, http or https
  std::string body;           ///< JSON, "" for GET
  std::string authorization;  ///< value of the Authorization header; "" for none
  Millis timeout{20'000};     ///< for the whole exchange
};
struct HttpReply {
  int status = 0;
  std::string body;
};
using OnReply = std::function<void(Result<HttpReply>)>;

class Transport {
 public:
  virtual ~Transport() = default;
  /// Calls `on_reply` exactly once, from any thread, also from within send(). Errors: `invalid` if the
  /// request was never sent (a URL that is none), `unavailable` if it is unknown what the other side did with
  /// it.
  virtual void send(HttpRequest request, OnReply on_reply) = 0;
};

}  // namespace manastr::mintclient
