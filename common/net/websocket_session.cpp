#include "common/net/websocket_session.h"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <boost/beast/websocket/stream.hpp>

namespace manastr::net {
namespace {

namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;

/// For the opening handshake, and for a peer to answer our close.
constexpr Millis kHandshake{2'000};
constexpr std::size_t kMaxReason = 123;
/// What a queued message costs beside its text.
constexpr std::size_t kPerMessage = 64;

}  // namespace

struct WebSocketSession::Stream {
  explicit Stream(Socket upgraded) : socket(std::move(upgraded)) {}
  websocket::stream<Socket, false> socket;  // without compression: its window costs 256 KiB a session
  beast::http::request<beast::http::empty_body> request;
  beast::flat_buffer in;
};

/// What the program holds; may outlive session and server.
class WebSocketSession::Handle final : public WebSocket::Session,
                                       public std::enable_shared_from_this<Handle> {
 public:
  Handle(std::shared_ptr<Gate> gate, std::size_t limit) : gate_(std::move(gate)), limit_(limit) {}

  bool send(std::string text) override {
    const std::lock_guard lock(mutex_);  // held over the post, so that messages keep their order
    if (!open_) return false;
    if (queued_ + text.size() + kPerMessage > limit_) {
      open_ = false;
      gate_->post([self = shared_from_this()] {
        if (self->session) self->session->end();
      });
      return false;
    }
    queued_ += text.size() + kPerMessage;
    gate_->post([self = shared_from_this(), text = std::move(text)]() mutable {
      if (self->session) self->session->queue(std::move(text));
    });
    return true;
  }
  void close(std::uint16_t code, std::string reason) override {
    const std::lock_guard lock(mutex_);
    if (!open_) return;
    open_ = false;
    gate_->post([self = shared_from_this(), code, reason = std::move(reason)]() mutable {
      if (self->session) self->session->begin_close(code, std::move(reason));
    });
  }
  bool open() const override {
    const std::lock_guard lock(mutex_);
    return open_;
  }
  void sent(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    queued_ -= bytes + kPerMessage;
  }
  void shut() {
    const std::lock_guard lock(mutex_);
    open_ = false;
  }

  WebSocketSession* session = nullptr;  // touched on the I/O thread alone

 private:
  const std::shared_ptr<Gate> gate_;
  const std::size_t limit_;
  mutable std::mutex mutex_;
  bool open_ = true;
  std::size_t queued_ = 0;
};

WebSocketSession::WebSocketSession(IoThread& thread, Place place)
    : thread_(thread),
      place_(std::move(place)),
      handle_(std::make_shared<Handle>(thread.gate, thread.server.options.websocket_queue_bytes)) {
  handle_->session = this;
}

WebSocketSession::~WebSocketSession() {
  handle_->session = nullptr;
  handle_->shut();
}

std::shared_ptr<WebSocket::Session> WebSocketSession::handle() const { return handle_; }

void WebSocketSession::start(Socket socket, const Request& request, WebSocketEvents events) {
  const ServerOptions& options = thread_.server.options;
  events_ = std::move(events);
  stream_ = std::make_unique<Stream>(std::move(socket));
  auto& stream = stream_->socket;
  stream.set_option(websocket::stream_base::timeout{kHandshake, options.websocket_ping * 2, true});
  stream.read_message_max(options.websocket_message_bytes);
  auto& upgrade = stream_->request;
  upgrade.method(beast::http::verb::get);
  upgrade.target(beast::string_view(request.target().data(), request.target().size()));
  upgrade.version(11);
  for (const char* name : {"Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version"}) {
    const std::string_view value = request.header(name);
    upgrade.set(name, beast::string_view(value.data(), value.size()));
  }
  stream.async_accept(upgrade, [self = shared_from_this()](ErrorCode error) {
    if (self->ended_) return;
    if (error) return self->end();
    self->accepted();
  });
}

void WebSocketSession::accepted() {
  open_ = true;
  read();
  write();
}

void WebSocketSession::read() {
  stream_->socket.async_read(stream_->in, [self = shared_from_this()](ErrorCode error, std::size_t) {
    if (self->ended_) return;
    if (error) return self->end();
    if (!self->stream_->socket.got_text())
      return self->begin_close(1003, "Only text messages are understood.");
    const auto data = self->stream_->in.cdata();
    if (self->events_.on_text && !self->closing_) {
      self->events_.on_text({static_cast<const char*>(data.data()), data.size()});
    }
    self->stream_->in.consume(self->stream_->in.size());
    // Beast's close reads the rest itself, and a read that waits for it trips an assertion of Beast 1.74 when
    // the peer lets the close time out.
    if (!self->ended_ && !self->closing_) self->read();
  });
}

void WebSocketSession::queue(std::string text) {
  if (ended_ || closing_) return;
  out_.push_back(std::move(text));
  write();
}

void WebSocketSession::begin_close(std::uint16_t code, std::string reason) {
  if (ended_ || closing_) return;
  closing_ = true;
  handle_->shut();
  close_code_ = code;
  close_reason_ = std::move(reason);
  if (close_reason_.size() > kMaxReason) close_reason_.resize(kMaxReason);
  close_deadline_ = now() + kHandshake;
  write();
}

void WebSocketSession::write() {
  if (!open_ || writing_ || ended_) return;
  if (!out_.empty()) {
    writing_ = true;
    stream_->socket.text(true);
    stream_->socket.async_write(asio::buffer(out_.front()),
                                [self = shared_from_this()](ErrorCode error, std::size_t) {
                                  if (self->ended_) return;
                                  if (error) return self->end();
                                  self->writing_ = false;
                                  self->handle_->sent(self->out_.front().size());
                                  self->out_.pop_front();
                                  self->write();
                                });
  } else if (closing_) {
    writing_ = true;
    const websocket::close_reason reason(static_cast<websocket::close_code>(close_code_),
                                         beast::string_view(close_reason_.data(), close_reason_.size()));
    stream_->socket.async_close(reason, [self = shared_from_this()](ErrorCode) { self->end(); });
  }
}

void WebSocketSession::sweep(Monotonic time) {
  if (closing_ && time > close_deadline_) end();
}

void WebSocketSession::drain() { begin_close(1001, "The server is stopping; connect again."); }

void WebSocketSession::end() {
  if (ended_) return;
  ended_ = true;
  const auto self = shared_from_this();
  handle_->session = nullptr;
  handle_->shut();
  ErrorCode ignored;
  beast::get_lowest_layer(stream_->socket).close(ignored);
  place_.leave();
  thread_.release(*this);
  if (const auto on_close = std::exchange(events_.on_close, nullptr)) on_close();
}

}  // namespace manastr::net
