#include "bench/http_load.h"

#include <netdb.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstring>
#include <numeric>
#include <optional>

namespace manastr::bench {
namespace {

using Steady = std::chrono::steady_clock;
constexpr int kSilenceMs = 60'000;
constexpr std::size_t kNone = SIZE_MAX;

double thread_cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Connection {
  int fd = -1;
  std::size_t request = kNone;
  std::size_t sent = 0;
  std::string in;
  std::size_t reply_size = 0;  // head and body; 0 while the head is incomplete
  std::size_t head_size = 0;
  bool closing = false;
  bool waits_to_write = false;
};

class Load {
 public:
  Load(const HttpTarget& target, const std::vector<std::string>& requests, const LoadOptions& options)
      : requests_(requests), options_(options) {
    targets_.push_back(target);
    targets_.insert(targets_.end(), options.others.begin(), options.others.end());
  }
  ~Load() {
    for (const Connection& connection : connections_) {
      if (connection.fd >= 0) close(connection.fd);
    }
    for (addrinfo* address : addresses_) freeaddrinfo(address);
    if (epoll_ >= 0) close(epoll_);
    if (timer_ >= 0) close(timer_);
  }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  Result<LoadResult> run() {
    TRY_STATUS(open());
    begun_.resize(requests_.size());
    result_.latency_us.resize(requests_.size());
    result_.status.resize(requests_.size());
    if (options_.keep_every != 0) {
      result_.bodies.resize((requests_.size() + options_.keep_every - 1) / options_.keep_every);
    }
    const double cpu = thread_cpu_seconds();
    start_ = Steady::now();
    TRY_STATUS(loop());
    result_.seconds = std::chrono::duration<double>(Steady::now() - start_).count();
    result_.client_cpu_seconds = thread_cpu_seconds() - cpu;
    return std::move(result_);
  }

 private:
  Status open() {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    for (const HttpTarget& target : targets_) {
      addrinfo* address = nullptr;
      if (const int error = getaddrinfo(target.host.c_str(), target.port.c_str(), &hints, &address);
          error != 0) {
        return invalid("cannot resolve " + target.host + ": " + gai_strerror(error));
      }
      addresses_.push_back(address);
    }
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    timer_ = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = kNone;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, timer_, &event);
    connections_.resize(
        std::clamp<std::size_t>(options_.connections, 1, std::max<std::size_t>(1, requests_.size())));
    for (std::size_t i = 0; i < connections_.size(); ++i) {
      TRY_STATUS(connect(i));
      idle_.push_back(i);
    }
    return {};
  }

  Status connect(std::size_t index) {
    Connection& connection = connections_[index];
    if (connection.fd >= 0) close(connection.fd);
    connection = {};
    const std::size_t server = index % targets_.size();
    for (const addrinfo* at = addresses_[server]; at; at = at->ai_next) {
      connection.fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (::connect(connection.fd, at->ai_addr, at->ai_addrlen) == 0) {
        const int on = 1;
        setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = index;
        epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.fd, &event);
        return {};
      }
      close(std::exchange(connection.fd, -1));
    }
    return unavailable("cannot connect to " + targets_[server].host + ":" + targets_[server].port + ": " +
                       std::strerror(errno));
  }

  Steady::time_point due(std::size_t request) const {
    if (options_.rate <= 0) return start_;
    return start_ + std::chrono::nanoseconds(
                        static_cast<std::int64_t>(1e9 * static_cast<double>(request) / options_.rate));
  }

  Status loop() {
    std::array<epoll_event, 64> events;
    while (answered_ < requests_.size()) {
      TRY_STATUS(send_due());
      const int n = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), kSilenceMs);
      if (n == 0) return unavailable("nothing came back for 60 s");
      for (int i = 0; i < n; ++i) {
        const auto index = static_cast<std::size_t>(events[static_cast<std::size_t>(i)].data.u64);
        if (index == kNone) {
          std::uint64_t expirations;
          [[maybe_unused]] const auto got = read(timer_, &expirations, sizeof expirations);
        } else if (connections_[index].waits_to_write) {
          TRY_STATUS(send_rest(index));
        } else {
          TRY_STATUS(receive(index));
        }
      }
    }
    return {};
  }

  Status send_due() {
    while (next_ < requests_.size() && !idle_.empty()) {
      if (options_.rate > 0) {
        const auto wait = due(next_) - Steady::now();
        if (wait > Steady::duration::zero()) {
          itimerspec spec{};
          const auto at = due(next_).time_since_epoch();
          spec.it_value.tv_sec = std::chrono::floor<std::chrono::seconds>(at).count();
          spec.it_value.tv_nsec = (at % std::chrono::seconds{1}).count();
          timerfd_settime(timer_, TFD_TIMER_ABSTIME, &spec, nullptr);
          return {};
        }
      }
      const std::size_t index = idle_.back();
      idle_.pop_back();
      TRY_STATUS(begin(index, next_++));
    }
    return {};
  }

  Status begin(std::size_t index, std::size_t request) {
    Connection& connection = connections_[index];
    connection.request = request;
    connection.sent = 0;
    begun_[request] = options_.rate > 0 ? due(request) : Steady::now();
    return send_rest(index);
  }

  Status send_rest(std::size_t index) {
    Connection& connection = connections_[index];
    const std::string& bytes = requests_[connection.request];
    while (connection.sent < bytes.size()) {
      const auto n = send(connection.fd, bytes.data() + connection.sent, bytes.size() - connection.sent,
                          MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0 && errno == EAGAIN) {
        watch(index, true);
        return {};
      }
      if (n <= 0) return broke(index);
      connection.sent += static_cast<std::size_t>(n);
    }
    if (connection.waits_to_write) watch(index, false);
    return {};
  }

  void watch(std::size_t index, bool write) {
    connections_[index].waits_to_write = write;
    epoll_event event{};
    event.events = write ? EPOLLOUT : EPOLLIN;
    event.data.u64 = index;
    epoll_ctl(epoll_, EPOLL_CTL_MOD, connections_[index].fd, &event);
  }

  Status receive(std::size_t index) {
    Connection& connection = connections_[index];
    const std::size_t had = connection.in.size();
    const std::size_t room =
        std::max<std::size_t>(16 * 1024, connection.reply_size > had ? connection.reply_size - had : 0);
    connection.in.resize(had + room);
    const auto n = recv(connection.fd, connection.in.data() + had, room, MSG_DONTWAIT);
    connection.in.resize(had + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    if (n < 0 && errno == EAGAIN) return {};
    if (n <= 0) return broke(index);
    if (connection.reply_size == 0) TRY_STATUS(read_head(connection));
    if (connection.reply_size == 0 || connection.in.size() < connection.reply_size) return {};
    return finish(index);
  }

  /// Status and length; that is all the timed part looks at.
  Status read_head(Connection& connection) {
    const auto end = connection.in.find("\r\n\r\n");
    if (end == std::string::npos) return {};
    const std::string_view head(connection.in.data(), end + 2);
    if (head.size() < 14 || !head.starts_with("HTTP/1.1 "))
      return invalid("the server doesn't speak HTTP/1.1");
    std::optional<std::size_t> length;
    for (std::size_t at = head.find("\r\n") + 2; at < head.size(); at = head.find("\r\n", at) + 2) {
      static constexpr std::string_view kLength = "content-length:";
      static constexpr std::string_view kClose = "connection: close";
      if (strncasecmp(head.data() + at, kLength.data(), kLength.size()) == 0) {
        at += kLength.size();
        while (head[at] == ' ') ++at;
        std::from_chars(head.data() + at, head.data() + head.size(), length.emplace());
      } else if (strncasecmp(head.data() + at, kClose.data(), kClose.size()) == 0) {
        connection.closing = true;
      }
    }
    if (!length) return invalid("the server's answers have no Content-Length");
    connection.head_size = end + 4;
    connection.reply_size = connection.head_size + *length;
    return {};
  }

  Status finish(std::size_t index) {
    Connection& connection = connections_[index];
    const auto status = static_cast<std::uint16_t>(std::atoi(connection.in.c_str() + 9));
    const std::size_t request = connection.request;
    if (request == kNone) return invalid("the server answered what nobody asked");
    if (status != 200 && result_.first_error.empty()) {
      result_.first_error = std::to_string(status) + ' ' + connection.in.substr(connection.head_size, 300);
    }
    if (options_.keep_every != 0 && request % options_.keep_every == 0) {
      result_.bodies[request / options_.keep_every] =
          connection.in.substr(connection.head_size, connection.reply_size - connection.head_size);
    }
    note(request, status);
    connection.request = kNone;
    connection.in.clear();
    connection.reply_size = 0;
    if (connection.closing) TRY_STATUS(connect(index));
    return next_one(index);
  }

  /// The connection ended: the request it carried failed, an idle one is opened again.
  Status broke(std::size_t index) {
    const std::size_t request = std::exchange(connections_[index].request, kNone);
    TRY_STATUS(connect(index));
    if (request == kNone) return {};
    if (result_.first_error.empty()) result_.first_error = "the connection broke";
    note(request, 0);
    return next_one(index);
  }

  void note(std::size_t request, std::uint16_t status) {
    const auto took =
        std::chrono::duration_cast<std::chrono::microseconds>(Steady::now() - begun_[request]).count();
    result_.latency_us[request] = static_cast<std::uint32_t>(std::clamp<std::int64_t>(took, 0, UINT32_MAX));
    result_.status[request] = status;
    ++answered_;
  }

  Status next_one(std::size_t index) {
    if (options_.rate <= 0 && next_ < requests_.size()) return begin(index, next_++);
    idle_.push_back(index);
    return {};
  }

  std::vector<HttpTarget> targets_;
  const std::vector<std::string>& requests_;
  const LoadOptions options_;
  std::vector<addrinfo*> addresses_;  // of each target
  int epoll_ = -1;
  int timer_ = -1;
  std::vector<Connection> connections_;
  std::vector<std::size_t> idle_;
  std::vector<Steady::time_point> begun_;
  Steady::time_point start_;
  std::size_t next_ = 0;
  std::size_t answered_ = 0;
  LoadResult result_;
};

}  // namespace

Result<HttpTarget> target_of(std::string_view url) {
  static constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) return invalid("the URL must begin with http://");
  url.remove_prefix(kScheme.size());
  HttpTarget target;
  const auto slash = url.find('/');
  std::string_view authority = url.substr(0, slash);
  if (slash != std::string_view::npos) target.path = url.substr(slash);
  while (target.path.ends_with('/')) target.path.pop_back();
  const auto colon = authority.rfind(':');
  if (colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos) {
    target.port = authority.substr(colon + 1);
    authority = authority.substr(0, colon);
  }
  if (authority.starts_with('[') && authority.ends_with(']'))
    authority = authority.substr(1, authority.size() - 2);
  target.host = authority;
  if (target.host.empty()) return invalid("the URL names no host");
  return target;
}

std::string get_bytes(const HttpTarget& target, std::string_view path) {
  return "GET " + target.path + std::string(path) + " HTTP/1.1\r\nHost: " + target.host + ':' + target.port +
         "\r\n\r\n";
}

std::string post_bytes(const HttpTarget& target, std::string_view path, std::string_view json) {
  std::string out =
      "POST " + target.path + std::string(path) + " HTTP/1.1\r\nHost: " + target.host + ':' + target.port +
      "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(json.size()) + "\r\n\r\n";
  out += json;
  return out;
}

std::size_t LoadResult::succeeded() const {
  return static_cast<std::size_t>(std::ranges::count(status, std::uint16_t{200}));
}

double LoadResult::per_second() const { return seconds > 0 ? static_cast<double>(succeeded()) / seconds : 0; }

double LoadResult::quantile_ms(double q) const {
  if (latency_us.empty()) return 0;
  auto sorted = latency_us;
  const auto at = static_cast<std::ptrdiff_t>(std::ceil(q * static_cast<double>(sorted.size()))) - 1;
  const auto nth = sorted.begin() + std::clamp<std::ptrdiff_t>(at, 0, std::ssize(sorted) - 1);
  std::ranges::nth_element(sorted, nth);
  return *nth / 1000.0;
}

Result<LoadResult> run_load(const HttpTarget& target, const std::vector<std::string>& requests,
                            const LoadOptions& options) {
  return Load(target, requests, options).run();
}

}  // namespace manastr::bench
