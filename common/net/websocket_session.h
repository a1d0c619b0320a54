// One WebSocket session on the I/O thread of the HTTP connection that it came from. Inside common/net only.
#pragma once
#include <deque>
#include <memory>

#include "common/net/io_thread.h"
#include "common/net/websocket.h"

namespace manastr::net {

class WebSocketSession final : public Resident, public std::enable_shared_from_this<WebSocketSession> {
 public:
  WebSocketSession(IoThread& thread, Place place);
  ~WebSocketSession() override;

  std::shared_ptr<WebSocket::Session> handle() const;
  /// Instead of start(), when the upgrade is refused.
  Place give_back_place() { return std::move(place_); }
  void start(Socket socket, const Request& request, WebSocketEvents events);

  void sweep(Monotonic time) override;
  void drain() override;
  void cut() override { end(); }

 private:
  class Handle;
  struct Stream;  // Beast's, in the .cpp

  void accepted();
  void read();
  void queue(std::string text);
  void begin_close(std::uint16_t code, std::string reason);
  void write();
  void end();

  IoThread& thread_;
  Place place_;
  const std::shared_ptr<Handle> handle_;
  std::unique_ptr<Stream> stream_;
  WebSocketEvents events_;
  std::deque<std::string> out_;
  bool open_ = false;     // the handshake is done
  bool writing_ = false;  // a message or the close frame
  bool closing_ = false;
  bool ended_ = false;
  std::uint16_t close_code_ = 1000;
  std::string close_reason_;
  Monotonic close_deadline_{};
};

}  // namespace manastr::net
