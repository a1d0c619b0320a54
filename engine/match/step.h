// One input reduced: what is to be journaled of it, and what is to be done once that is durable. Pure but for
// the keys.
#pragma once
#include "common/match/lifecycle.h"
#include "engine/match/journal.h"

namespace manastr::engine {

inline constexpr std::uint32_t kInputVersion = 1;  ///< of match::encode(Input)

struct Step {
  JournaledStep record;  ///< `committed` is the caller's to set
  /// False: the input changed nothing (a duplicate, a rejection, a timer that came too early) and is not
  /// journaled.
  bool journaled = false;
  std::vector<nostr::Event> outside_chain;  ///< rejections and republications, which may be lost
  std::vector<match::AskStates> questions;
  std::vector<match::Settle> settlements;
  std::optional<unsigned>
      behind;  ///< a receipt of ours with this sequence is not in the state: take up the longer chain
  std::optional<std::optional<UnixMillis>> timer;  ///< set: the next timer is this one, or none
};

/// Reduces `input` and sorts the effects. `number` is the match's next step.
Step take_step(match::Match& match, std::uint64_t number, const match::Input& input,
               const match::EngineKeys& keys);

UnixMillis time_of(const match::Input& input);
void set_time(match::Input& input, UnixMillis at);

}  // namespace manastr::engine
