// Finds the rows of a table of points (the spent proofs, the blind signatures) for the SQLite ledger. Rows
// are stored in the order of their commits, so that a commit writes few pages however large the ledger is.
// The index in the file is in the order of hashed points, where each new one would be another page: rows stay
// in memory until there are many, and then a hand that goes round moves neighbours together, some with each
// commit. At start what is not in the file's index yet is read from the table's end.
// Promises: every row of the table is found. add(), move_some() and moved() belong to the committing thread.
#pragma once
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/storage/database.h"
#include "mint/ledger/records.h"
#include "mint/ledger/seen_filter.h"

namespace manastr::mint {

/// Under what a point stands in the index.
struct PointKey {
  using Bytes = ByteArray<8>;  ///< big-endian, as the file's index has it
  /// Of the first bytes of the point's x.
  static std::uint64_t of(const PointBytes& point, std::uint64_t salt);
  static std::uint64_t number(const Bytes& bytes);
  static Bytes bytes(std::uint64_t key);
};

class PointIndex {
 public:
  /// A `table` with columns `number` (its key) and `column` (the point), its index `table`_index(key,
  /// number), and its line in index_reach. `recent`: so many rows stay in memory, at 16 to 32 bytes each.
  PointIndex(std::string table, const std::string& column, std::size_t recent, unsigned filter_log2_bits);

  /// Once, before all else.
  Status load(storage::Database& database);

  /// False: certainly in no row (no I/O). From any thread.
  bool may_contain(const PointBytes& point) const;
  /// The number of the row that holds this point, as `database` sees it. From any thread, each with a
  /// connection of its own, on which nothing is being read: it would hold on to an older view of the file, in
  /// which rows that have left the memory since are not indexed yet. Sees every row that was committed
  /// before.
  Result<std::optional<std::int64_t>> find(storage::Database& database, const PointBytes& point) const;
  /// The same in two steps, for many points within one transaction: first what memory knows of each, then, in
  /// a transaction that begins after that, the numbers of all rows that may hold the point.
  struct Trace {
    std::uint64_t key = 0;
    bool maybe = false;  ///< false: certainly in no row
    std::vector<std::int64_t> in_memory;
  };
  Trace trace(const PointBytes& point) const;
  Result<std::vector<std::int64_t>> in_file(storage::Database& database, const Trace& trace) const;

  /// The number for a new row of this point, to be inserted next. Harmless if that is rolled back. What a row
  /// that is gone has left in the index serves again, so that a point that comes and goes is in it once.
  Result<std::int64_t> add(storage::Database& database, const PointBytes& point);
  /// Within a transaction, after the deletion of a row that never comes back: what the file's index has of it
  /// goes too. What is still in memory of it stays until a restart, and finds nothing.
  Status forget(storage::Database& database, const PointBytes& point, std::int64_t number) const;
  /// Within a transaction, as its last act: moves rows into the file's index while too many are in memory.
  Status move_some(storage::Database& database);
  /// After its commit. Without this call (it was rolled back) the rows stay.
  void moved();
  std::size_t in_memory() const;

 private:
  struct Row {
    std::uint64_t key;
    std::int64_t number;
    auto operator<=>(const Row&) const = default;
  };
  static constexpr std::size_t kBuckets = 4096;  ///< by the key's first bits
  static std::size_t bucket_of(std::uint64_t key) { return key >> 52; }
  /// Salted: clients choose some bits of a point, and must not choose which rows are neighbours.
  std::uint64_t key_of(const PointBytes& point) const;
  void keep(std::uint64_t key, std::int64_t number);
  Trace trace_of(std::uint64_t key) const;
  Result<std::vector<std::int64_t>> numbers_of(storage::Database& database, std::uint64_t key) const;

  const std::string table_;
  const std::string select_row_;
  const std::string select_any_row_;
  const std::string select_numbers_;
  const std::string select_recent_;
  const std::string insert_;
  const std::string delete_;
  const std::size_t recent_;
  std::uint64_t salt_ = 0;
  SeenFilter filter_;
  mutable std::mutex mutex_;  // of buckets_: written by the committing thread, read by all
  std::vector<std::vector<Row>> buckets_;
  std::size_t count_ = 0;

  // The committing thread's own:
  std::int64_t last_ = 0;         // number that was given out
  std::size_t hand_ = 0;          // the bucket to be moved next
  std::int64_t round_began_ = 0;  // last_ when the hand was at 0
  std::size_t moving_ = 0;        // buckets of the transaction under way
  std::size_t added_ = 0;         // rows since moved()
};

}  // namespace manastr::mint
