// `manastr-mint backup`: the ledger as it is at one moment, into a file of its own, while the mint runs.
// SQLite: the pages of one view of the file, copied beside the mint's commits. PostgreSQL: pg_dump, in the
// transaction in which the manifest is counted. The mnemonic and a Lightning node's own book are not in it.
#pragma once
#include "mint/backup/manifest.h"
#include "mint/configuration/configuration.h"

namespace manastr::mint {

/// Writes FILE and FILE.manifest.json, mode 0600, synced, neither under its name before it is whole and both
/// or none; refuses names that are taken. `directory` is the mint's data folder, of which nothing is locked.
Result<Manifest> back_up(const Configuration& configuration, const std::string& directory,
                         const std::string& to, const Clock& clock = system_clock());

}  // namespace manastr::mint
