// The sockets of the pool: WebSocket connections and one plain GET each, on libwebsockets in the one thread
// that calls run(). Everything but wake() and stop() belongs to that thread.
#pragma once
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/clock.h"
#include "common/base/error.h"

namespace manastr::relay {

struct RelayUrl {
  bool tls = false;
  std::string host;  ///< without brackets
  std::uint16_t port = 0;
  std::string path;  ///< with the query, starts with /
};
/// ws:// or wss://, at most 512 bytes, printable ASCII, no user, no fragment.
Result<RelayUrl> parse_relay_url(std::string_view url);

class SocketObserver {
 public:
  virtual ~SocketObserver() = default;
  virtual void on_open(std::size_t link) = 0;
  /// One whole text message. Binary messages are dropped.
  virtual void on_message(std::size_t link, std::string text) = 0;
  virtual void on_pong(std::size_t link) = 0;
  /// The socket takes one message now; nullopt: nothing to say.
  virtual std::optional<std::string> next_message(std::size_t link) = 0;
  /// Exactly once for each connect().
  virtual void on_closed(std::size_t link, std::string reason) = 0;
  /// The answer to get(): the body, or nullopt.
  virtual void on_document(std::size_t link, std::optional<std::string> body) = 0;
  virtual void on_tick() = 0;  ///< every 50 ms
  virtual void on_wake() = 0;
};

class SocketLoop {
 public:
  SocketLoop(std::size_t links, std::size_t message_bytes, SocketObserver& observer);
  ~SocketLoop();
  Status open();

  /// `address` is the IP to dial; the host of `url` is what the certificate must name.
  void connect(std::size_t link, const RelayUrl& url, const std::string& address);
  void close(std::size_t link);
  void want_write(std::size_t link);
  void send_ping(std::size_t link);
  void pause(std::size_t link, bool paused);
  /// GET of the same URL over http(s) with Accept: application/nostr+json (NIP-11); body at most 64 KiB.
  void get(std::size_t link, const RelayUrl& url, const std::string& address);

  void run();
  void wake();
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace manastr::relay
