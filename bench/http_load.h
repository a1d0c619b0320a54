// Sends prepared HTTP requests over many connections from one thread and measures: the timed part of
// mint-load and http-bound. As cheap for the machine as can be (epoll, no copy of requests, a glance at
// replies), for it shares the cores with what it measures.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"

namespace manastr::bench {

/// "http://host[:port][/path]", the only scheme: a load test measures no TLS.
struct HttpTarget {
  std::string host;
  std::string port = "80";
  std::string path;  ///< without a slash at the end
};
Result<HttpTarget> target_of(std::string_view url);
/// Requests as bytes. `path` is appended to the target's.
std::string get_bytes(const HttpTarget& target, std::string_view path);
std::string post_bytes(const HttpTarget& target, std::string_view path, std::string_view json);

struct LoadOptions {
  unsigned connections = 32;
  /// Closed loop if 0: each connection sends when it has its answer. Else open loop: so many requests a
  /// second whether or not the answers keep up, and a latency counts from the moment at which its request was
  /// due.
  double rate = 0;
  /// The bodies of replies 0, n, 2n, ... are kept. 0: none.
  std::size_t keep_every = 0;
  /// More servers that may get any of the requests: connections go to each in turn.
  std::vector<HttpTarget> others;
};

struct LoadResult {
  double seconds = 0;                     ///< from the first request to the last answer
  double client_cpu_seconds = 0;          ///< of the load thread
  std::vector<std::uint32_t> latency_us;  ///< by request
  std::vector<std::uint16_t> status;      ///< by request; 0: the connection broke
  std::vector<std::string> bodies;        ///< request i's at i / keep_every
  std::string first_error;                ///< body of the first reply that was no 200

  std::size_t succeeded() const;
  double per_second() const;
  /// 0 to 1; in milliseconds.
  double quantile_ms(double q) const;
};

/// Errors: no connection, an answer that is no HTTP/1.1 with Content-Length, nothing at all for 60 s.
Result<LoadResult> run_load(const HttpTarget& target, const std::vector<std::string>& requests,
                            const LoadOptions& options);

}  // namespace manastr::bench
