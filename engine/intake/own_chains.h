// What the engine itself has published, read back from a quorum of relays before it signs anything: after the
// restore of an old backup the relays know more than the journal, and what they know binds.
#pragma once
#include <functional>
#include <map>
#include <set>

#include "common/match/protocol.h"
#include "relay-client/courier.h"

namespace manastr::engine {

/// Receipts by sequence. More than one for a sequence number is a fork.
using Chain = std::multimap<unsigned, nostr::Event>;
using OwnChains = std::map<match::MatchId, Chain>;

/// All receipts signed by `engine` since `since`. Waits for a quorum of relays, again and again, until they
/// answered or `give_up` says so (then `unavailable`).
Result<OwnChains> read_own_chains(relay::Courier& courier, const crypto::XOnlyKey& engine,
                                  std::optional<UnixSeconds> since, const std::function<bool()>& give_up);
/// The whole chain of one match.
Result<Chain> read_own_chain(relay::Courier& courier, const crypto::XOnlyKey& engine,
                             const match::MatchId& match, const std::function<bool()>& give_up);

}  // namespace manastr::engine
