// The relay's port: WebSocket connections and plain GETs, on libwebsockets in the one thread that calls
// run(). Everything but wake() and stop() belongs to that thread. Any HTTP request with a body is closed;
// each GET is answered and closed.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "relay-client/embedded/relay_core.h"

namespace manastr::relay::embedded {

struct HttpReply {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

class ServerObserver {
 public:
  virtual ~ServerObserver() = default;
  /// `address` is the client's; `host` its Host header.
  virtual void on_open(ConnectionId connection, const std::string& address, const std::string& host) = 0;
  virtual void on_message(ConnectionId connection, std::string_view text) = 0;
  virtual void on_closed(ConnectionId connection) = 0;
  virtual HttpReply on_get(std::string_view path, std::string_view accept) = 0;
  virtual void on_tick() = 0;  ///< every 100 ms
  virtual void on_wake() = 0;
};

struct ServerFigures {
  std::uint64_t connections = 0, refused = 0, slow = 0, oversize = 0, pending_bytes = 0;
};

class WebSocketServer {
 public:
  WebSocketServer(const Settings& settings, ServerObserver& observer);
  ~WebSocketServer();
  /// Listens. The port, or one line that says what is wrong with address or port.
  Result<std::uint16_t> open();

  /// Queues; a client that leaves more than `pending_bytes` unread is cut off.
  void send(ConnectionId connection, Frame frame);
  /// From now on no connection is taken and nothing read; what is queued is still sent.
  void drain();
  bool all_sent() const;
  const ServerFigures& figures() const;

  void run();
  void wake();
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace manastr::relay::embedded
