// The connection to one relay as the pool keeps it up: dialled, pinged, paused when it says too much, dialled
// again with backoff. Lives on the thread of the socket loop; what was heard goes to the intake or to the
// session.
#pragma once
#include <atomic>
#include <functional>
#include <optional>
#include <string>

#include "common/resilience/backoff.h"
#include "common/resilience/rate_limiter.h"
#include "relay-client/intake.h"
#include "relay-client/relay_pool.h"
#include "relay-client/resolver.h"
#include "relay-client/session.h"
#include "relay-client/socket_loop.h"

namespace manastr::relay {

/// What the links of a pool share; outlives them.
struct LinkSurroundings {
  const PoolOptions& options;
  const Clock& clock;
  Random& random;
  SocketLoop& loop;
  Resolver& resolver;
  Intake& intake;
  /// Runs work on the loop's thread, from any thread.
  std::function<void(std::function<void()>)> command;
  std::atomic<std::uint64_t> paused = 0, reconnects = 0, gaps_repaired = 0;
};

class RelayLink {
 public:
  RelayLink(LinkSurroundings& around, std::size_t index, RelayUrl url);

  Session& session() { return session_; }
  const Session& session() const { return session_; }
  bool is_open() const { return state_ == State::open; }
  std::uint64_t connection() const { return connection_; }
  /// The last trouble of connection or session, a sentence.
  const std::string& trouble() const { return trouble_; }
  /// Takes over what the session has to say of itself.
  void note_trouble();

  /// Timeouts, pings, and the next attempt if `may_dial`.
  void tick(bool may_dial);
  void opened();
  void closed(std::string reason);
  void message(std::string text);
  void pong();
  /// The relay's NIP-11 document, if it has one.
  void document(const std::optional<std::string>& body);
  /// The intake has room again.
  void room();
  std::optional<std::string> next_message();
  void write_what_is_due();

 private:
  enum class State { resting, resolving, connecting, open };
  void dial();
  void resolved(const std::vector<std::string>& addresses);
  void tick_open(Moment now);
  void heard();
  void apply_pause();
  bool events_allowed() const;
  Moment now() const { return {around_.clock.monotonic(), around_.clock.now_seconds()}; }
  const std::string& name() const { return around_.options.urls[index_]; }

  LinkSurroundings& around_;
  const std::size_t index_;
  const RelayUrl url_;
  Session session_;
  resilience::Backoff backoff_;
  resilience::RateLimiter bucket_;
  State state_ = State::resting;
  Monotonic due_{};  // next attempt, or when the one under way has failed
  std::uint64_t connection_ = 0;
  std::size_t attempts_ = 0;
  Monotonic opened_at_{}, heard_at_{}, pinged_at_{};
  UnixSeconds heard_wall_{};
  bool ping_unanswered_ = false, inbox_full_ = false, paused_ = false;
  std::optional<Monotonic> bucket_empty_until_;
  std::optional<Monotonic> limits_at_;
  bool limits_pending_ = false;
  std::uint64_t gaps_noted_ = 0;
  std::string trouble_, close_reason_;
};

}  // namespace manastr::relay
