// Between the sockets and the callbacks: a bounded inbox per relay, fair turns, parsing and verification on
// all workers, what is known dropped, the rest handed over in order. Owns the thread on which every callback
// of the courier runs.
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

#include "relay-client/courier.h"
#include "relay-client/known_events.h"
#include "relay-client/relay_message.h"
#include "relay-client/verify_workers.h"
#include "relay-client/wish.h"

namespace manastr::relay {

/// A wish with what is known of its answers. Callbacks and `delivered` belong to the intake's thread.
struct Standing {
  explicit Standing(Wish what)
      : wish(std::make_shared<const Wish>(std::move(what))), delivered(kRememberedEvents) {}
  std::shared_ptr<const Wish> wish;
  std::function<void(const nostr::Event&, std::string_view)> on_event;
  std::function<void()> on_caught_up;
  std::function<void(Fetched)> on_done;
  std::vector<nostr::Event> fetched;
  struct Nothing {};
  RecentMap<Nothing> delivered;
  std::atomic<bool> gone = false;
};

class Intake {
 public:
  /// Called on the intake's thread.
  class Observer {
   public:
    virtual ~Observer() = default;
    virtual void on_stored_end(std::size_t relay, std::uint64_t connection, SubscriptionName name,
                               Tally tally) = 0;
    virtual void on_read_back(std::size_t relay, SubscriptionName name, nostr::EventId id) = 0;
    /// The inbox of this relay was full and has room again.
    virtual void on_room(std::size_t relay) = 0;
  };
  struct Figures {
    std::atomic<std::uint64_t> received = 0, duplicates = 0, bad_events = 0, unasked = 0, delivered = 0;
  };

  Intake(std::vector<std::string> urls, std::size_t inbox_messages, std::size_t workers, Observer& observer);
  ~Intake();
  void start();
  /// After it no callback runs. Not from a callback.
  void stop();

  /// An EVENT or EOSE as it came. False: the inbox is full now, don't read this relay until on_room().
  bool push(std::size_t relay, std::uint64_t connection, std::string text);
  /// Runs on the intake's thread, after all that was handed over before.
  void post(std::function<void()> task);

  void add(std::shared_ptr<Standing> standing);
  std::shared_ptr<Standing> remove(std::uint64_t wish);
  std::vector<std::string> seen_on(const nostr::EventId& id) const;
  const Figures& figures() const { return figures_; }

 private:
  struct Arrival {
    std::size_t relay = 0;
    std::uint64_t connection = 0;
    std::string text;
    RelayMessage message;
    std::optional<SubscriptionName> name;
    bool shape = false, verified = false;
  };
  struct Counting {
    std::uint64_t connection = 0;
    std::map<std::uint64_t, Tally> tallies;  // by number of the request
  };

  void run();
  void take(std::vector<Arrival>& batch, std::deque<std::function<void()>>& tasks);
  void process(std::vector<Arrival>& batch);
  void inspect(Arrival& arrival) const;
  void remember(const Arrival& arrival);
  void hand_over(Arrival& arrival);
  void deliver(Standing& standing, Arrival& arrival);
  std::shared_ptr<Standing> find(std::uint64_t wish) const;
  Counting& counting(const Arrival& arrival);

  const std::vector<std::string> urls_;
  const std::size_t capacity_;
  Observer& observer_;
  VerifyWorkers workers_;
  Figures figures_;

  mutable std::mutex mutex_;  // queues
  std::condition_variable work_;
  std::vector<std::deque<Arrival>> inboxes_;
  std::vector<bool> full_;
  std::deque<std::function<void()>> tasks_;
  std::size_t turn_ = 0;
  bool stopping_ = false;

  mutable std::shared_mutex wishes_mutex_;
  std::map<std::uint64_t, std::shared_ptr<Standing>> wishes_;

  mutable std::shared_mutex known_mutex_;  // written by the intake's thread alone, between batches
  RecentMap<Verified> known_{kRememberedEvents};
  std::vector<Counting> counting_;
  std::thread thread_;
};

}  // namespace manastr::relay
