// `manastr-mint restore`: a backup becomes a ledger again, in an empty place alone, after everything in it
// was checked; `--verify` does all of it in a place that is deleted afterwards.
//
// A backup does not know what happened after it: proofs spent since would be good again, quotes issued since
// could be issued again. So all that a restored ledger holds is held: the mint serves, with fresh keysets,
// but takes no proof of the old ones and continues no quote of before, until the operator has said by
// `confirm-restore` that nothing happened after the backup.
#pragma once
#include "mint/backup/manifest.h"
#include "mint/configuration/configuration.h"

namespace manastr::mint {

struct RestoreReport {
  Manifest manifest;
  std::uint64_t checked_signatures = 0;  ///< recomputed from the mnemonic
  double restore_seconds = 0;            ///< to the point where it could be used
  double check_seconds = 0;
};

/// Into the configured ledger, which must not be there yet. The mnemonic must be in its place already.
Result<RestoreReport> restore(const Configuration& configuration, const std::string& directory,
                              const std::string& from, const Clock& clock = system_clock());
/// Into a folder below `directory`, or a database beside the configured one; either is gone afterwards.
Result<RestoreReport> drill(const Configuration& configuration, const std::string& directory,
                            const std::string& from, const Clock& clock = system_clock());
/// The operator says that the backup was complete: nothing is held any more. With SQLite the mint must be
/// stopped; mints on PostgreSQL are to be restarted afterwards.
Status confirm_restore(const Configuration& configuration, const std::string& directory,
                       const Clock& clock = system_clock());

}  // namespace manastr::mint
