#include "relay-client/socket_loop.h"

#include <libwebsockets.h>

#include <atomic>
#include <charconv>
#include <cstring>
#include <mutex>
#include <vector>

namespace manastr::relay {
namespace {

constexpr lws_usec_t kTick = 50'000;
constexpr std::size_t kDocumentBytes = 64 * 1024;

// No validity checks by the library: the pool pings, and knows when it does not read.
const lws_retry_bo_t kNoIdlePolicy{};

lws_context_creation_info no_listener() {
  lws_context_creation_info info{};
  info.port = CONTEXT_PORT_NO_LISTEN;
  info.gid = static_cast<gid_t>(-1);
  info.uid = static_cast<uid_t>(-1);
  return info;
}

/// Asks libwebsockets 4.1 for its global initialisation of OpenSSL once in the life of the process. Each
/// further one takes new places for what the library keeps with OpenSSL's objects, and what other contexts
/// have in the old places is lost: their handshakes under way fail, their certificates are never freed.
bool initialize_tls() {
  static std::mutex mutex;
  static bool done = false;
  const std::lock_guard lock(mutex);
  if (done) return true;
  lws_context_creation_info info = no_listener();
  info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
  lws_context* context = lws_create_context(&info);
  if (context == nullptr) return false;
  lws_context_destroy(context);
  return done = true;
}

}  // namespace

Result<RelayUrl> parse_relay_url(std::string_view url) {
  const auto bad = [&](std::string_view why) {
    return invalid("relay URL '" + std::string(url.substr(0, 100)) + "': " + std::string(why));
  };
  if (url.size() > 512) return bad("longer than 512 bytes");
  for (const char c : url) {
    if (c <= ' ' || c > '~') return bad("holds a character that no URL holds");
  }
  RelayUrl out;
  std::string_view rest = url;
  if (rest.starts_with("ws://")) {
    rest.remove_prefix(5);
  } else if (rest.starts_with("wss://")) {
    rest.remove_prefix(6);
    out.tls = true;
  } else {
    return bad("expected ws:// or wss://");
  }
  if (rest.find('#') != std::string_view::npos) return bad("a fragment has no place here");
  const std::size_t slash = std::min(rest.find_first_of("/?"), rest.size());
  std::string_view authority = rest.substr(0, slash);
  out.path = std::string(rest.substr(slash));
  if (out.path.empty() || out.path[0] != '/') out.path.insert(0, 1, '/');
  if (authority.find('@') != std::string_view::npos) return bad("a user name has no place here");
  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return bad("the bracket is not closed");
    out.host = std::string(authority.substr(1, end - 1));
    port = authority.substr(end + 1);
  } else {
    const std::size_t colon = std::min(authority.find(':'), authority.size());
    out.host = std::string(authority.substr(0, colon));
    port = authority.substr(colon);
  }
  if (out.host.empty()) return bad("the host is missing");
  out.port = out.tls ? 443 : 80;
  if (!port.empty()) {
    unsigned value = 0;
    const char* end = port.data() + port.size();
    const auto parsed = std::from_chars(port.data() + 1, end, value);
    if (port[0] != ':' || parsed.ec != std::errc{} || parsed.ptr != end || value < 1 || value > 65535) {
      return bad("the port is not a number from 1 to 65535");
    }
    out.port = static_cast<std::uint16_t>(value);
  }
  return out;
}

class SocketLoop::Impl {
 public:
  Impl(std::size_t links, std::size_t message_bytes, SocketObserver& observer)
      : observer_(observer), message_bytes_(message_bytes), slots_(links), ends_(links * 2) {
    for (std::size_t i = 0; i < links; ++i) {
      ends_[2 * i] = {this, i, false};
      ends_[2 * i + 1] = {this, i, true};
    }
  }

  ~Impl() {
    closing_down_ = true;
    if (context_ != nullptr) lws_context_destroy(context_);
  }

  Status open() {
    lws_set_log_level(0, nullptr);
    static const lws_protocols kProtocols[] = {
        {.name = "relay",
         .callback = &Impl::callback,
         .per_session_data_size = 0,
         .rx_buffer_size = 16384,
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
    lws_context_creation_info info = no_listener();
    info.protocols = kProtocols;
    info.user = this;
    info.fd_limit_per_thread = static_cast<unsigned>(slots_.size() * 4 + 16);
    info.retry_and_idle_policy = &kNoIdlePolicy;
    if (initialize_tls()) context_ = lws_create_context(&info);
    if (context_ == nullptr)
      return broken("libwebsockets could not start: too few file descriptors or no memory");
    info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;  // here: with TLS
    if (lws_init_vhost_client_ssl(&info, lws_get_vhost_by_name(context_, "default")) != 0)
      return broken("libwebsockets could not set up TLS: no memory");
    return {};
  }

  void connect(std::size_t link, const RelayUrl& url, const std::string& address) {
    Slot& slot = slots_[link];
    slot.attempting = true;
    slot.incoming.clear();
    slot.oversize = false;
    slot.ping_due = false;
    if (!dial(url, address, &ends_[2 * link], &slot.socket, nullptr)) closed(link, "could not dial");
  }

  void get(std::size_t link, const RelayUrl& url, const std::string& address) {
    Slot& slot = slots_[link];
    slot.getting = true;
    slot.document.clear();
    if (!dial(url, address, &ends_[2 * link + 1], &slot.http, "GET")) documented(link, false);
  }

  void close(std::size_t link) {
    // Never from within: the library destroys the socket in its own time and calls back.
    if (slots_[link].socket != nullptr)
      lws_set_timeout(slots_[link].socket, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
  }
  void want_write(std::size_t link) {
    if (slots_[link].open) lws_callback_on_writable(slots_[link].socket);
  }
  void send_ping(std::size_t link) {
    slots_[link].ping_due = true;
    want_write(link);
  }
  void pause(std::size_t link, bool paused) {
    if (slots_[link].open) lws_rx_flow_control(slots_[link].socket, paused ? 0 : 1);
  }

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
  struct Slot {
    lws* socket = nullptr;
    lws* http = nullptr;
    bool attempting = false, open = false, getting = false, ping_due = false, oversize = false;
    std::string incoming, document;
  };
  // What a socket's opaque pointer points at.
  struct End {
    Impl* loop = nullptr;
    std::size_t link = 0;
    bool http = false;
  };
  struct Timer {
    lws_sorted_usec_list_t sul{};
    Impl* loop = nullptr;
  };

  bool dial(const RelayUrl& url, const std::string& address, End* end, lws** out, const char* method) {
    lws_client_connect_info info{};
    const bool plain = url.port == (url.tls ? 443 : 80);
    const std::string name = url.host.find(':') == std::string::npos ? url.host : '[' + url.host + ']';
    // For TLS the host is what the certificate must name, so it goes without the port.
    const std::string host = plain || url.tls ? name : name + ':' + std::to_string(url.port);
    info.context = context_;
    info.address = address.c_str();
    info.port = url.port;
    info.path = url.path.c_str();
    info.host = host.c_str();
    info.ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT | (url.tls ? LCCSCF_USE_SSL : 0);
    info.method = method;
    info.alpn = "http/1.1";
    info.local_protocol_name = "relay";
    info.ietf_version_or_minus_one = -1;
    info.opaque_user_data = end;
    info.retry_and_idle_policy = &kNoIdlePolicy;
    info.pwsi = out;
    return lws_client_connect_via_info(&info) != nullptr;
  }

  void closed(std::size_t link, std::string reason) {
    Slot& slot = slots_[link];
    slot.socket = nullptr;
    slot.open = false;
    if (!std::exchange(slot.attempting, false) || closing_down_) return;
    if (slot.oversize)
      reason = "the relay sent a message of more than " + std::to_string(message_bytes_) + " bytes";
    observer_.on_closed(link, std::move(reason));
  }

  void documented(std::size_t link, bool complete) {
    Slot& slot = slots_[link];
    if (!std::exchange(slot.getting, false) || closing_down_) return;
    observer_.on_document(link, complete ? std::optional(std::move(slot.document)) : std::nullopt);
  }

  static void on_tick(lws_sorted_usec_list_t* sul) {
    Impl* self = reinterpret_cast<Timer*>(sul)->loop;
    self->observer_.on_tick();
    lws_sul_schedule(self->context_, 0, sul, &Impl::on_tick, kTick);
  }

  static int callback(lws* wsi, lws_callback_reasons reason, void*, void* in, size_t length) {
    if (reason == LWS_CALLBACK_EVENT_WAIT_CANCELLED) {
      auto* self = static_cast<Impl*>(lws_context_user(lws_get_context(wsi)));
      if (!self->closing_down_) self->observer_.on_wake();
      return 0;
    }
    auto* end = wsi == nullptr ? nullptr : static_cast<End*>(lws_get_opaque_user_data(wsi));
    if (end == nullptr) return 0;
    return end->http ? end->loop->on_http(wsi, end->link, reason, in, length)
                     : end->loop->on_socket(wsi, end->link, reason, in, length);
  }

  int on_socket(lws* wsi, std::size_t link, lws_callback_reasons reason, void* in, size_t length) {
    Slot& slot = slots_[link];
    switch (reason) {
      case LWS_CALLBACK_CLIENT_ESTABLISHED:
        slot.socket = wsi;
        slot.open = true;
        observer_.on_open(link);
        return 0;
      case LWS_CALLBACK_CLIENT_RECEIVE:
        return receive(wsi, link, static_cast<const char*>(in), length);
      case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
        observer_.on_pong(link);
        return 0;
      case LWS_CALLBACK_CLIENT_WRITEABLE:
        return write(wsi, link);
      case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        closed(link, why_not_connected(in != nullptr ? std::string_view(static_cast<const char*>(in), length)
                                                     : ""));
        return 0;
      case LWS_CALLBACK_CLIENT_CLOSED:
      case LWS_CALLBACK_WSI_DESTROY:
        closed(link, "the connection was closed");
        return 0;
      default:
        return 0;
    }
  }

  /// The library's words, but for those that say nothing.
  static std::string why_not_connected(std::string_view said) {
    if (said.empty()) return "could not connect";
    const std::string in_brackets = " (" + std::string(said) + ')';
    if (said.find("SSL") != std::string_view::npos) {
      return "TLS failed: no TLS is spoken there (then it is ws://), or the certificate is not trusted here, "
             "names another host or has expired" +
             in_brackets;
    }
    if (said.starts_with("HS:")) return "there is an HTTP server, but no relay" + in_brackets;
    if (said.find("read failed") != std::string_view::npos)
      return "the connection ended before any answer: no relay, or one that wants wss://" + in_brackets;
    return std::string(said);
  }

  int receive(lws* wsi, std::size_t link, const char* data, std::size_t length) {
    Slot& slot = slots_[link];
    if (slot.incoming.size() + length + lws_remaining_packet_payload(wsi) > message_bytes_) {
      slot.oversize = true;
      return -1;
    }
    slot.incoming.append(data, length);
    if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi) != 0) return 0;
    if (lws_frame_is_binary(wsi)) {
      slot.incoming.clear();
      return 0;
    }
    observer_.on_message(link, std::exchange(slot.incoming, {}));
    return 0;
  }

  int write(lws* wsi, std::size_t link) {
    Slot& slot = slots_[link];
    if (std::exchange(slot.ping_due, false)) {
      unsigned char frame[LWS_PRE + 4] = {};
      if (lws_write(wsi, frame + LWS_PRE, 4, LWS_WRITE_PING) < 0) return -1;
      lws_callback_on_writable(wsi);
      return 0;
    }
    const auto message = observer_.next_message(link);
    if (!message) return 0;
    buffer_.resize(LWS_PRE + message->size());
    std::memcpy(buffer_.data() + LWS_PRE, message->data(), message->size());
    if (lws_write(wsi, buffer_.data() + LWS_PRE, message->size(), LWS_WRITE_TEXT) < 0) return -1;
    lws_callback_on_writable(wsi);
    return 0;
  }

  int on_http(lws* wsi, std::size_t link, lws_callback_reasons reason, void* in, size_t length) {
    Slot& slot = slots_[link];
    switch (reason) {
      case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER: {
        auto** at = static_cast<unsigned char**>(in);
        static constexpr std::string_view kAccept = "application/nostr+json";
        return lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_ACCEPT,
                                            reinterpret_cast<const unsigned char*>(kAccept.data()),
                                            static_cast<int>(kAccept.size()), at, *at + length)
                   ? -1
                   : 0;
      }
      case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP:
        return lws_http_client_http_response(wsi) == 200 ? 0 : -1;
      case LWS_CALLBACK_RECEIVE_CLIENT_HTTP: {
        char chunk[LWS_PRE + 4096];
        char* at = chunk + LWS_PRE;
        int room = 4096;
        return lws_http_client_read(wsi, &at, &room) < 0 ? -1 : 0;
      }
      case LWS_CALLBACK_RECEIVE_CLIENT_HTTP_READ:
        if (slot.document.size() + length > kDocumentBytes) return -1;
        slot.document.append(static_cast<const char*>(in), length);
        return 0;
      case LWS_CALLBACK_COMPLETED_CLIENT_HTTP:
        documented(link, true);
        return -1;
      case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
      case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
      case LWS_CALLBACK_WSI_DESTROY:
        slot.http = nullptr;
        documented(link, false);
        return 0;
      default:
        return 0;
    }
  }

  SocketObserver& observer_;
  const std::size_t message_bytes_;
  std::vector<Slot> slots_;
  std::vector<End> ends_;
  std::vector<unsigned char> buffer_;
  Timer tick_{.loop = this};
  lws_context* context_ = nullptr;
  std::atomic<bool> stopping_ = false;
  bool closing_down_ = false;
};

SocketLoop::SocketLoop(std::size_t links, std::size_t message_bytes, SocketObserver& observer)
    : impl_(std::make_unique<Impl>(links, message_bytes, observer)) {}
SocketLoop::~SocketLoop() = default;
Status SocketLoop::open() { return impl_->open(); }
void SocketLoop::connect(std::size_t link, const RelayUrl& url, const std::string& address) {
  impl_->connect(link, url, address);
}
void SocketLoop::close(std::size_t link) { impl_->close(link); }
void SocketLoop::want_write(std::size_t link) { impl_->want_write(link); }
void SocketLoop::send_ping(std::size_t link) { impl_->send_ping(link); }
void SocketLoop::pause(std::size_t link, bool paused) { impl_->pause(link, paused); }
void SocketLoop::get(std::size_t link, const RelayUrl& url, const std::string& address) {
  impl_->get(link, url, address);
}
void SocketLoop::run() { impl_->run(); }
void SocketLoop::wake() { impl_->wake(); }
void SocketLoop::stop() { impl_->stop(); }

}  // namespace manastr::relay
