// The engine's calls to mints: asynchronous, bounded in number, repeated until answered. Called by the
// journal thread after the commit of the step that asked; answers go to the match writers as inputs. What is
// under way when the process dies is asked again after the restart (the calls are idempotent).
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "common/base/random.h"
#include "common/match/lifecycle.h"
#include "engine/settlement/mint_book.h"
#include "engine/settlement/settlement.h"
#include "engine/settlement/stake_reservations.h"

namespace manastr::telemetry {
class Histogram;
class Counter;
class Metrics;
}  // namespace manastr::telemetry

namespace manastr::engine {

/// Idempotency keys of the two calls.
std::string states_key(const match::MatchId& match, unsigned request);
std::string settle_key(const match::MatchId& match, const Hash32& operation);

class MintCalls {
 public:
  struct Options {
    std::size_t in_flight = 64;
    unsigned retry_attempts = 3;  ///< so many quick repetitions before an operator is told
    Millis first_wait{200};
    Millis longest_wait{30'000};
  };
  /// From any thread; must not wait.
  using Answer = std::function<void(const match::MatchId&, match::Input)>;

  MintCalls(Options options, MintBook& mints, StakeReservations& reservations, const Clock& clock,
            Random& random, telemetry::Metrics& metrics, Answer answer);
  ~MintCalls();

  /// Never wait. A second one of the same match and request, or operation, is left out while the first is
  /// under way.
  void ask(const match::MatchId& match, match::AskStates question);
  void settle(match::Settle order);

  /// Gives up what is waiting; answers under way are dropped. Called before the transport ends.
  void stop();
  /// Calls not answered yet.
  std::size_t open() const;
  /// Of the last call of all: whether the mint answered.
  bool reachable() const { return reachable_; }

 private:
  struct Call;
  void add(std::shared_ptr<Call> call);
  void run();
  void launch(const std::shared_ptr<Call>& call);
  void finish(const std::shared_ptr<Call>& call, Result<match::Input> result);

  const Options options_;
  MintBook& mints_;
  StakeReservations& reservations_;
  const Clock& clock_;
  Random& random_;
  const Answer answer_;
  telemetry::Histogram& seconds_;
  telemetry::Counter& repeated_;
  std::atomic<bool> reachable_{true};

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::map<std::string, std::shared_ptr<Call>> calls_;  // by key, waiting or under way
  std::deque<std::shared_ptr<Call>> ready_;
  std::multimap<Monotonic, std::shared_ptr<Call>> later_;
  std::size_t in_flight_ = 0;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace manastr::engine
