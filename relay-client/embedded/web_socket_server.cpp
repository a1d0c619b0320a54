#include "relay-client/embedded/web_socket_server.h"

#include <arpa/inet.h>
#include <libwebsockets.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <deque>
#include <unordered_map>

namespace manastr::relay::embedded {
namespace {

constexpr lws_usec_t kTick = 100'000;
constexpr std::size_t kEnoughPending = 1 << 20;  // above it a client is not read until it has read
constexpr std::size_t kHeaderBytes = 8192;
constexpr std::size_t kAddressBytes = 64;

/// What bind() would say, as the library only says that it failed.
Status try_binding(const std::string& address, std::uint16_t port) {
  const bool v6 = address.find(':') != std::string::npos;
  sockaddr_storage storage{};
  socklen_t length = 0;
  if (v6) {
    auto* in6 = reinterpret_cast<sockaddr_in6*>(&storage);
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    length = sizeof *in6;
    if (inet_pton(AF_INET6, address.c_str(), &in6->sin6_addr) != 1)
      return invalid(address + " is no IP address to listen on");
  } else {
    auto* in4 = reinterpret_cast<sockaddr_in*>(&storage);
    in4->sin_family = AF_INET;
    in4->sin_port = htons(port);
    length = sizeof *in4;
    if (inet_pton(AF_INET, address.c_str(), &in4->sin_addr) != 1)
      return invalid(address + " is no IP address to listen on");
  }
  const int socket = ::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return broken(std::string("no socket: ") + std::strerror(errno));
  const int on = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const bool bound =
      bind(socket, reinterpret_cast<const sockaddr*>(&storage), length) == 0 && listen(socket, 1) == 0;
  const int why = errno;
  close(socket);
  if (bound) return {};
  return broken("can't listen on " + address + " port " + std::to_string(port) + ": " +
                (why == EADDRINUSE ? "the port is in use" : std::strerror(why)));
}

std::string header(lws* wsi, lws_token_indexes token) {
  const int length = lws_hdr_total_length(wsi, token);
  if (length <= 0) return {};
  std::string out(static_cast<std::size_t>(length) + 1, '\0');
  const int copied = lws_hdr_copy(wsi, out.data(), length + 1, token);
  out.resize(copied < 0 ? 0 : static_cast<std::size_t>(copied));
  return out;
}

}  // namespace

class WebSocketServer::Impl {
 public:
  Impl(const Settings& settings, ServerObserver& observer) : settings_(settings), observer_(observer) {
    const auto interval = static_cast<std::uint16_t>(settings_.ping_interval.count());
    idle_.secs_since_valid_ping = interval;
    idle_.secs_since_valid_hangup = static_cast<std::uint16_t>(interval + interval / 2 + 1);
  }
  ~Impl() {
    closing_down_ = true;
    if (context_ != nullptr) lws_context_destroy(context_);
  }

  Result<std::uint16_t> open() {
    TRY_STATUS(try_binding(settings_.address, settings_.port));
    lws_set_log_level(0, nullptr);
    static const lws_protocols kProtocols[] = {
        {.name = "nostr",
         .callback = &Impl::callback,
         .per_session_data_size = sizeof(Connection*),
         .rx_buffer_size = 32768,
         .id = 0,
         .user = nullptr,
         .tx_packet_size = 0},
        {.name = nullptr,
         .callback = nullptr,
         .per_session_data_size = 0,
         .rx_buffer_size = 0,
         .id = 0,
         .user = nullptr,
         .tx_packet_size = 0},
    };
    lws_context_creation_info info{};
    const bool v6 = settings_.address.find(':') != std::string::npos;
    info.port = settings_.port;
    if (settings_.address != "0.0.0.0" && settings_.address != "::") info.iface = settings_.address.c_str();
    info.protocols = kProtocols;
    info.options = LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND | (v6 ? 0 : LWS_SERVER_OPTION_DISABLE_IPV6);
    info.user = this;
    info.gid = static_cast<gid_t>(-1);
    info.uid = static_cast<uid_t>(-1);
    info.max_http_header_data = kHeaderBytes;
    info.retry_and_idle_policy = &idle_;
    info.vhost_name = "relay";
    context_ = lws_create_context(&info);
    lws_vhost* vhost = context_ == nullptr ? nullptr : lws_get_vhost_by_name(context_, "relay");
    if (vhost == nullptr) {
      return broken("can't listen on " + settings_.address + " port " + std::to_string(settings_.port));
    }
    return static_cast<std::uint16_t>(lws_get_vhost_listen_port(vhost));
  }

  void send(ConnectionId id, Frame frame) {
    const auto found = connections_.find(id);
    if (found == connections_.end() || found->second->cut_off) return;
    Connection& connection = *found->second;
    connection.pending += frame.size();
    figures_.pending_bytes += frame.size();
    connection.queue.push_back(std::move(frame));
    if (connection.pending > settings_.pending_bytes) return cut_off(connection);
    if (connection.pending > kEnoughPending) read(connection, false);
    if (connection.queue.size() == 1) lws_callback_on_writable(connection.wsi);
  }

  void drain() {
    draining_ = true;
    for (auto& [id, connection] : connections_) read(*connection, false);
  }
  bool all_sent() const { return figures_.pending_bytes == 0; }
  const ServerFigures& figures() const { return figures_; }

  void run() {
    lws_sul_schedule(context_, 0, &tick_.sul, &Impl::on_tick, kTick);
    while (!stopping_.load() && lws_service(context_, 0) >= 0) {
    }
  }
  void wake() { lws_cancel_service(context_); }
  void stop() {
    stopping_.store(true);
    wake();
  }

 private:
  struct Connection {
    ConnectionId id = 0;
    lws* wsi = nullptr;
    std::string address, incoming;
    std::deque<Frame> queue;
    std::size_t pending = 0;
    bool reading = true, cut_off = false;
  };
  struct Timer {
    lws_sorted_usec_list_t sul{};
    Impl* server = nullptr;
  };

  static void on_tick(lws_sorted_usec_list_t* sul) {
    Impl* self = reinterpret_cast<Timer*>(sul)->server;
    self->observer_.on_tick();
    lws_sul_schedule(self->context_, 0, sul, &Impl::on_tick, kTick);
  }

  void read(Connection& connection, bool on) {
    if (connection.reading == on || (on && draining_)) return;
    connection.reading = on;
    lws_rx_flow_control(connection.wsi, on ? 1 : 0);
  }
  void cut_off(Connection& connection) {
    connection.cut_off = true;
    ++figures_.slow;
    forget_queue(connection);
    lws_set_timeout(connection.wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
  }
  void forget_queue(Connection& connection) {
    figures_.pending_bytes -= connection.pending;
    connection.pending = 0;
    connection.queue.clear();
  }

  static int callback(lws* wsi, lws_callback_reasons reason, void* user, void* in, size_t length) {
    auto* self = static_cast<Impl*>(lws_context_user(lws_get_context(wsi)));
    if (self == nullptr) return 0;
    auto** slot = static_cast<Connection**>(user);
    switch (reason) {
      case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
        if (!self->closing_down_) self->observer_.on_wake();
        return 0;
      case LWS_CALLBACK_FILTER_NETWORK_CONNECTION:
        return self->draining_ || self->connections_.size() >= self->settings_.connections ? -1 : 0;
      case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return self->admit(wsi);
      case LWS_CALLBACK_ESTABLISHED:
        return self->established(wsi, slot);
      case LWS_CALLBACK_RECEIVE:
        return self->receive(wsi, **slot, static_cast<const char*>(in), length);
      case LWS_CALLBACK_SERVER_WRITEABLE:
        return self->write(wsi, **slot);
      case LWS_CALLBACK_CLOSED:
        if (slot != nullptr && *slot != nullptr) self->closed(slot);
        return 0;
      case LWS_CALLBACK_HTTP:
        return self->get(wsi, static_cast<const char*>(in));
      case LWS_CALLBACK_HTTP_WRITEABLE:
        return self->write_body(wsi);
      case LWS_CALLBACK_HTTP_BODY:
      case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return -1;
      case LWS_CALLBACK_CLOSED_HTTP:
        self->bodies_.erase(wsi);
        return 0;
      default:
        return 0;
    }
  }

  std::string address_of(lws* wsi) const {
    if (settings_.trust_forwarded_for) {
      // The last is what the proxy wrote; what stands before it may be the client's invention.
      std::string last = header(wsi, WSI_TOKEN_X_FORWARDED_FOR);
      last.erase(0, last.rfind(',') + 1);
      std::erase(last, ' ');
      if (!last.empty() && last.size() <= kAddressBytes) return last;
    }
    char text[64] = {};
    lws_get_peer_simple(wsi, text, sizeof text);
    return text;
  }

  int admit(lws* wsi) {
    if (settings_.connections_per_address == 0) return 0;
    const auto found = per_address_.find(address_of(wsi));
    if (found == per_address_.end() || found->second < settings_.connections_per_address) return 0;
    ++figures_.refused;
    return -1;
  }

  int established(lws* wsi, Connection** slot) {
    auto connection = std::make_unique<Connection>();
    connection->id = next_id_++;
    connection->wsi = wsi;
    connection->address = address_of(wsi);
    ++per_address_[connection->address];
    *slot = connection.get();
    const ConnectionId id = connection->id;
    connections_.emplace(id, std::move(connection));
    figures_.connections = connections_.size();
    observer_.on_open(id, (*slot)->address, header(wsi, WSI_TOKEN_HOST));
    return 0;
  }

  void closed(Connection** slot) {
    Connection& connection = **slot;
    *slot = nullptr;
    forget_queue(connection);
    const auto address = per_address_.find(connection.address);
    if (--address->second == 0) per_address_.erase(address);
    const ConnectionId id = connection.id;
    connections_.erase(id);
    figures_.connections = connections_.size();
    if (!closing_down_) observer_.on_closed(id);
  }

  int receive(lws* wsi, Connection& connection, const char* data, size_t length) {
    if (connection.cut_off || draining_) return 0;
    if (connection.incoming.size() + length + lws_remaining_packet_payload(wsi) > settings_.message_bytes) {
      ++figures_.oversize;
      static constexpr std::string_view kWhy = "message too large, see max_message_length";
      unsigned char why[kWhy.size()];
      std::memcpy(why, kWhy.data(), kWhy.size());
      lws_close_reason(wsi, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, why, kWhy.size());
      return -1;
    }
    connection.incoming.append(data, length);
    if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi) != 0) return 0;
    const std::string text = std::exchange(connection.incoming, {});
    // A binary message is none of NIP-01's; the parser says so in its own words.
    observer_.on_message(connection.id,
                         lws_frame_is_binary(wsi) ? std::string_view("\0", 1) : std::string_view(text));
    return 0;
  }

  int write(lws* wsi, Connection& connection) {
    if (connection.queue.empty()) return 0;
    const Frame frame = std::move(connection.queue.front());
    connection.queue.pop_front();
    const std::size_t size = frame.size();
    connection.pending -= size;
    figures_.pending_bytes -= size;
    buffer_.resize(LWS_PRE + size);
    unsigned char* at = buffer_.data() + LWS_PRE;
    std::memcpy(at, frame.head.data(), frame.head.size());
    if (frame.row) {
      std::memcpy(at + frame.head.size(), frame.row->json.data(), frame.row->json.size());
      at[size - 1] = ']';
    }
    if (lws_write(wsi, at, size, LWS_WRITE_TEXT) < 0) return -1;
    if (!connection.queue.empty()) lws_callback_on_writable(wsi);
    if (connection.pending <= kEnoughPending / 2) read(connection, true);
    return 0;
  }

  int get(lws* wsi, const char* path) {
    const bool is_get = lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) > 0;
    const bool is_options = lws_hdr_total_length(wsi, WSI_TOKEN_OPTIONS_URI) > 0;
    const std::string body_length = header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH);
    const bool has_body = (!body_length.empty() && body_length != "0") ||
                          lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0;
    if ((!is_get && !is_options) || has_body || draining_) return -1;
    HttpReply reply = is_options ? HttpReply{.status = 204, .body = ""}
                                 : observer_.on_get(path, header(wsi, WSI_TOKEN_HTTP_ACCEPT));
    unsigned char headers[LWS_PRE + 2048];
    unsigned char* at = headers + LWS_PRE;
    unsigned char* const end = headers + sizeof headers - 1;
    const auto add = [&](const char* name, std::string_view value) {
      return lws_add_http_header_by_name(wsi, reinterpret_cast<const unsigned char*>(name),
                                         reinterpret_cast<const unsigned char*>(value.data()),
                                         static_cast<int>(value.size()), &at, end) == 0;
    };
    if (lws_add_http_common_headers(wsi, static_cast<unsigned>(reply.status), reply.content_type.c_str(),
                                    reply.body.size(), &at, end) != 0 ||
        !add("access-control-allow-origin:", "*") || !add("access-control-allow-headers:", "*") ||
        !add("access-control-allow-methods:", "GET, OPTIONS") ||
        lws_finalize_write_http_header(wsi, headers + LWS_PRE, &at, end) != 0) {
      return -1;
    }
    if (reply.body.empty()) return -1;
    bodies_[wsi] = std::move(reply.body);
    lws_callback_on_writable(wsi);
    return 0;
  }

  int write_body(lws* wsi) {
    const auto found = bodies_.find(wsi);
    if (found == bodies_.end()) return -1;
    const std::string body = std::move(found->second);
    bodies_.erase(found);
    buffer_.resize(LWS_PRE + body.size());
    std::memcpy(buffer_.data() + LWS_PRE, body.data(), body.size());
    lws_write(wsi, buffer_.data() + LWS_PRE, body.size(), LWS_WRITE_HTTP_FINAL);
    return -1;  // one answer a connection; what the socket did not take at once is flushed first
  }

  const Settings& settings_;
  ServerObserver& observer_;
  lws_retry_bo_t idle_{};
  lws_context* context_ = nullptr;
  Timer tick_{.server = this};
  std::unordered_map<ConnectionId, std::unique_ptr<Connection>> connections_;
  std::unordered_map<std::string, std::uint64_t> per_address_;
  std::unordered_map<lws*, std::string> bodies_;
  std::vector<unsigned char> buffer_;
  ServerFigures figures_;
  ConnectionId next_id_ = 1;
  bool draining_ = false, closing_down_ = false;
  std::atomic<bool> stopping_ = false;
};

WebSocketServer::WebSocketServer(const Settings& settings, ServerObserver& observer)
    : impl_(std::make_unique<Impl>(settings, observer)) {}
WebSocketServer::~WebSocketServer() = default;
Result<std::uint16_t> WebSocketServer::open() { return impl_->open(); }
void WebSocketServer::send(ConnectionId connection, Frame frame) {
  impl_->send(connection, std::move(frame));
}
void WebSocketServer::drain() { impl_->drain(); }
bool WebSocketServer::all_sent() const { return impl_->all_sent(); }
const ServerFigures& WebSocketServer::figures() const { return impl_->figures(); }
void WebSocketServer::run() { impl_->run(); }
void WebSocketServer::wake() { impl_->wake(); }
void WebSocketServer::stop() { impl_->stop(); }

}  // namespace manastr::relay::embedded
