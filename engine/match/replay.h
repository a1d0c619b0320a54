// State from its journal, or from the published chain where the journal is the older of the two. Called by
// the daemon before the writers start.
#pragma once
#include <unordered_set>

#include "common/match/lifecycle.h"
#include "engine/match/journal.h"

namespace manastr::engine {

/// A match as a writer takes it up.
struct RestoredMatch {
  match::Match match;
  std::uint64_t steps = 0;                                      ///< inputs journaled
  std::unordered_set<nostr::EventId, UniformBytesHash> events;  ///< of parties, receipted
  /// Asked of a mint and not answered: to be asked again.
  std::vector<match::AskStates> questions;
  std::vector<match::Settle> settlements;
  std::vector<nostr::Event> unacknowledged;  ///< receipts to publish again
};

/// Feeds a match's inputs to the lifecycle. `broken` if they don't give the journaled receipts, byte for
/// byte, or leave other calls to a mint open than the journal's outbox: another build's rules, or a damaged
/// file; such a match must not be touched.
Result<RestoredMatch> replay(const JournaledMatch& journaled, const match::EngineKeys& keys);

/// The whole of a match from its chain (sequence 0 on, no gap), with the steps that the journal is to hold
/// from now on. `broken` if the chain doesn't replay to itself.
struct AdoptedMatch {
  RestoredMatch restored;
  std::vector<JournaledStep> steps;
};
Result<AdoptedMatch> adopt(const std::vector<nostr::Event>& chain, const cashu::Keyset& keyset,
                           const match::EngineKeys& keys);

}  // namespace manastr::engine
