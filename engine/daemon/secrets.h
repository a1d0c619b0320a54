// The engine's two secrets: from the configuration, or from files in the data folder that are made at the
// first start.
#pragma once
#include <filesystem>

#include "common/base/random.h"
#include "engine/configuration/configuration.h"

namespace manastr::engine {

struct Secrets {
  crypto::SecretKey identity;
  crypto::SecretKey root;  ///< of escrow key, links and rake
};

/// `nostr.key` and `link.key` in `data`, where the configuration names none. Logs which file was just made,
/// so that it is backed up. None is made beside a journal, which was written with other keys, nor unless
/// `may_make`. The error is one line.
Result<Secrets> open_secrets(const Configuration& configuration, const std::filesystem::path& data,
                             bool may_make, Random& random);

}  // namespace manastr::engine
