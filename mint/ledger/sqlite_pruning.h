// What the SQLite ledger forgets of pruned keysets: rows are looked for on a connection of its own, so that
// commits wait for nothing but the deletion of a few rows by their numbers.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/storage/database.h"
#include "mint/ledger/point_index.h"

namespace manastr::mint {

class SqlitePruning {
 public:
  SqlitePruning(std::string file, storage::OpenOptions options, PointIndex& proofs, PointIndex& outputs)
      : file_(std::move(file)), options_(std::move(options)), proofs_(&proofs), outputs_(&outputs) {}

  // From one thread at a time:
  Result<bool> has_pending(std::uint32_t keyset);
  /// Nothing is left of it, and its breakage is booked.
  Result<bool> is_done(std::uint32_t keyset);
  struct Batch {
    bool signatures = false;  ///< or else proofs
    std::vector<std::int64_t> numbers;
    std::vector<PointBytes> tokens;  ///< instead, of a keyset of blind tokens (NUT-22)
    bool ends = false;               ///< the last rows of either table have been looked at
    bool held = false;               ///< and some belong to payments under way: the search begins anew
    bool empty() const { return numbers.empty() && tokens.empty(); }
  };
  /// The next rows that may go. Short reads: none holds back the log for long.
  Result<Batch> find(std::uint32_t keyset);

  /// After forget() has failed.
  void begin_anew(std::uint32_t keyset) { cursors_.erase(keyset); }

  // From the committing thread, in its transaction:
  /// Deletes them and adds to the keyset's row in `pruned`.
  Status forget(storage::Database& database, std::uint32_t keyset, const Batch& batch);

 private:
  struct Cursor {
    bool signatures = false;
    std::int64_t after = 0;
    Bytes behind;  ///< where rows have no numbers
    bool held = false;
  };
  Result<Batch> find_tokens(std::uint32_t keyset);
  static Status forget_tokens(storage::Database& database, std::uint32_t keyset, const Batch& batch);
  Result<storage::Database*> reader();

  const std::string file_;
  const storage::OpenOptions options_;
  PointIndex* proofs_;
  PointIndex* outputs_;
  std::optional<storage::Database> reader_;
  std::map<std::uint32_t, Cursor> cursors_;
};

}  // namespace manastr::mint
