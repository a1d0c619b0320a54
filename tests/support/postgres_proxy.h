// Between a program under test and a PostgreSQL server's socket: passes everything on, and can be told to
// lose the next COMMIT, on its way there or its answer on the way back, together with the connection.
#pragma once
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/support/temporary_folder.h"

namespace manastr::test {

class PostgresProxy {
 public:
  enum class Loss { nothing, request, answer };

  /// To the server whose socket is in `folder`.
  explicit PostgresProxy(const std::string& folder) : server_(folder + "/.s.PGSQL.5432") {
    listener_ = ::socket(AF_UNIX, SOCK_STREAM, 0);
    const sockaddr_un at = address(folder_.path(".s.PGSQL.5432"));
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 ||
        ::listen(listener_, 16) != 0)
      throw std::runtime_error("no socket");
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~PostgresProxy() {
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    for (std::thread& each : relays_) each.join();
    ::close(listener_);
  }
  /// For host= of a URL.
  std::string folder() const { return folder_.path(); }
  /// Of the next COMMIT, once.
  void lose(Loss what) { loss_ = what; }
  bool lost() const { return loss_ == Loss::nothing; }

 private:
  static sockaddr_un address(const std::string& path) {
    sockaddr_un out{};
    out.sun_family = AF_UNIX;
    path.copy(out.sun_path, sizeof out.sun_path - 1);
    return out;
  }
  void accept_all() {
    for (;;) {
      const int client = ::accept(listener_, nullptr, nullptr);
      if (client < 0) return;
      relays_.emplace_back([this, client] { relay(client); });
    }
  }
  void relay(int client) {
    const int server = ::socket(AF_UNIX, SOCK_STREAM, 0);
    const sockaddr_un at = address(server_);
    bool open = ::connect(server, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
    bool swallows = false;  // the answer
    while (open && !stopping_) {
      std::array<pollfd, 2> both{pollfd{client, POLLIN, 0}, pollfd{server, POLLIN, 0}};
      if (::poll(both.data(), 2, 20) <= 0) continue;
      std::array<char, 65536> bytes;
      if (both[0].revents != 0) {
        const ssize_t n = ::read(client, bytes.data(), bytes.size());
        const std::string_view sent(bytes.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
        Loss armed = loss_;
        // The name of the statement in its Bind message.
        if (armed != Loss::nothing &&
            sent.find(std::string_view("\0commit\0", 8)) != std::string_view::npos &&
            loss_.compare_exchange_strong(armed, Loss::nothing)) {
          if (armed == Loss::request) break;
          swallows = true;
        }
        open = n > 0 && ::write(server, bytes.data(), static_cast<std::size_t>(n)) == n;
      } else if (both[1].revents != 0) {
        const ssize_t n = ::read(server, bytes.data(), bytes.size());
        open = n > 0 && !swallows && ::write(client, bytes.data(), static_cast<std::size_t>(n)) == n;
      }
    }
    ::close(client);
    ::close(server);
  }

  const TemporaryFolder folder_;
  const std::string server_;
  int listener_ = -1;
  std::atomic<Loss> loss_ = Loss::nothing;
  std::atomic<bool> stopping_ = false;
  std::vector<std::thread> relays_;
  std::thread acceptor_;
};

}  // namespace manastr::test
