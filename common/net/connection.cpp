#include "common/net/connection.h"

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <cstring>

#include "common/net/websocket_session.h"
#include "common/telemetry/log.h"

namespace manastr::net {
namespace {

namespace http = boost::beast::http;

constexpr std::size_t kFirstBuffer = 4 * 1024;
constexpr std::size_t kMostLingered = 4 << 20;
constexpr Millis kLinger{2'000};
/// Requests of one connection answered in a row before others have their turn.
constexpr int kTurns = 16;

bool has_token(std::string_view list, std::string_view token) {
  return http::token_list{boost::beast::string_view(list.data(), list.size())}.exists(
      {token.data(), token.size()});
}

Response refusal_of(const boost::system::error_code& error, const ServerOptions& options) {
  if (error == http::error::body_limit) {
    return Response::error(
        413, "The body is too long; send at most " + std::to_string(options.max_body_bytes) + " bytes.");
  }
  if (error == http::error::header_limit) {
    return Response::error(431, "The headers are too long; send at most " +
                                    std::to_string(options.max_header_bytes) + " bytes.");
  }
  return Response::error(400, "This is not an HTTP/1.1 request: " + error.message() + ".");
}

}  // namespace

void Connection::Port::answer(std::uint64_t request, Response response) {
  if (gate->inside()) {
    if (connection) connection->answered(request, std::move(response));
    return;
  }
  gate->post([self = shared_from_this(), request, response = std::move(response)]() mutable {
    if (self->connection) self->connection->answered(request, std::move(response));
  });
}

Connection::Connection(IoThread& thread, Socket socket, std::string peer, ServerState::Admission admission)
    : thread_(thread),
      socket_(std::move(socket)),
      place_(thread.server, std::move(peer)),
      port_(std::make_shared<Port>()),
      admission_(admission) {
  port_->gate = thread.gate;
  port_->connection = this;
}

Connection::~Connection() { port_->connection = nullptr; }

void Connection::start() {
  ErrorCode ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(Tcp::no_delay(true), ignored);
  in_.resize(std::min(kFirstBuffer, thread_.server.options.max_header_bytes));
  await_request();
  deadline_ = now() + thread_.server.options.header_timeout;
  advance();
}

void Connection::await_request() {
  state_ = State::reading;
  parser_.emplace(place_.peer());
  parser_->body_limit(thread_.server.options.max_body_bytes);
  parser_->header_limit(static_cast<std::uint32_t>(thread_.server.options.max_header_bytes));
  begun_ = head_accepted_ = head_only_ = false;
  keep_alive_ = true;
  head_bytes_ = 0;
  route_ = 0;
  deadline_ = now() + thread_.server.options.idle_timeout;
}

void Connection::advance() {
  // A handler that answers at once comes back here from inside dispatch(); the loop below goes on with it.
  if (advancing_) return;
  advancing_ = true;
  for (int turn = 0; state_ != State::closed;) {
    if (state_ == State::reading) {
      if (!parse()) {
        read_some();
        break;
      }
      if (state_ == State::reading) dispatch();
    } else if (state_ == State::writing) {
      if (!write_some()) break;
      finish_answer();
      if (state_ == State::reading && ++turn == kTurns) {
        asio::post(thread_.context, [self = shared_from_this()] { self->advance(); });
        break;
      }
    } else {
      break;
    }
  }
  advancing_ = false;
}

bool Connection::parse() {
  const ServerOptions& options = thread_.server.options;
  while (in_begin_ < in_end_) {
    if (!begun_) {
      begun_ = true;
      deadline_ = now() + options.header_timeout;
    }
    ErrorCode error;
    parser_->eager(head_accepted_);
    if (!parser_->enough(in_end_ - in_begin_)) return false;
    const std::size_t taken = parser_->put(asio::buffer(in_.data() + in_begin_, in_end_ - in_begin_), error);
    in_begin_ += taken;
    if (!head_accepted_) head_bytes_ += taken;
    if (error && error != http::error::need_more) {
      origin_ = parser_->request().header("Origin");
      refuse(refusal_of(error, options));
      return true;
    }
    if (!head_accepted_ && parser_->is_header_done()) {
      head_accepted_ = true;
      if (!accept_head()) return true;
    }
    if (parser_->is_done()) return true;
    if (error == http::error::need_more) {
      const std::size_t rest = in_end_ - in_begin_;
      if ((!head_accepted_ && head_bytes_ + rest >= options.max_header_bytes) ||
          rest >= options.max_header_bytes) {
        refuse(refusal_of(http::make_error_code(http::error::header_limit), options));
        return true;
      }
      return false;
    }
  }
  return false;
}

bool Connection::accept_head() {
  const ServerOptions& options = thread_.server.options;
  const Request& request = parser_->request();
  origin_ = request.header("Origin");
  head_only_ = request.method() == Method::head;
  keep_alive_ = parser_->keep_alive() && parser_->version() == 11;
  deadline_ = now() + options.body_timeout;
  if (!options.trusted_proxies.empty()) {
    parser_->comes_from(
        client_address(place_.peer(), request.headers("X-Forwarded-For"), options.trusted_proxies));
  }
  if (admission_ == ServerState::Admission::too_many) {
    refuse(Response::busy(Millis{5'000}, "The server has as many connections as it takes; try again later."));
  } else if (admission_ == ServerState::Admission::too_many_of_address) {
    refuse(Response::busy(Millis{5'000}, "Too many connections from your address; close some first.", 429));
  } else if (parser_->version() == 11 && !request.has_header("Host")) {
    refuse(Response::error(400, "HTTP/1.1 needs a Host header."));
  } else if (parser_->strange_transfer_encoding()) {
    refuse(Response::error(501, "Of the transfer encodings only chunked is understood."));
  } else if (const auto expect = request.header("Expect");
             !expect.empty() && !boost::beast::iequals({expect.data(), expect.size()}, "100-continue")) {
    refuse(Response::error(417, "Of the expectations only 100-continue is understood."));
  } else if (const auto wait = options.admit ? options.admit(request) : std::nullopt) {
    refuse(Response::busy(*wait, "Too many requests; wait as long as Retry-After says.", 429));
  } else {
    if (!expect.empty() && !parser_->is_done() && in_begin_ == in_end_) {
      // Into an empty socket buffer, so it fits; if not, the client sends its body after a while anyway.
      static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      ErrorCode ignored;
      socket_.write_some(asio::buffer(kContinue.data(), kContinue.size()), ignored);
    }
    return true;
  }
  return false;
}

void Connection::dispatch() {
  state_ = State::answering;
  ++request_number_;
  request_time_ = now();
  Request request = std::move(parser_->request());
  const Router::Match match = thread_.server.router.match(request);
  route_ = match.index;
  if (match.websocket && has_token(request.header("Upgrade"), "websocket") &&
      has_token(request.header("Connection"), "upgrade")) {
    if (match.admit == nullptr) return upgrade(request, *match.websocket);
    upgrade_.emplace(request, match.websocket);
    (*match.admit)(std::move(request), Responder(port_, request_number_));
    return;
  }
  if (match.handler) {
    (*match.handler)(std::move(request), Responder(port_, request_number_));
    return;
  }
  if (request.method() == Method::options) {
    Response response{204, ContentType::json, "", {}};
    const std::string methods = match.allowed.empty() ? "GET, HEAD, POST, OPTIONS" : match.allowed;
    response.headers.emplace_back("Allow", methods);
    thread_.server.cors.append_preflight(response.headers, methods,
                                         request.header("Access-Control-Request-Headers"));
    begin_answer(std::move(response));
    return;
  }
  const bool get = request.method() == Method::get || request.method() == Method::head;
  if (match.websocket && get) {
    Response response = Response::error(426, "This address speaks WebSocket; ask for an upgrade.");
    response.headers.emplace_back("Upgrade", "websocket");
    begin_answer(std::move(response));
  } else if (match.allowed.empty()) {
    begin_answer(Response::error(404, "There is nothing at this path."));
  } else {
    Response response = Response::error(405, "This path takes " + match.allowed + ".");
    response.headers.emplace_back("Allow", match.allowed);
    begin_answer(std::move(response));
  }
}

void Connection::upgrade(const Request& request, const WebSocketHandler& handler) {
  if (in_begin_ != in_end_ || !request.body().empty() || request.header("Sec-WebSocket-Version") != "13" ||
      request.header("Sec-WebSocket-Key").empty()) {
    refuse(Response::error(400, "The upgrade is not one of RFC 6455, version 13."));
    return;
  }
  const auto session = std::make_shared<WebSocketSession>(thread_, std::move(place_));
  auto events = handler(request, WebSocket(session->handle()));
  if (!events) {
    place_ = session->give_back_place();
    begin_answer(Response::error(400, events.error().message, events.error().code));
    return;
  }
  thread_.server.count(route_, 200, request_time_);
  port_->connection = nullptr;
  state_ = State::closed;
  session->start(std::move(socket_), request, *std::move(events));
  thread_.keep(session);
  thread_.release(*this);
}

void Connection::answered(std::uint64_t request, Response response) {
  if (state_ != State::answering || request != request_number_) return;
  const auto self = shared_from_this();  // writing may find the client gone and close
  if (const auto pending = std::exchange(upgrade_, std::nullopt); pending && response.status / 100 == 2) {
    upgrade(pending->request, *pending->handler);
    if (state_ != State::closed) advance();
    return;
  }
  begin_answer(std::move(response));
  advance();
}

void Connection::refuse(Response response) {
  keep_alive_ = false;
  refused_ = true;
  request_time_ = now();
  begin_answer(std::move(response));
}

void Connection::begin_answer(Response response) {
  if (thread_.server.draining) keep_alive_ = false;
  thread_.server.count(route_, response.status, request_time_);
  head_.clear();
  append_head(head_, response, thread_.server.cors, {keep_alive_, origin_, thread_.date()});
  body_ = head_only_ || !has_body(response.status) ? std::string() : std::move(response.body);
  written_ = 0;
  state_ = State::writing;
  deadline_ = now() + thread_.server.options.write_timeout;
}

bool Connection::write_some() {
  while (written_ < head_.size() + body_.size()) {
    const std::size_t of_head = std::min(written_, head_.size());
    const std::size_t of_body = written_ - of_head;
    const std::array<asio::const_buffer, 2> rest{
        asio::buffer(head_.data() + of_head, head_.size() - of_head),
        asio::buffer(body_.data() + of_body, body_.size() - of_body)};
    ErrorCode error;
    written_ += socket_.write_some(rest, error);
    if (!error) continue;
    if (error != asio::error::would_block) {
      close();
      return false;
    }
    socket_.async_wait(Socket::wait_write, [self = shared_from_this()](ErrorCode failed) {
      if (failed) return self->close();
      self->advance();
    });
    return false;
  }
  return true;
}

void Connection::finish_answer() {
  if (keep_alive_) {
    if (in_begin_ == in_end_) in_begin_ = in_end_ = 0;
    await_request();
    if (thread_.server.draining && in_end_ == 0) close();
  } else {
    linger();
  }
}

void Connection::read_some() {
  if (read_pending_) return;
  if (in_begin_ == in_end_) {
    in_begin_ = in_end_ = 0;
  } else if (in_end_ == in_.size()) {
    if (in_begin_ != 0) {
      std::memmove(in_.data(), in_.data() + in_begin_, in_end_ - in_begin_);
      in_end_ -= in_begin_;
      in_begin_ = 0;
    } else {
      in_.resize(std::min(in_.size() * 2, std::max(thread_.server.options.max_header_bytes, kFirstBuffer)));
    }
  }
  read_pending_ = true;
  socket_.async_read_some(asio::buffer(in_.data() + in_end_, in_.size() - in_end_),
                          [self = shared_from_this()](ErrorCode error, std::size_t size) {
                            self->read_pending_ = false;
                            if (self->state_ == State::closed) return;
                            if (error) return self->close();
                            if (self->state_ == State::lingering) {
                              self->lingered_ += size;
                              return self->linger();
                            }
                            self->in_end_ += size;
                            self->advance();
                          });
}

void Connection::linger() {
  // Closing with unread input would reset the connection, and the client might never see the answer.
  if (state_ != State::lingering) {
    ErrorCode unknown;
    if (!refused_ && in_begin_ == in_end_ && socket_.available(unknown) == 0) return close();
    state_ = State::lingering;
    deadline_ = now() + kLinger;
    ErrorCode ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
  }
  if (lingered_ > kMostLingered) return close();
  in_begin_ = in_end_ = 0;
  read_some();
}

void Connection::sweep(Monotonic time) {
  if (time < deadline_ || state_ == State::answering) return;
  if (state_ != State::reading || !begun_) return close();
  origin_ = parser_->request().header("Origin");
  refuse(Response::error(408, "The request took too long to arrive."));
  advance();
}

void Connection::drain() {
  if (state_ == State::reading && !begun_) close();
}

void Connection::close() {
  if (state_ == State::closed) return;
  state_ = State::closed;
  port_->connection = nullptr;
  ErrorCode ignored;
  socket_.close(ignored);
  place_.leave();
  thread_.release(*this);
}

}  // namespace manastr::net
