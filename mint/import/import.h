// `manastr-mint import`: the whole business of a cdk-mintd or a nutshell, which is stopped, into an empty
// ledger of ours: keysets, what was spent and signed, quotes, and melts under way. Every keyset id is held
// against the seed, every signature and every spent proof against the keys, every sum against the source's
// own. Anything that doesn't fit ends the import, and nothing is left of it.
#pragma once
#include <string>
#include <vector>

#include "mint/configuration/configuration.h"

namespace manastr::mint {

struct ImportOptions {
  std::string from;  ///< "cdk-mintd" or "nutshell"
  std::string
      source;        ///< path of a SQLite file; or "env:NAME" or "file:PATH", which hold a postgresql:// URL
  std::string seed;  ///< "env:NAME" or "file:PATH"
  /// The operator has the money that the source's own books don't account for.
  bool cover_shortfall = false;
};

struct ImportReport {
  std::vector<std::string> taken;
  std::vector<std::string> left;  ///< what was not, and what the operator has to see to
};

Result<ImportReport> import_mint(const Configuration& configuration, const std::string& directory,
                                 const ImportOptions& options, const Clock& clock = system_clock());

}  // namespace manastr::mint
