// The empty ledger that an import fills, and that is gone again unless the import is finished.
#pragma once
#include <memory>

#include "mint/configuration/configuration.h"
#include "mint/ledger/ledger.h"

namespace manastr::mint {

class ImportTarget {
 public:
  virtual ~ImportTarget() = default;
  virtual Ledger& ledger() = 0;
  /// From now on it is the mint's ledger.
  virtual Status finish() = 0;

  /// As the configuration has it: a new SQLite file, or a PostgreSQL database without a mint's rows, as its
  /// owner. Refuses a ledger that is in use.
  static Result<std::unique_ptr<ImportTarget>> open(const Configuration& configuration,
                                                    const std::string& directory);
};

}  // namespace manastr::mint
