// HTTP/1.1 server with WebSocket upgrade, for the mint's API and every daemon's /health and /metrics.
// Promises: requests of one connection are answered in order, one at a time; every limit below holds against
// a hostile client; each refusal is a NUT-00 error body with CORS headers; nothing waits for a slow reader
// but its own connection. Keep-alive, pipelining, chunked bodies and 100-continue are done here; TLS is the
// reverse proxy's.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/net/client_address.h"
#include "common/net/router.h"

namespace manastr::telemetry {
class Metrics;
}

namespace manastr::net {

struct ServerOptions {
  std::string address = "127.0.0.1";  ///< numeric IPv4 or IPv6
  std::uint16_t port = 0;             ///< 0: any free one, see Server::port
  unsigned io_threads = 1;            ///< 1 to 64

  std::size_t max_header_bytes = 16 * 1024;  ///< 431 above
  std::size_t max_body_bytes = 1 << 20;      ///< 413 above
  std::size_t max_connections = 4096;        ///< 503 above
  std::size_t max_connections_per_ip = 0;  ///< 429 above; 0: no limit (behind a proxy all share one address)

  Millis header_timeout{10'000};  ///< from the first byte of a request (or the connection's opening) to the
                                  ///< end of its headers: 408
  Millis body_timeout{30'000};    ///< from then to the end of the body: 408
  Millis idle_timeout{75'000};    ///< between requests
  Millis write_timeout{30'000};   ///< for one answer to be taken

  std::size_t websocket_message_bytes = 64 * 1024;  ///< inbound; above, closed with 1009
  std::size_t websocket_queue_bytes = 1 << 20;      ///< outbound per session
  Millis websocket_ping{30'000};                    ///< a peer silent for twice that is gone

  /// Who may say in X-Forwarded-For whose request it is: Request::client().
  std::vector<AddressRange> trusted_proxies;
  std::vector<std::string> cors_origins{"*"};  ///< exact origins, or "*"; empty: no CORS headers
  /// Asked when the headers are read, before the body: a value refuses with 429 and that Retry-After. On I/O
  /// threads.
  std::function<std::optional<Millis>(const Request& request)> admit;
  /// Counts http_requests_total{route,status}, http_request_seconds{route}, http_connections. May be null;
  /// must outlive the server.
  telemetry::Metrics* metrics = nullptr;
};

class Server {
 public:
  /// Listens and serves from the moment it returns. Errors say what to do: port in use, no permission, no
  /// such address.
  static Result<std::unique_ptr<Server>> start(ServerOptions options, Router router);
  ~Server();  ///< drain(0)
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const;
  /// "http://address:port", IPv6 in brackets.
  std::string url() const;
  std::size_t connections() const;

  /// Stops accepting, closes idle connections and WebSockets (1001), lets requests already read be answered
  /// with "Connection: close". Returns when all are gone or `limit` is over (what is left is then cut); the
  /// threads have ended. True if nothing was cut. Blocks; not from a handler.
  bool drain(Millis limit);

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace manastr::net
