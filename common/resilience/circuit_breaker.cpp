#include "common/resilience/circuit_breaker.h"

#include <algorithm>

namespace manastr::resilience {

bool CircuitBreaker::allow() {
  const std::lock_guard lock(mutex_);
  if (state_ == State::closed) return true;
  if (clock_->monotonic() < until_) return false;
  // One try; if its caller never reports, another may try after the same wait.
  state_ = State::half_open;
  until_ = clock_->monotonic() + wait_;
  return true;
}

void CircuitBreaker::success() {
  const std::lock_guard lock(mutex_);
  state_ = State::closed;
  failed_ = 0;
  wait_ = options_.open_for;
}

void CircuitBreaker::failure() {
  const std::lock_guard lock(mutex_);
  if (state_ == State::open) return;  // a call that began before it opened
  if (state_ == State::closed && ++failed_ < options_.failures) return;
  if (state_ == State::half_open) wait_ = std::min(wait_ * 2, std::max(options_.cap, options_.open_for));
  state_ = State::open;
  until_ = clock_->monotonic() + wait_;
}

CircuitBreaker::State CircuitBreaker::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

Millis CircuitBreaker::retry_after() const {
  const std::lock_guard lock(mutex_);
  if (state_ == State::closed) return Millis{0};
  return std::max(Millis{0}, std::chrono::ceil<Millis>(until_ - clock_->monotonic()));
}

}  // namespace manastr::resilience
