// Drives duelists over relays: one subscription for all of them, one thread for all decisions. Called by the
// commands play, accept, challenge and resume.
#pragma once
#include "player/duelist.h"
#include "relay-client/courier.h"

namespace manastr::player {

/// Plays `duelists` until each is finished or stopped, or `stop` says so (asked four times a second). A match
/// that waits for its locktime ends it too if nothing else is left to do. Errors: `broken` if the player's
/// own files fail.
Status play_all(relay::Courier& courier, std::vector<std::unique_ptr<Duelist>>& duelists, const Clock& clock,
                const std::function<bool()>& stop, const std::function<void(const std::string&)>& warn);

}  // namespace manastr::player
