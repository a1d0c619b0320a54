#include "common/match/allowance.h"

#include <algorithm>

namespace manastr::match {

void Allowance::begin(UnixMillis at, const Clocks& clocks) {
  free_ = false;
  step_left_ = std::max<Millis>(clocks.min_step, std::min<Millis>(clocks.step, left_));
  runs_from_ = at + clocks.start_delay;
}

void Allowance::begin_step(UnixMillis at, const Clocks& clocks, Millis limit) {
  free_ = true;
  step_left_ = limit;
  runs_from_ = at + clocks.start_delay;
}

void Allowance::spend(UnixMillis at) {
  if (!runs_from_) return;
  const Millis used = std::max(Millis{0}, at - *runs_from_);
  if (!free_) left_ = std::max(Millis{0}, left_ - used);
  step_left_ = std::max(Millis{0}, *step_left_ - used);
  runs_from_.reset();
}

void Allowance::end(UnixMillis at) {
  if (step_left_) spend(at);
  step_left_.reset();
}

void Allowance::stop(UnixMillis at) {
  if (step_left_) spend(at);
}

void Allowance::resume(UnixMillis at, const Clocks& clocks) {
  if (step_left_ && !runs_from_) runs_from_ = at + clocks.start_delay;
}

std::optional<UnixMillis> Allowance::deadline() const {
  if (!step_left_ || !runs_from_) return std::nullopt;
  return *runs_from_ + *step_left_;
}

}  // namespace manastr::match
