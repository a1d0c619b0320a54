#include "mint/api/routes.h"

namespace manastr::mint {
namespace {

class Socket final : public Outlet {
 public:
  explicit Socket(net::WebSocket session) : session_(std::move(session)) {}
  void send(std::string text) override { session_.send(std::move(text)); }
  void close(std::uint16_t code, std::string reason) override { session_.close(code, std::move(reason)); }

 private:
  const net::WebSocket session_;
};

/// A protected socket is paid for with its opening.
net::Handler admission(Parts& parts) {
  if (parts.authentication == nullptr) return nullptr;
  return [&parts](const net::Request& request, net::Responder responder) {
    on_worker_admitted(parts, request, std::move(responder), false,
                       [](const Admitted&, Answer answer) { answer({200, "", Millis{0}}); });
  };
}

}  // namespace

void add_subscription_route(net::Router& router, Parts& parts, Hub& hub) {
  router.websocket(
      "/v1/ws",
      [&hub](const net::Request&, net::WebSocket socket) -> Result<net::WebSocketEvents> {
        const auto session = hub.connect(std::make_shared<Socket>(std::move(socket)));
        return net::WebSocketEvents{
            [&hub, session](std::string_view text) { hub.received(session, std::string(text)); },
            [&hub, session] { hub.disconnected(session); }};
      },
      admission(parts));
}

}  // namespace manastr::mint
