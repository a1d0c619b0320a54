// Several relays in memory, and couriers that lead to them: relay-client/courier.h without sockets. What a
// relay may do to messages, it does here, by seed: delay, reorder, repeat, drop with the connection, replace,
// delete, withhold, send again what is old. A courier keeps the promises of courier.h: it reconnects, repeats
// what was not accepted and fetches what it missed.
#pragma once
#include <map>
#include <memory>
#include <set>

#include "relay-client/courier.h"
#include "tests/simulation/seeded_random.h"
#include "tests/simulation/timeline.h"

namespace manastr::simulation {

/// Which of two addressable events of one address stays.
enum class Replacement { first_wins, last_wins, lower_id_wins };

struct RelayHabits {
  std::string url;
  Replacement replacement = Replacement::lower_id_wins;
  bool deletes = true;     ///< honours NIP-09
  unsigned withholds = 0;  ///< percent of events that it accepts and shows to nobody
  unsigned repeats = 0;    ///< percent of deliveries that come twice
  unsigned replays = 0;    ///< percent of deliveries that are followed by an old event
  unsigned breaks = 0;     ///< percent of messages that break their connection instead
  Millis fastest{5};
  Millis slowest{400};         ///< of one message
  Millis longest_break{3000};  ///< until the courier is connected again
};

class RelayNetwork;

class Relay {
 public:
  Relay(RelayHabits habits, std::uint64_t seed)
      : habits_(std::move(habits)), random_(seed, "relay " + habits_.url) {}
  const RelayHabits& habits() const { return habits_; }
  SeededRandom& random() { return random_; }
  bool is_up() const { return is_up_; }
  /// True if the event is new and to be shown to subscribers.
  bool take(const nostr::Event& event);
  std::vector<nostr::Event> find(const std::vector<nostr::Filter>& filters) const;
  const std::vector<nostr::Event>& stored() const { return stored_; }

 private:
  friend class RelayNetwork;
  void erase(const nostr::EventId& id);
  void remove_deleted(const nostr::Event& deletion);
  bool withheld(const nostr::Event& event) const;

  RelayHabits habits_;
  SeededRandom random_;
  bool is_up_ = true;
  std::vector<nostr::Event> stored_;
  std::set<nostr::EventId> ids_;
  std::set<nostr::EventId> deleted_;
};

class SimulatedCourier;

class RelayNetwork {
 public:
  RelayNetwork(Timeline& timeline, std::vector<RelayHabits> habits, std::uint64_t seed);

  /// `name` gives the courier's own randomness. It is disconnected when the last reference goes.
  std::shared_ptr<SimulatedCourier> connect(const std::string& name, std::size_t quorum);
  /// The relay's process is gone for a while; what it stored stays.
  void stop(std::size_t relay, Millis pause);
  std::vector<Relay>& relays() { return relays_; }
  Timeline& timeline() { return timeline_; }
  /// From now on nothing is lost, and every relay runs.
  void calm();
  /// Every event that any relay ever took, in the order of taking: what an observer could have seen.
  const std::vector<nostr::Event>& seen() const { return seen_; }

 private:
  friend class SimulatedCourier;
  /// The relay takes an event from a courier and shows it around.
  void arrive(std::size_t relay, const nostr::Event& event);

  Timeline& timeline_;
  const std::uint64_t seed_;
  std::vector<Relay> relays_;
  std::vector<std::weak_ptr<SimulatedCourier>> couriers_;
  std::vector<nostr::Event> seen_;
  std::set<nostr::EventId> seen_ids_;
};

class SimulatedCourier final : public relay::Courier, public std::enable_shared_from_this<SimulatedCourier> {
 public:
  SimulatedCourier(RelayNetwork& network, const std::string& name, std::size_t quorum);

  relay::SubscriptionId subscribe(relay::Subscription subscription) override;
  void unsubscribe(relay::SubscriptionId id) override { subscriptions_.erase(id); }
  Status publish(relay::Publication publication) override;
  void withdraw(const nostr::EventId& id) override { outbox_.erase(id); }
  void fetch(relay::Fetch request) override;
  std::vector<std::string> seen_on(const nostr::EventId& id) const override;
  relay::CourierStatus status() const override;
  void on_status(std::function<void(const relay::CourierStatus&)> observer) override;

  /// Publishes to one relay alone, once: what an adversary does. Nothing is promised.
  void whisper(std::size_t relay, const nostr::Event& event);
  /// True if every relay has accepted everything that was published.
  bool is_idle() const;

 private:
  friend class RelayNetwork;
  struct Link {
    bool up = true;
    unsigned epoch = 0;  ///< counts connections: a message of an older one is lost
  };
  struct Wish {
    relay::Subscription subscription;
    std::set<nostr::EventId> handed_over;
    std::set<std::size_t> caught_up;
    bool told = false;
  };
  struct Parcel {
    relay::Publication publication;
    std::vector<bool> accepted;
  };

  /// After a message's time, unless the connection broke meanwhile. The message itself may break it.
  void over(std::size_t relay, std::function<void()> what);
  void break_link(std::size_t relay, Millis pause);
  void reconnect(std::size_t relay, unsigned epoch);
  void request(std::size_t relay, relay::SubscriptionId id);
  void send(std::size_t relay, const nostr::EventId& id);
  void accepted(std::size_t relay, const nostr::EventId& id);
  void show(std::size_t relay, const nostr::Event& event);
  void hand_over(std::size_t relay, relay::SubscriptionId id, const nostr::Event& event, bool again);
  void tell_status();

  RelayNetwork& network_;
  SeededRandom random_;
  const std::size_t quorum_;
  std::vector<Link> links_;
  std::map<relay::SubscriptionId, Wish> subscriptions_;
  relay::SubscriptionId next_subscription_ = 1;
  std::map<nostr::EventId, Parcel> outbox_;
  std::map<nostr::EventId, std::set<std::size_t>> seen_on_;
  std::function<void(const relay::CourierStatus&)> observer_;
};

}  // namespace manastr::simulation
