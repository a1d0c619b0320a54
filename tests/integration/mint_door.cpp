#include "tests/integration/mint_door.h"

#include <stdexcept>

#include "common/mintclient/curl_transport.h"
#include "common/net/server.h"

namespace manastr::test {

class MintDoor::Impl {
 public:
  Impl(std::string mint_url, Script script) : mint_url_(std::move(mint_url)), script_(std::move(script)) {
    net::Router router;
    for (const char* pattern : {"/v1/{a}", "/v1/{a}/{b}", "/v1/{a}/{b}/{c}", "/v1/{a}/{b}/{c}/{d}",
                                "/game-engine/{a}", "/game-engine/{a}/{b}"}) {
      for (const net::Method method : {net::Method::get, net::Method::post}) {
        router.add(method, pattern, [this](net::Request request, net::Responder responder) {
          pass(std::move(request), std::move(responder));
        });
      }
    }
    auto server = net::Server::start({}, std::move(router));
    if (!server) throw std::runtime_error(server.error().message);
    server_ = *std::move(server);
  }
  ~Impl() { server_.reset(); }
  std::string url() const { return server_->url(); }

 private:
  static net::Response to_response(mintclient::HttpReply reply) {
    return net::Response::json(std::move(reply.body), reply.status);
  }
  void pass(net::Request request, net::Responder responder) {
    const Exchange exchange{std::string(request.target()), request.body()};
    if (script_.instead) {
      if (auto made_up = script_.instead(exchange)) return responder.send(to_response(*std::move(made_up)));
    }
    const bool posts = request.method() == net::Method::post;
    auto waiting = std::make_shared<net::Responder>(std::move(responder));
    transport_->send({.method = posts ? "POST" : "GET",
                      .url = mint_url_ + exchange.path,
                      .body = exchange.body,
                      .authorization = std::string(request.header("authorization"))},
                     [waiting, exchange, after = script_.after](Result<mintclient::HttpReply> reply) {
                       if (!reply) return waiting->error(504, reply.error().message);
                       if (after) after(exchange, *reply);
                       waiting->send(to_response(*std::move(reply)));
                     });
  }

  const std::string mint_url_;
  const Script script_;
  std::shared_ptr<mintclient::Transport> transport_ = mintclient::make_curl_transport();
  std::unique_ptr<net::Server> server_;
};

MintDoor::MintDoor(std::string mint_url, Script script)
    : impl_(std::make_unique<Impl>(std::move(mint_url), std::move(script))) {}
MintDoor::~MintDoor() = default;
std::string MintDoor::url() const { return impl_->url(); }

}  // namespace manastr::test
