// What the relay says to what it hears, connection by connection: NIP-01, 09, 11, 40, 42, 45, 70. No sockets
// and no files: the server hands in messages and takes out frames, so that tests and simulations can drive
// it. One thread.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/base/clock.h"
#include "common/base/random.h"
#include "common/resilience/rate_limiter.h"
#include "relay-client/embedded/client_message.h"
#include "relay-client/embedded/event_store.h"
#include "relay-client/embedded/live_filters.h"
#include "relay-client/embedded/settings.h"

namespace manastr::relay::embedded {

/// One message out: head + the event's JSON (shared by all who get it) + "]", or the head alone.
struct Frame {
  std::string head;
  Row row;
  std::size_t size() const { return head.size() + (row ? row->json.size() + 1 : 0); }
};

struct CoreFigures {
  std::uint64_t accepted = 0, refused = 0, requests = 0, delivered = 0, notices = 0;
};

class RelayCore {
 public:
  using Send = std::function<void(ConnectionId, Frame)>;
  /// Asked to make an event durable; persisted(number) follows. Empty: events are taken into memory at once.
  struct Persist {
    std::function<void(std::uint64_t number, const nostr::EventId& id, std::string json)> insert;
    std::function<void(std::vector<nostr::EventId>)> remove;
  };
  RelayCore(Settings settings, const Clock& clock, Random& random, Send send, Persist persist = {});

  /// An event from the file, at start.
  void load(nostr::Event event);

  /// `host`: the Host header, what the client believes it is talking to (NIP-42).
  void opened(ConnectionId connection, std::string address, std::string host);
  void message(ConnectionId connection, std::string_view text);
  void closed(ConnectionId connection);
  void persisted(std::uint64_t number, const Status& status);
  void purge_expired();

  bool waits_for_file() const { return !waiting_.empty(); }
  bool broken() const { return broken_; }
  std::size_t events() const { return store_.size(); }
  std::size_t subscriptions() const { return live_.size(); }
  std::size_t connections() const { return clients_.size(); }
  const CoreFigures& figures() const { return figures_; }

 private:
  struct Client {
    std::string address, host, challenge;
    bool challenged = false;
    std::vector<crypto::XOnlyKey> authenticated;
    std::uint64_t filter_values = 0;
    std::unordered_map<std::string, std::uint64_t> values_of;  // by subscription
  };
  struct Waiting {
    ConnectionId connection;
    nostr::Event event;
  };

  void on_event(ConnectionId id, Client& client, nostr::Event event);
  void on_request(ConnectionId id, Client& client, ClientMessage message);
  void on_count(ConnectionId id, Client& client, const ClientMessage& message);
  void on_close(ConnectionId id, Client& client, const std::string& subscription);
  void on_auth(ConnectionId id, Client& client, const nostr::Event& event);
  void unusable(ConnectionId id, const Unusable& wrong);
  /// Why the event is not taken, before any of its crypto; "" if it is.
  std::string objection(ConnectionId id, Client& client, const nostr::Event& event);
  void take_in(ConnectionId connection, nostr::Event event);
  void challenge(ConnectionId id, Client& client);
  void reply_ok(ConnectionId id, const nostr::EventId& event, bool accepted, std::string_view text);
  void reply_closed(ConnectionId id, std::string_view subscription, std::string_view text);
  void notice(ConnectionId id, std::string_view text);
  void broadcast(const Row& row);

  const Settings settings_;
  const Clock& clock_;
  Random& random_;
  Send send_;
  Persist persist_;
  EventStore store_;
  LiveFilters live_;
  std::unordered_map<ConnectionId, Client> clients_;
  std::unordered_map<std::uint64_t, Waiting> waiting_;
  std::uint64_t next_number_ = 1;
  std::unique_ptr<resilience::RateLimiter> messages_, events_;
  CoreFigures figures_;
  bool broken_ = false;
};

/// The NIP-11 document.
std::string information(const Settings& settings);

}  // namespace manastr::relay::embedded
