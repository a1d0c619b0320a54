// One pattern of the router with what is registered for it. Inside common/net only.
#pragma once
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "common/net/router.h"

namespace manastr::net {

struct Router::Route {
  std::string pattern;
  std::vector<std::string_view> segments;  // of pattern
  bool exact = true;
  std::size_t index = 0;
  std::array<Handler, static_cast<std::size_t>(Method::other) + 1> handlers;
  WebSocketHandler websocket;
  Handler admit;  // of the WebSocket
};

}  // namespace manastr::net
