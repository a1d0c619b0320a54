// How far a ledger's journal is, and what an operator should know of it: for /v1/supply, /health and
// /metrics.
#pragma once
#include <optional>

#include "mint/ledger/checkpoint.h"

namespace manastr::mint {

struct Standing {
  std::uint64_t sequence = 0;                  ///< last entry of this mint's own chain; 0: none yet
  std::optional<SignedCheckpoint> checkpoint;  ///< the last one
  UnixSeconds checkpoint_at{};
  /// When all totals were last found to add up. SQLite: by each commit, so now.
  UnixSeconds audited_at{};
  /// That the committing thread has waited for the log to be moved into the file, since the start (SQLite).
  double checkpointer_wait_seconds = 0;
  std::string alarm;  ///< "" or why nothing is issued any more: the books don't add up
};

/// A checkpoint is made when the last one is so old and something has changed.
inline constexpr Seconds kCheckpointEvery{60};

}  // namespace manastr::mint
