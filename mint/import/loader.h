// Writes an import into a ledger, many writes at once. Of one thread; the ledger's own commits.
#pragma once
#include <condition_variable>
#include <mutex>

#include "mint/ledger/ledger.h"

namespace manastr::mint {

class Loader {
 public:
  explicit Loader(Ledger& ledger) : ledger_(&ledger) {}
  ~Loader() { (void)flush(); }
  /// Waits while many are under way. The first error of any write ends it all.
  Status add(Write write);
  /// All that was added is committed.
  Status flush();

 private:
  Ledger* ledger_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t under_way_ = 0;
  std::optional<Error> failed_;
};

}  // namespace manastr::mint
