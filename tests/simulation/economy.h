// One seed: three relays, a mint, an engine and a few players, their duels and what goes wrong with them.
// Played to its end, then audited. The same seed gives the same events to the byte.
#pragma once
#include "tests/simulation/engine_process.h"
#include "tests/simulation/player_process.h"
#include "tests/support/temporary_folder.h"

namespace manastr::simulation {

struct Report {
  std::vector<std::string> failures;  ///< one sentence each; empty: all is well
  std::string summary;                ///< one line: who played, what happened
  std::vector<std::string> diary;     ///< what the players saw
  Hash32 digest{};                    ///< over the ids of all events and the balances
  unsigned settled = 0;
  unsigned sent_home = 0;
};

/// `folder` is for the players' files; it should be in memory.
Report play_seed(std::uint64_t seed, const std::string& folder);

}  // namespace manastr::simulation
