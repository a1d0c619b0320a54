// A party's chess clock: its own allowance runs only while the engine waits for it. Pure arithmetic on engine
// times.
#pragma once
#include "common/match/terms.h"

namespace manastr::match {

class Allowance {
 public:
  Allowance() = default;
  explicit Allowance(Millis left) : left_(left) {}

  /// The engine begins to wait, by a receipt of time `at`.
  void begin(UnixMillis at, const Clocks& clocks);
  /// As begin(), for a step that has a limit of its own and costs no allowance (funding).
  void begin_step(UnixMillis at, const Clocks& clocks, Millis limit);
  /// The party acted at `at`, or can no longer; its time until then is spent.
  void end(UnixMillis at);
  /// All clocks stop at `at`; resume() starts them anew with what was left of the step.
  void stop(UnixMillis at);
  void resume(UnixMillis at, const Clocks& clocks);

  bool waiting() const { return step_left_.has_value(); }
  Millis left() const { return left_; }
  /// When the step is lost; nullopt while not waited for, or stopped.
  std::optional<UnixMillis> deadline() const;

 private:
  void spend(UnixMillis at);
  Millis left_{0};
  bool free_ = false;  ///< this step costs no allowance
  std::optional<Millis> step_left_;
  std::optional<UnixMillis> runs_from_;
};

}  // namespace manastr::match
