// Which handler answers which method and path. Filled before Server::start, read-only after.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/net/request.h"
#include "common/net/response.h"
#include "common/net/websocket.h"

namespace manastr::net {

/// Called on an I/O thread: must not block. Answer at once or hand request and responder to a worker.
using Handler = std::function<void(Request request, Responder responder)>;
/// For handlers that have their answer at hand.
using DirectHandler = std::function<Response(const Request& request)>;

class Router {
 public:
  Router();
  ~Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;

  /// `pattern` is a path whose segments may be {names}: "/v1/mint/quote/{method}/{quote_id}". A parameter
  /// matches one non-empty segment. Exact paths win over patterns, patterns go in the order added. GET
  /// answers HEAD too. A pattern given twice for one method is a broken program (aborts).
  void add(Method method, std::string_view pattern, Handler handler);
  void get(std::string_view pattern, DirectHandler handler);
  void get(std::string_view pattern, Handler handler) { add(Method::get, pattern, std::move(handler)); }
  void post(std::string_view pattern, DirectHandler handler);
  void post(std::string_view pattern, Handler handler) { add(Method::post, pattern, std::move(handler)); }
  /// The upgrade of a GET. A plain GET of the same pattern can have a handler of its own; without, it is 426.
  /// `admit`, if there is one, is asked before: with a success (2xx) the upgrade goes on, else its answer is
  /// the answer.
  void websocket(std::string_view pattern, WebSocketHandler handler, Handler admit = nullptr);

  /// What the server needs of a path.
  struct Route;
  struct Match {
    const Handler* handler = nullptr;
    const WebSocketHandler* websocket = nullptr;
    const Handler* admit = nullptr;  ///< of the WebSocket
    std::string
        allowed;  ///< without a handler: the methods of the path, comma separated; empty: no such path
    std::size_t index = 0;  ///< of the route, from 1 in the order of patterns(); 0: no such path
  };
  /// Sets the request's route and parameters.
  Match match(Request& request) const;
  std::vector<std::string_view> patterns() const;

 private:
  Route& route(std::string_view pattern);
  const Route* find(Request& request) const;
  std::vector<std::unique_ptr<Route>> routes_;
  std::unordered_map<std::string_view, Route*> exact_;  // by pattern; views and pointers into routes_
};

}  // namespace manastr::net
