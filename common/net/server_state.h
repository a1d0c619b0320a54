// What the I/O threads of one server share, and how other threads reach them. Inside common/net only.
#pragma once
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>  // before Boost.Asio 1.74, which forgets it
#include <vector>

#include "common/net/response_head.h"
#include "common/net/server.h"
#include "common/telemetry/metrics.h"

namespace manastr::net {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
/// With the executor's own type: half the cost per operation of the type-erased one.
using Socket = asio::basic_stream_socket<Tcp, asio::io_context::executor_type>;
using ErrorCode = boost::system::error_code;

inline Monotonic now() { return std::chrono::steady_clock::now(); }

/// The way into an I/O thread for handles that may outlive it (responders, WebSockets).
class Gate {
 public:
  explicit Gate(asio::io_context& context) : context_(&context) {}
  /// Runs `task` on the I/O thread later; drops it if the server has ended.
  template <class Task>
  void post(Task task) {
    const std::lock_guard lock(mutex_);
    if (context_) asio::post(*context_, std::move(task));
  }
  void shut() {
    const std::lock_guard lock(mutex_);
    context_ = nullptr;
  }
  void enter() { thread_ = std::this_thread::get_id(); }
  bool inside() const { return thread_.load(std::memory_order_relaxed) == std::this_thread::get_id(); }

 private:
  std::mutex mutex_;
  asio::io_context* context_;
  std::atomic<std::thread::id> thread_{};
};

class ServerState {
 public:
  ServerState(ServerOptions given, Router given_router);

  const ServerOptions options;
  const Router router;
  const CorsPolicy cors;
  std::atomic<bool> draining = false;

  enum class Admission { welcome, too_many, too_many_of_address, cut };
  /// Counts a connection in, unless `cut`; every other outcome is ended by leave().
  Admission enter(const std::string& peer);
  void leave(const std::string& peer);
  std::size_t connections() const { return connections_; }
  /// True once no connection is left.
  bool wait_until_empty(Monotonic until);

  void count(std::size_t route, int status, Monotonic begun);

 private:
  struct RouteFigures {
    telemetry::Counter* by_class[6] = {};
    telemetry::Histogram* seconds = nullptr;
  };
  std::vector<RouteFigures> figures_;  // by Router::Match::index
  std::atomic<std::size_t> connections_ = 0;
  std::mutex mutex_;
  std::condition_variable empty_;
  std::unordered_map<std::string, std::size_t> by_address_;  // only with a limit per address
};

/// Being counted among the server's connections; moves with the socket from HTTP to WebSocket.
class Place {
 public:
  Place(ServerState& state, std::string peer) : state_(&state), peer_(std::move(peer)) {}
  Place(Place&& other) noexcept
      : state_(std::exchange(other.state_, nullptr)), peer_(std::move(other.peer_)) {}
  Place& operator=(Place&& other) noexcept {
    leave();
    state_ = std::exchange(other.state_, nullptr);
    peer_ = std::move(other.peer_);
    return *this;
  }
  ~Place() { leave(); }
  void leave() {
    if (state_) std::exchange(state_, nullptr)->leave(peer_);
  }
  const std::string& peer() const { return peer_; }

 private:
  ServerState* state_;
  std::string peer_;
};

}  // namespace manastr::net
