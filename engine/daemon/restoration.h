// What the engine knew before it stopped, from its journal and from its own chains on the relays, whichever
// is the longer.
#pragma once
#include "engine/intake/own_chains.h"
#include "engine/match/replay.h"
#include "engine/settlement/mint_book.h"

namespace manastr::engine {

struct Restoration {
  std::vector<RestoredMatch> matches;
  std::vector<nostr::Event> foreign;  ///< under our key, but not of our chains
  std::size_t adopted = 0;            ///< matches taken up from the relays
  std::vector<match::MatchId> found;  ///< those whose longer chain the relays hold, taken up or not
  std::vector<std::string>
      untouched;  ///< one sentence for each match that can't be restored and is left alone
};

/// Replays every unfinished match and adopts longer chains (durable in the journal on return). `keyset` finds
/// the keyset of a mint, waiting for the mint if need be.
Result<Restoration> restore(Journal& journal, const match::EngineKeys& keys, relay::Courier& courier,
                            const OwnChains& published,
                            const std::function<Result<cashu::Keyset>(const match::Terms&)>& keyset,
                            const std::function<bool()>& give_up);

}  // namespace manastr::engine
