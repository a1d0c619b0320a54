#include "common/net/server.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <cerrno>
#include <cstring>

#include "common/net/io_thread.h"
#include "common/telemetry/log.h"

namespace manastr::net {
namespace {

constexpr Millis kAcceptPause{100};

std::string host_and_port(const Tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  return (endpoint.address().is_v6() ? '[' + host + ']' : host) + ':' + std::to_string(endpoint.port());
}

std::unexpected<Error> cannot_listen(const Tcp::endpoint& endpoint, const ErrorCode& error) {
  std::string why = error.message();
  if (error == asio::error::address_in_use) {
    why = "the port is in use; stop the program that holds it or choose another port";
  } else if (error == asio::error::access_denied) {
    why = "no permission; ports below 1024 need root or CAP_NET_BIND_SERVICE, or choose a higher one";
  } else if (error.value() == EADDRNOTAVAIL) {
    why = "this machine has no such address; use one of its own, 127.0.0.1 or 0.0.0.0";
  }
  return std::unexpected(
      Error{ErrorKind::invalid, 0, "cannot listen on " + host_and_port(endpoint) + ": " + why});
}

/// An IPv4 client of an IPv6 socket is the same client as on IPv4.
std::string address_of(const Socket& socket) {
  ErrorCode error;
  const auto address = socket.remote_endpoint(error).address();
  if (error) return "unknown";
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  }
  return address.to_string();
}

}  // namespace

struct Server::Impl {
  Impl(ServerOptions options, Router router) : state(std::move(options), std::move(router)) {
    const unsigned n = std::clamp(state.options.io_threads, 1u, 64u);
    for (unsigned i = 0; i < n; ++i) threads.push_back(std::make_unique<IoThread>(state));
    acceptor.emplace(threads.front()->context);
    pause.emplace(threads.front()->context);
  }

  Status listen() {
    ErrorCode error;
    const auto address = asio::ip::make_address(state.options.address, error);
    if (error) {
      return invalid("cannot listen on \"" + state.options.address +
                     "\": give a numeric address such as 127.0.0.1, 0.0.0.0 or ::");
    }
    const Tcp::endpoint wanted(address, state.options.port);
    acceptor->open(wanted.protocol(), error);
    if (!error) acceptor->set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor->bind(wanted, error);
    if (!error) acceptor->listen(1024, error);
    if (!error) endpoint = acceptor->local_endpoint(error);
    if (error) return cannot_listen(wanted, error);
    return {};
  }

  void accept() {
    IoThread& thread = *threads[next++ % threads.size()];
    acceptor->async_accept(thread.context, [this, &thread](ErrorCode error, Socket socket) {
      if (state.draining || error == asio::error::operation_aborted) return;
      if (error) {
        telemetry::log_warn("A connection could not be accepted.", {{"error", error.message()}});
        pause->expires_after(kAcceptPause);  // out of descriptors: some must be closed first
        return pause->async_wait([this](ErrorCode failed) {
          if (!failed) accept();
        });
      }
      welcome(thread, std::move(socket));
      accept();
    });
  }

  void welcome(IoThread& thread, Socket socket) {
    std::string peer = address_of(socket);
    const auto admission = state.enter(peer);
    if (admission == ServerState::Admission::cut) return;
    if (thread.gate->inside()) return thread.adopt(std::move(socket), std::move(peer), admission);
    thread.gate->post([&thread, socket = std::move(socket), peer = std::move(peer), admission]() mutable {
      thread.adopt(std::move(socket), std::move(peer), admission);
    });
  }

  bool drain(Millis limit) {
    if (stopped) return true;
    const Monotonic until = now() + limit;
    state.draining = true;
    threads.front()->gate->post([this] {
      ErrorCode ignored;
      acceptor->close(ignored);
      pause->cancel();
      // Connections accepted just before are on their way to their threads in front of this.
      for (auto& thread : threads) thread->drain();
    });
    const bool all_gone = state.wait_until_empty(until);
    if (!all_gone) {
      for (auto& thread : threads) thread->cut();
      state.wait_until_empty(now() + Millis{1'000});
    }
    for (auto& thread : threads) thread->stop();
    stopped = true;
    return all_gone;
  }

  ServerState state;
  std::vector<std::unique_ptr<IoThread>> threads;
  std::optional<asio::basic_socket_acceptor<Tcp, asio::io_context::executor_type>> acceptor;
  std::optional<asio::steady_timer> pause;
  Tcp::endpoint endpoint;
  std::size_t next = 0;
  bool stopped = false;
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() { drain(Millis{0}); }

Result<std::unique_ptr<Server>> Server::start(ServerOptions options, Router router) {
  auto impl = std::make_unique<Impl>(std::move(options), std::move(router));
  TRY_STATUS(impl->listen());
  impl->accept();
  for (auto& thread : impl->threads) thread->start();
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

std::uint16_t Server::port() const { return impl_->endpoint.port(); }
std::string Server::url() const { return "http://" + host_and_port(impl_->endpoint); }
std::size_t Server::connections() const { return impl_->state.connections(); }
bool Server::drain(Millis limit) { return impl_->drain(limit); }

}  // namespace manastr::net
