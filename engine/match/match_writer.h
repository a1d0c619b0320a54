// One thread that owns a share of the matches: it alone changes them. Inputs come in through its inbox, one
// at a time go through the lifecycle, and leave as steps for the journal; what they set off happens after
// their commit. No work here grows with the number of matches, save when relays are lost or regained.
#pragma once
#include <deque>
#include <queue>
#include <thread>
#include <unordered_map>

#include "common/base/inbox.h"
#include "engine/match/parts.h"
#include "engine/match/replay.h"
#include "engine/match/step.h"

namespace manastr::engine {

class MatchWriters;

class MatchWriter {
 public:
  struct PartyEvent {
    UnixMillis received{};
    nostr::Event event;
  };
  struct MintAnswer {
    match::MatchId match{};
    match::Input input;
  };
  /// The creator deleted or replaced its challenge.
  struct Withdrawal {
    match::MatchId match{};
    nostr::Event evidence;
  };
  /// A 31006 under our own key that is not of our chain.
  struct Foreign {
    match::MatchId match{};
    nostr::Event event;
  };
  struct RelaysChanged {
    bool lost = false;
  };
  /// The engine was not there since then: the clocks get that time back.
  struct Restart {
    UnixMillis down_since{};
  };
  using Message = std::variant<PartyEvent, MintAnswer, Withdrawal, Foreign, RelaysChanged, Restart>;

  MatchWriter(const MatchParts& parts, MatchWriters& all);
  ~MatchWriter();

  /// Before start().
  void take_up(RestoredMatch match);
  void start();
  /// Works off what is queued, then ends the thread.
  void stop();

  /// Waits while the inbox is full.
  void push(Message message) { inbox_.push(std::move(message)); }
  /// For answers to what this thread asked; never waits.
  void push_reply(Message message) { inbox_.push_reply(std::move(message)); }
  std::size_t queued() const { return inbox_.size(); }

 private:
  struct Entry {
    match::Match match;
    std::uint64_t steps = 0;
    std::unordered_set<nostr::EventId, UniformBytesHash> events;
    std::optional<UnixMillis> timer;
    UnixMillis last_at{};
    bool in_play = false;
    std::optional<Monotonic> claimed_at;
  };
  using Matches = std::unordered_map<match::MatchId, Entry, UniformBytesHash>;

  void run();
  void handle(PartyEvent& message);
  void handle(MintAnswer& message);
  void handle(Withdrawal& message);
  void handle(Foreign& message);
  void handle(RelaysChanged& message);
  void handle(Restart& message);
  void open(const PartyEvent& message);
  void hold(PartyEvent message);
  void release_held(const match::MatchId& match);
  void begin_turn();
  void fire_timers(UnixMillis now);
  Monotonic next_wake() const;

  /// Gives the input its time, reduces it and sends the step on its way. True if the match is still there.
  bool step(Matches::iterator entry, match::Input input);
  void submit(Entry& entry, Step step);
  void forget(Matches::iterator entry);
  void count_phase(Entry& entry, bool gone);
  void set_timer(const match::MatchId& match, Entry& entry, std::optional<UnixMillis> at);
  void reject(const match::MatchId& match, const nostr::Event& event, std::string reason);

  const MatchParts parts_;
  MatchWriters& all_;
  Inbox<Message> inbox_;
  Matches matches_;
  using Timer = std::pair<UnixMillis, match::MatchId>;
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;  // stale ones are skipped
  /// Events of matches whose 31000 has not come yet.
  std::deque<PartyEvent> held_;
  std::unordered_map<match::MatchId, std::size_t, UniformBytesHash> held_of_;
  struct Turn {
    UnixMillis at{};
    Monotonic monotonic{};
  };
  Turn turn_;
  UnixMillis worked_off_{};  // all that arrived until then was handled, and the timers of before fired
  bool relays_lost_ = false;
  std::thread thread_;
};

/// All writers; a match belongs to one of them by its id.
class MatchWriters {
 public:
  MatchWriters(const MatchParts& parts, std::size_t threads);
  MatchWriter& of(const match::MatchId& match) {
    return *writers_[UniformBytesHash{}(match) % writers_.size()];
  }
  void to_all(const MatchWriter::Message& message) {
    for (auto& each : writers_) each->push(message);
  }
  void start() {
    for (auto& each : writers_) each->start();
  }
  void stop() {
    for (auto& each : writers_) each->stop();
  }
  std::size_t queued() const;

 private:
  std::vector<std::unique_ptr<MatchWriter>> writers_;
};

}  // namespace manastr::engine
