// The ledger in one SQLite file: one committing thread, group commit, readers with connections of their own.
#pragma once
#include <functional>
#include <string>

#include "common/base/inbox.h"
#include "common/storage/database.h"
#include "mint/ledger/ledger.h"

namespace manastr::mint {

struct SqliteLedgerOptions {
  std::string file;
  std::size_t queue = 20'000;  ///< writes waiting
  std::size_t batch = 1'000;   ///< writes per commit
  unsigned filter_log2_bits =
      28;  ///< 32 MiB for each of the two filters: good for some 25 million points each
  std::size_t recent_points = 1 << 19;  ///< rows of each kind that the file's index may lack (PointIndex)
  int checkpoint_pages = 4'000;         ///< of the log, before a thread of its own moves them into the file
  storage::Durability durability = storage::Durability::full;  ///< any other only to show what would be lost
  std::string vfs;                                             ///< of storage::OpenOptions
  Gathering gathering;                                         ///< of writes for one commit
  /// After each commit, from the committing thread: how many writes, how long.
  std::function<void(std::size_t writes, double seconds)> on_commit;
};

/// Opens or makes the file, brings its schema forward and loads totals and filters.
Result<std::unique_ptr<Ledger>> open_sqlite_ledger(SqliteLedgerOptions options,
                                                   const Clock& clock = system_clock());

}  // namespace manastr::mint
