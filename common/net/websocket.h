// A WebSocket session that shares the HTTP port (NUT-17): text messages, a bounded outbound queue, close.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/net/request.h"

namespace manastr::net {

/// Handle to a session; copies mean the same one. Thread-safe; outlives the session and the server
/// harmlessly.
class WebSocket {
 public:
  class Session {
   public:
    virtual ~Session() = default;
    virtual bool send(std::string text) = 0;
    virtual void close(std::uint16_t code, std::string reason) = 0;
    virtual bool open() const = 0;
  };
  WebSocket() = default;
  explicit WebSocket(std::shared_ptr<Session> session) : session_(std::move(session)) {}

  /// False if the session is over, or if what waits to be sent is at its bound: the peer reads too slowly,
  /// and the session is ended so that it can come back and ask for the whole state, rather than miss a
  /// message.
  bool send(std::string text) const { return session_ && session_->send(std::move(text)); }
  /// RFC 6455 section 7.4 codes; the reason is cut to 123 bytes. Messages sent before are still delivered.
  void close(std::uint16_t code = 1000, std::string reason = "") const {
    if (session_) session_->close(code, std::move(reason));
  }
  bool open() const { return session_ && session_->open(); }
  friend bool operator==(const WebSocket&, const WebSocket&) = default;

 private:
  std::shared_ptr<Session> session_;
};

/// What the server calls for one session, one call at a time, on an I/O thread: they must not block.
struct WebSocketEvents {
  std::function<void(std::string_view text)>
      on_text;                     ///< one whole message of valid UTF-8; binary closes with 1003
  std::function<void()> on_close;  ///< once, also when the peer just vanished
};
/// Called at the upgrade request; an error refuses it with 400 and the error's message. The session may be
/// kept and sent to from then on.
using WebSocketHandler = std::function<Result<WebSocketEvents>(const Request& request, WebSocket session)>;

}  // namespace manastr::net
