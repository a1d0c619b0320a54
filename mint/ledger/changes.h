// What committed writes may have changed that someone waits to hear of (NUT-17), by key alone: whoever
// listens reads the state itself, so that the same works for writes of another mint on the same database.
// Made by the ledgers after each commit, for one listener.
#pragma once
#include <vector>

#include "mint/ledger/writes.h"

namespace manastr::mint {

struct Changes {
  std::vector<PointBytes> proofs;        ///< spent or locked
  std::vector<std::string> mint_quotes;  ///< paid or issued, by id
  std::vector<std::string> melt_quotes;  ///< begun, paid or released; frees or spends what it had locked
  bool empty() const { return proofs.empty() && mint_quotes.empty() && melt_quotes.empty(); }
};
/// Adds what `write`, once committed, has changed.
void append_changes(Changes& changes, const Write& write);

class ChangeListener {
 public:
  virtual ~ChangeListener() = default;
  /// False: nobody waits for anything, and no Changes are made. From any thread, without a lock.
  virtual bool wanted() const = 0;
  /// From the committing thread, or the one that hears of other mints' commits; must not block.
  virtual void changed(Changes changes) = 0;
  /// Something may have changed, and nobody can say what. Likewise.
  virtual void look_again() {}
};

}  // namespace manastr::mint
