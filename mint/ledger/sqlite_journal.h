// The journal of the SQLite ledger: its one chain and its checkpoints, written in the transactions of the
// committing thread, to which all of this belongs but sign_with() and the published standing.
// Promises: the sums of the entries and of the totals' rows that belong to none yet are the totals, after
// every commit and whatever is killed.
#pragma once
#include <mutex>

#include "common/storage/database.h"
#include "mint/ledger/books.h"
#include "mint/ledger/standing.h"

namespace manastr::mint {

class SqliteJournal {
 public:
  /// Once, after the books know units and keysets: where the chain ends, and the totals into `books`.
  Status load(storage::Database& database, Books& books);
  /// From any thread: without a key there are no checkpoints.
  void sign_with(crypto::SecretKey key);

  /// The entry that what is committed now will be in.
  std::int64_t next_entry() const { return static_cast<std::int64_t>(head_.sequence + 1); }
  /// Whether write() would write something. `at_once`: however short ago it did.
  bool due(const Books& books, UnixSeconds now, Monotonic at, bool at_once = false) const;
  /// In a transaction, after its totals: an entry and a checkpoint, those that are due.
  Status write(storage::Database& database, const Books& books, UnixSeconds now, Monotonic at, bool at_once);
  /// After its commit; without this call nothing was written.
  void committed();

  std::uint64_t sequence() const { return head_.sequence; }
  const std::optional<SignedCheckpoint>& checkpoint() const { return last_; }
  UnixSeconds checkpoint_at() const { return last_at_; }

 private:
  bool entry_due(const Books& books, Monotonic at, bool at_once) const;
  bool checkpoint_due(std::uint64_t sequence, UnixSeconds now, bool at_once) const;
  std::optional<crypto::SecretKey> key() const;

  Checkpoint::Head head_{std::string(kOnlyChain), 0, {}};
  Sums entered_;  // what the books were at the head
  std::optional<Monotonic> entered_at_;
  std::uint64_t number_ = 0;  // of the last checkpoint
  std::uint64_t covers_ = 0;  // its head's sequence
  std::optional<SignedCheckpoint> last_;
  UnixSeconds last_at_{};
  mutable std::mutex key_mutex_;
  std::optional<crypto::SecretKey> key_;

  struct Pending {
    std::optional<Checkpoint::Head> head;
    Sums entered;
    Monotonic at{};
    std::optional<SignedCheckpoint> checkpoint;
    UnixSeconds checkpoint_at{};
  };
  Pending pending_;
};

}  // namespace manastr::mint
