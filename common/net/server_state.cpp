#include "common/net/server_state.h"

#include <algorithm>

namespace manastr::net {
namespace {

/// Connections beyond the limit that still get a 503 instead of a closed door.
constexpr std::size_t kRefusalPlaces = 64;

}  // namespace

ServerState::ServerState(ServerOptions given, Router given_router)
    : options(std::move(given)), router(std::move(given_router)), cors(options.cors_origins) {
  if (!options.metrics) return;
  auto patterns = router.patterns();
  patterns.insert(patterns.begin(), "none");
  for (const std::string_view pattern : patterns) {
    RouteFigures& figures = figures_.emplace_back();
    for (int i = 2; i <= 5; ++i) {
      figures.by_class[i] =
          &options.metrics->counter("http_requests_total", "Requests answered, by route and class of status.",
                                    {{"route", std::string(pattern)}, {"status", std::to_string(i) + "xx"}});
    }
    figures.seconds = &options.metrics->histogram(
        "http_request_seconds", "From the last byte of a request to its answer, by route.",
        telemetry::duration_bounds(), {{"route", std::string(pattern)}});
  }
}

ServerState::Admission ServerState::enter(const std::string& peer) {
  if (connections_ >= options.max_connections + kRefusalPlaces) return Admission::cut;
  Admission admission = connections_ >= options.max_connections ? Admission::too_many : Admission::welcome;
  if (options.max_connections_per_ip != 0) {
    const std::lock_guard lock(mutex_);
    std::size_t& here = by_address_[peer];
    if (here >= options.max_connections_per_ip + kRefusalPlaces) return Admission::cut;
    if (here >= options.max_connections_per_ip) admission = Admission::too_many_of_address;
    ++here;
  }
  ++connections_;
  if (options.metrics)
    options.metrics->gauge("http_connections", "Open connections, WebSockets included.").add(1);
  return admission;
}

void ServerState::leave(const std::string& peer) {
  if (options.metrics)
    options.metrics->gauge("http_connections", "Open connections, WebSockets included.").add(-1);
  const std::lock_guard lock(mutex_);
  if (options.max_connections_per_ip != 0) {
    const auto found = by_address_.find(peer);
    if (found != by_address_.end() && --found->second == 0) by_address_.erase(found);
  }
  if (--connections_ == 0) empty_.notify_all();
}

bool ServerState::wait_until_empty(Monotonic until) {
  std::unique_lock lock(mutex_);
  return empty_.wait_until(lock, until, [&] { return connections_ == 0; });
}

void ServerState::count(std::size_t route, int status, Monotonic begun) {
  if (figures_.empty()) return;
  const RouteFigures& figures = figures_[route];
  if (auto* counter = figures.by_class[std::clamp(status / 100, 2, 5)]) counter->add();
  figures.seconds->observe(std::chrono::duration<double>(now() - begun).count());
}

}  // namespace manastr::net
