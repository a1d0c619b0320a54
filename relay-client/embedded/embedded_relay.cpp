#include "relay-client/embedded/embedded_relay.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <thread>

#include "common/telemetry/health.h"
#include "common/telemetry/log.h"
#include "common/telemetry/metrics.h"
#include "relay-client/embedded/event_file.h"
#include "relay-client/embedded/relay_core.h"
#include "relay-client/embedded/web_socket_server.h"

namespace manastr::relay::embedded {
namespace {

constexpr Millis kDrain{3'000};
constexpr Millis kPurge{1'000};

Status write_port(const std::string& directory, std::uint16_t port) {
  const std::string path = directory + "/port";
  const std::string fresh = path + ".new";
  const int file = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  const std::string text = std::to_string(port) + '\n';
  bool good = file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (file >= 0) good = ::close(file) == 0 && good;
  if (!good || std::rename(fresh.c_str(), path.c_str()) != 0) {
    return broken("can't write " + path + ": " + std::strerror(errno));
  }
  return {};
}

}  // namespace

class EmbeddedRelay::Impl final : ServerObserver {
 public:
  Impl(Settings settings, std::string directory, const Clock& clock, Random& random)
      : settings_(std::move(settings)),
        directory_(std::move(directory)),
        clock_(clock),
        core_(
            settings_, clock, random,
            [this](ConnectionId to, Frame frame) { server_.send(to, std::move(frame)); },
            settings_.sqlite ? persist() : RelayCore::Persist{}),
        server_(settings_, *this) {}

  ~Impl() override {
    if (thread_.joinable()) {
      post([this] {
        server_.drain();
        drain_until_ = clock_.monotonic() + kDrain;
      });
      thread_.join();
      ::unlink((directory_ + "/port").c_str());
    }
    file_.reset();  // its last commit may still call back
  }

  Status start() {
    ::unlink((directory_ + "/port").c_str());  // of a run that was killed
    if (settings_.sqlite) {
      TRY(file_, EventFile::open(
                     directory_, [this](nostr::Event event) { core_.load(std::move(event)); },
                     [this](std::vector<std::uint64_t> numbers, Status status) {
                       post([this, numbers = std::move(numbers), status = std::move(status)] {
                         if (!status)
                           telemetry::log_error("the event file can't be written",
                                                {{"why", status.error().message}});
                         for (const std::uint64_t number : numbers) core_.persisted(number, status);
                       });
                     }));
      file_->remove(std::exchange(removed_at_load_, {}));
    }
    TRY(port_, server_.open());
    listening_ = true;
    expose();
    TRY_STATUS(write_port(directory_, port_));
    thread_ = std::thread([this] { server_.run(); });
    return {};
  }

  std::uint16_t port() const { return port_; }

 private:
  RelayCore::Persist persist() {
    return {.insert = [this](std::uint64_t number, const nostr::EventId& id,
                             std::string json) { file_->insert(number, id, std::move(json)); },
            .remove =
                [this](std::vector<nostr::EventId> ids) {
                  if (file_) {
                    file_->remove(std::move(ids));
                  } else {
                    removed_at_load_.insert(removed_at_load_.end(), ids.begin(), ids.end());
                  }
                }};
  }

  void post(std::function<void()> work) {
    {
      const std::lock_guard lock(mutex_);
      posted_.push_back(std::move(work));
    }
    if (listening_) server_.wake();
  }

  void on_wake() override {
    std::vector<std::function<void()>> work;
    {
      const std::lock_guard lock(mutex_);
      work.swap(posted_);
    }
    for (const auto& each : work) each();
    stop_if_drained();
  }

  void on_tick() override {
    if (clock_.monotonic() >= purge_at_) {
      purge_at_ = clock_.monotonic() + kPurge;
      core_.purge_expired();
    }
    stop_if_drained();
  }

  void stop_if_drained() {
    if (!drain_until_) return;
    if ((!core_.waits_for_file() && server_.all_sent()) || clock_.monotonic() >= *drain_until_)
      server_.stop();
  }

  void on_open(ConnectionId connection, const std::string& address, const std::string& host) override {
    core_.opened(connection, address, host);
  }
  void on_message(ConnectionId connection, std::string_view text) override {
    core_.message(connection, text);
  }
  void on_closed(ConnectionId connection) override { core_.closed(connection); }

  HttpReply on_get(std::string_view path, std::string_view accept) override {
    if (path == "/health") {
      telemetry::HealthStatus worst{};
      std::string body = health_.to_json(&worst);
      return {worst == telemetry::HealthStatus::failed ? 503 : 200, "application/json", std::move(body)};
    }
    if (path == "/metrics") {
      gather();
      return {200, "text/plain; version=0.0.4", metrics_.exposition()};
    }
    if (accept.find("application/nostr+json") != std::string_view::npos) {
      return {200, "application/nostr+json", information(settings_)};
    }
    if (path == "/")
      return {200, "text/plain; charset=utf-8", settings_.name + ": a Nostr relay, speak WebSocket to it\n"};
    return {404, "text/plain; charset=utf-8", "not found\n"};
  }

  void expose() {
    health_.add("file", [this] {
      if (core_.broken())
        return telemetry::Health{telemetry::HealthStatus::failed, "the disk failed: restart the relay"};
      return telemetry::Health{};
    });
    health_.add("room", [this] {
      if (core_.events() < settings_.events) return telemetry::Health{};
      return telemetry::Health{telemetry::HealthStatus::degraded,
                               "the relay is full: raise limits.max_events"};
    });
  }

  // The figures are plain numbers of this thread; they are copied when asked for.
  void gather() {
    const auto set = [&](std::string_view name, std::string_view help, double value) {
      metrics_.gauge(name, help).set(value);
    };
    const CoreFigures& core = core_.figures();
    const ServerFigures& server = server_.figures();
    set("relay_connections", "WebSocket connections now", static_cast<double>(server.connections));
    set("relay_subscriptions", "Subscriptions now", static_cast<double>(core_.subscriptions()));
    set("relay_events", "Events held", static_cast<double>(core_.events()));
    set("relay_events_accepted_total", "Events answered OK true", static_cast<double>(core.accepted));
    set("relay_events_refused_total", "Events answered OK false", static_cast<double>(core.refused));
    set("relay_requests_total", "REQ and COUNT answered", static_cast<double>(core.requests));
    set("relay_live_deliveries_total", "Events sent to standing subscriptions",
        static_cast<double>(core.delivered));
    set("relay_notices_total", "Messages answered by a NOTICE", static_cast<double>(core.notices));
    set("relay_pending_bytes", "Queued for clients that have not read it",
        static_cast<double>(server.pending_bytes));
    set("relay_slow_clients_total", "Clients cut off because they did not read",
        static_cast<double>(server.slow));
    set("relay_oversize_total", "Connections closed for a message too large",
        static_cast<double>(server.oversize));
  }

  const Settings settings_;
  const std::string directory_;
  const Clock& clock_;
  RelayCore core_;
  WebSocketServer server_;
  std::unique_ptr<EventFile> file_;
  std::vector<nostr::EventId> removed_at_load_;
  telemetry::Metrics metrics_;
  telemetry::HealthRegistry health_;
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
  std::optional<Monotonic> drain_until_;
  Monotonic purge_at_{};
  std::atomic<bool> listening_ = false;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

Result<std::unique_ptr<EmbeddedRelay>> EmbeddedRelay::start(Settings settings, const std::string& directory,
                                                            const Clock& clock, Random& random) {
  auto impl = std::make_unique<Impl>(std::move(settings), directory, clock, random);
  TRY_STATUS(impl->start());
  return std::unique_ptr<EmbeddedRelay>(new EmbeddedRelay(std::move(impl)));
}

EmbeddedRelay::EmbeddedRelay(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EmbeddedRelay::~EmbeddedRelay() = default;
std::uint16_t EmbeddedRelay::port() const { return impl_->port(); }

}  // namespace manastr::relay::embedded
