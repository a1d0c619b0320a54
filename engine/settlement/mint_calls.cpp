#include "engine/settlement/mint_calls.h"

#include "common/base/failpoint.h"
#include "common/resilience/backoff.h"
#include "common/telemetry/log.h"
#include "common/telemetry/metrics.h"

namespace manastr::engine {

struct MintCalls::Call {
  std::string key;
  match::MatchId match{};
  std::variant<match::AskStates, match::Settle> what;
  resilience::Backoff backoff;
  unsigned attempts = 0;
  Monotonic begun{};

  const std::string& mint() const {
    return std::visit([](const auto& each) -> const std::string& { return each.mint; }, what);
  }
};

namespace {

match::ProofState to_match(mintclient::ProofState state) {
  switch (state) {
    case mintclient::ProofState::unspent:
      return match::ProofState::unspent;
    case mintclient::ProofState::pending:
      return match::ProofState::pending;
    case mintclient::ProofState::spent:
      break;
  }
  return match::ProofState::spent;
}

/// A refusal that another claim could mend. One without a code (no such path, not authorized) and one by a
/// limit (11006) are the operator's to mend: the same claim is sent again until it is settled, and costs the
/// claimant no attempt.
bool blames_the_claim(int code) { return code != 0 && code != cashu::kAmountOutsideLimit; }

}  // namespace

std::string states_key(const match::MatchId& match, unsigned request) {
  return to_hex(match) + ":states:" + std::to_string(request);
}

std::string settle_key(const match::MatchId& match, const Hash32& operation) {
  return to_hex(match) + ":settle:" + to_hex(operation);
}

MintCalls::MintCalls(Options options, MintBook& mints, StakeReservations& reservations, const Clock& clock,
                     Random& random, telemetry::Metrics& metrics, Answer answer)
    : options_(options),
      mints_(mints),
      reservations_(reservations),
      clock_(clock),
      random_(random),
      answer_(std::move(answer)),
      seconds_(metrics.histogram("engine_mint_call_seconds",
                                 "Time from sending a request to a mint to its answer.",
                                 telemetry::duration_bounds())),
      repeated_(metrics.counter("engine_mint_calls_repeated_total", "Requests that a mint did not answer.")),
      thread_([this] { run(); }) {}

MintCalls::~MintCalls() { stop(); }

void MintCalls::ask(const match::MatchId& match, match::AskStates question) {
  auto key = states_key(match, question.request);
  const resilience::BackoffPolicy waits{.first = options_.first_wait, .cap = options_.longest_wait};
  add(std::make_shared<Call>(Call{.key = std::move(key),
                                  .match = match,
                                  .what = std::move(question),
                                  .backoff = resilience::Backoff(waits, random_)}));
}

void MintCalls::settle(match::Settle order) {
  auto key = settle_key(order.match, order.operation);
  const match::MatchId match = order.match;
  const resilience::BackoffPolicy waits{.first = options_.first_wait, .cap = options_.longest_wait};
  add(std::make_shared<Call>(Call{.key = std::move(key),
                                  .match = match,
                                  .what = std::move(order),
                                  .backoff = resilience::Backoff(waits, random_)}));
}

void MintCalls::add(std::shared_ptr<Call> call) {
  const std::lock_guard lock(mutex_);
  if (stopped_ || !calls_.emplace(call->key, call).second) return;
  ready_.push_back(std::move(call));
  changed_.notify_one();
}

void MintCalls::run() {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    const Monotonic now = clock_.monotonic();
    while (!later_.empty() && later_.begin()->first <= now) {
      ready_.push_back(std::move(later_.begin()->second));
      later_.erase(later_.begin());
    }
    if (!ready_.empty() && in_flight_ < options_.in_flight) {
      const std::shared_ptr<Call> call = std::move(ready_.front());
      ready_.pop_front();
      ++in_flight_;
      lock.unlock();
      launch(call);
      lock.lock();
    } else if (later_.empty()) {
      changed_.wait(lock);
    } else {
      changed_.wait_until(lock, later_.begin()->first);
    }
  }
}

void MintCalls::launch(const std::shared_ptr<Call>& call) {
  call->begun = clock_.monotonic();
  const auto doors = mints_.doors(call->mint());
  if (doors.empty()) {
    return finish(call, unavailable("the mint " + call->mint() + " is not among those of [mint] any more"));
  }
  const auto& door = doors[call->attempts % doors.size()];
  if (const auto* question = std::get_if<match::AskStates>(&call->what)) {
    const std::vector<bool> taken = reservations_.reserve(call->match, question->ys);
    door->checkstate(question->ys, [this, call, taken](Result<std::vector<mintclient::ProofStatus>> states) {
      if (!states) return finish(call, std::unexpected(std::move(states).error()));
      match::MintStates answer{.request = std::get<match::AskStates>(call->what).request};
      for (std::size_t i = 0; i < states->size(); ++i) {
        answer.states.push_back(taken[i] ? match::ProofState::reserved : to_match((*states)[i].state));
      }
      finish(call, std::move(answer));
    });
    return;
  }
  const match::Settle& order = std::get<match::Settle>(call->what);
  failpoint("engine.before-settle-call");
  make_atomic_settlement(door)->settle(order, [this, call](Result<GroupSignatures> signatures) {
    const Hash32 operation = std::get<match::Settle>(call->what).operation;
    failpoint("engine.after-settle-call");
    if (signatures) {
      finish(call, match::SettlementDone{.operation = operation, .signatures = *std::move(signatures)});
    } else if (signatures.error().kind == ErrorKind::refused && blames_the_claim(signatures.error().code)) {
      Error& error = signatures.error();
      finish(call, match::SettlementRefused{
                       .operation = operation, .code = error.code, .message = std::move(error.message)});
    } else {
      finish(call, std::unexpected(std::move(signatures).error()));
    }
  });
}

void MintCalls::finish(const std::shared_ptr<Call>& call, Result<match::Input> result) {
  seconds_.observe(std::chrono::duration<double>(clock_.monotonic() - call->begun).count());
  reachable_ = result.has_value();
  std::unique_lock lock(mutex_);
  --in_flight_;
  changed_.notify_one();
  if (stopped_) return;
  if (result) {
    calls_.erase(call->key);
    lock.unlock();
    answer_(call->match, *std::move(result));
    return;
  }
  repeated_.add();
  ++call->attempts;
  if (call->attempts >= options_.retry_attempts) {
    telemetry::log_warn("A mint does not answer; the call is repeated until it does",
                        {{"mint", call->mint()},
                         {"match", to_hex(call->match)},
                         {"attempts", call->attempts},
                         {"error", result.error().message}});
  }
  later_.emplace(clock_.monotonic() + call->backoff.next(), call);
}

void MintCalls::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    stopped_ = true;
    ready_.clear();
    later_.clear();
    changed_.notify_all();
  }
  thread_.join();
}

std::size_t MintCalls::open() const {
  const std::lock_guard lock(mutex_);
  return calls_.size();
}

}  // namespace manastr::engine
