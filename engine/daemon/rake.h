// What the engine has earned, as tokens for its operator. Called by `manastr-engine rake`, also while the
// engine runs.
#pragma once
#include <filesystem>

#include "common/match/engine_keys.h"
#include "engine/configuration/configuration.h"

namespace manastr::engine {

/// One cashuB token for each unit, of all rake proofs that the primary mint calls unspent (NUT-07); asks the
/// mint for its keys and checks every DLEQ proof. Showing them changes nothing: who receives a token ends it.
Result<std::vector<std::string>> rake_tokens(const Configuration& configuration,
                                             const std::filesystem::path& data,
                                             const match::EngineKeys& keys);

}  // namespace manastr::engine
