#include "tests/integration/scripted_relay.h"

#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

#include "common/json/reader.h"
#include "relay-client/embedded/web_socket_server.h"

namespace manastr::test {

using namespace relay::embedded;

class ScriptedRelay::Impl final : ServerObserver {
 public:
  Impl(Script script, std::string document, std::function<void(const Say&)> opened)
      : script_(std::move(script)),
        document_(std::move(document)),
        opened_(std::move(opened)),
        server_(settings_, *this) {
    const auto port = server_.open();
    if (!port) throw std::runtime_error(port.error().message);
    port_ = *port;
    thread_ = std::thread([this] { server_.run(); });
  }
  ~Impl() override {
    server_.stop();
    thread_.join();
  }

  void say_to_all(std::string text) {
    {
      const std::lock_guard lock(mutex_);
      posted_.push_back(std::move(text));
    }
    server_.wake();
  }
  std::vector<std::string> heard() const {
    const std::lock_guard lock(mutex_);
    return heard_;
  }
  std::uint16_t port() const { return port_; }

 private:
  Say say_to(ConnectionId connection) {
    return [this, connection](std::string text) { server_.send(connection, {std::move(text), nullptr}); };
  }
  void on_open(ConnectionId connection, const std::string&, const std::string&) override {
    clients_.insert(connection);
    if (opened_) opened_(say_to(connection));
  }
  void on_message(ConnectionId connection, std::string_view text) override {
    {
      const std::lock_guard lock(mutex_);
      heard_.emplace_back(text);
    }
    script_(text, say_to(connection));
  }
  void on_closed(ConnectionId connection) override { clients_.erase(connection); }
  HttpReply on_get(std::string_view, std::string_view) override {
    return {200, "application/nostr+json", document_};
  }
  void on_tick() override {}
  void on_wake() override {
    std::vector<std::string> posted;
    {
      const std::lock_guard lock(mutex_);
      posted.swap(posted_);
    }
    for (const std::string& text : posted) {
      for (const ConnectionId client : clients_) server_.send(client, {text, nullptr});
    }
  }

  Script script_;
  std::string document_;
  std::function<void(const Say&)> opened_;
  Settings settings_ = [] {
    Settings out;
    out.port = 0;
    return out;
  }();
  WebSocketServer server_;
  std::uint16_t port_ = 0;
  std::set<ConnectionId> clients_;
  mutable std::mutex mutex_;
  std::vector<std::string> posted_, heard_;
  std::thread thread_;
};

ScriptedRelay::ScriptedRelay(Script script, std::string document, std::function<void(const Say&)> on_open)
    : impl_(std::make_unique<Impl>(std::move(script), std::move(document), std::move(on_open))) {}
ScriptedRelay::~ScriptedRelay() = default;
std::string ScriptedRelay::url() const { return "ws://127.0.0.1:" + std::to_string(impl_->port()); }
void ScriptedRelay::say_to_all(std::string text) { impl_->say_to_all(std::move(text)); }
std::vector<std::string> ScriptedRelay::heard() const { return impl_->heard(); }
bool ScriptedRelay::has_heard(std::string_view part) const {
  for (const std::string& each : impl_->heard()) {
    if (each.find(part) != std::string::npos) return true;
  }
  return false;
}

std::string requested(std::string_view message, std::string_view verb) {
  const auto value = json::parse(message);
  const json::Array* items = value ? value->if_array() : nullptr;
  if (items == nullptr || items->size() < 2) return {};
  const std::string* name = (*items)[0].if_string();
  const std::string* subscription = (*items)[1].if_string();
  return name != nullptr && *name == verb && subscription != nullptr ? *subscription : "";
}

}  // namespace manastr::test
