// The engine's announcement, from its configuration and from what the mints say of themselves.
#pragma once
#include "common/match/engine_keys.h"
#include "engine/configuration/configuration.h"
#include "engine/settlement/mint_book.h"

namespace manastr::engine {

/// nullopt while there is nothing to offer: no mint was reached yet, or none has the wanted units, their
/// prices and the settlement endpoint.
std::optional<match::Announcement> make_announcement(const Configuration& configuration,
                                                     const MintBook& mints, const match::EngineKeys& keys);

}  // namespace manastr::engine
