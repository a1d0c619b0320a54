#include "mint/ledger/sqlite_pruning.h"

#include "common/base/failpoint.h"

namespace manastr::mint {
namespace {

using storage::Database;
using storage::Query;

constexpr std::uint64_t kBatch = 128;     // rows that a commit deletes
constexpr std::int64_t kWindow = 20'000;  // numbers that one read looks at

struct Table {
  const char* last;
  const char* find;
  const char* forget;
  const char* count;
};
constexpr Table kProofs{
    "SELECT max(number) FROM proofs",
    "SELECT number, state = 1 FROM proofs WHERE number > ? AND number <= ? AND keyset = ? ORDER BY number "
    "LIMIT ?",
    "DELETE FROM proofs WHERE number = ? AND keyset = ? AND state = 1 RETURNING amount, y",
    "INSERT INTO pruned VALUES(?1, ?2, ?3, 0, 0, 0) ON CONFLICT(keyset) DO UPDATE SET proofs = proofs + ?2, "
    "redeemed = redeemed + ?3"};
constexpr Table kSignatures{
    "SELECT max(number) FROM signatures",
    "SELECT number, c_ IS NOT NULL FROM signatures WHERE number > ? AND number <= ? AND keyset = ? ORDER BY "
    "number LIMIT ?",
    "DELETE FROM signatures WHERE number = ? AND keyset = ? AND c_ IS NOT NULL RETURNING amount, b_",
    "INSERT INTO pruned VALUES(?1, 0, 0, ?2, ?3, 0) ON CONFLICT(keyset) DO UPDATE SET signatures = "
    "signatures + ?2, issued = issued + ?3"};

}  // namespace

Result<Database*> SqlitePruning::reader() {
  if (!reader_) {
    TRY(Database opened, Database::open(file_, options_));
    reader_.emplace(std::move(opened));
  }
  return &*reader_;
}

Result<bool> SqlitePruning::has_pending(std::uint32_t keyset) {
  TRY(Database * database, reader());
  TRY(Query row, database->query("SELECT EXISTS(SELECT 1 FROM proofs WHERE state = 0 AND keyset = ?1) OR "
                                 "EXISTS(SELECT 1 FROM melt_quotes q JOIN signatures s ON s.melt = q.number "
                                 "WHERE q.state = 1 AND s.keyset = ?1)",
                                 keyset));
  TRY([[maybe_unused]] const bool found, row.next());
  return row.integer(0) != 0;
}

Result<bool> SqlitePruning::is_done(std::uint32_t keyset) {
  TRY(Database * database, reader());
  TRY(Query row, database->query("SELECT 1 FROM pruned WHERE keyset = ? AND done = 1", keyset));
  return row.next();
}

Result<SqlitePruning::Batch> SqlitePruning::find(std::uint32_t keyset) {
  TRY(Database * database, reader());
  Cursor& at = cursors_[keyset];
  const Table& table = at.signatures ? kSignatures : kProofs;
  Batch out;
  out.signatures = at.signatures;
  std::int64_t last = 0;
  {
    TRY(Query row, database->query(table.last));
    TRY([[maybe_unused]] const bool found, row.next());
    last = row.integer(0);
  }
  {
    const std::int64_t until = at.after + kWindow;
    TRY(Query row, database->query(table.find, at.after, until, keyset, kBatch));
    std::uint64_t rows = 0;
    at.after = until;
    for (;; ++rows) {
      TRY(const bool found, row.next());
      if (!found) break;
      if (row.integer(1) == 0) {
        at.held = true;
      } else {
        out.numbers.push_back(row.integer(0));
      }
      if (rows + 1 == kBatch) at.after = row.integer(0);
    }
  }
  if (at.after < last) return out;
  if (!at.signatures) {
    at.signatures = true;
    at.after = 0;
    return out;
  }
  out.ends = true;
  out.held = at.held;
  if (at.held) at = Cursor{};
  return out;
}

Status SqlitePruning::forget(Database& database, std::uint32_t keyset, const Batch& batch) {
  const Table& table = batch.signatures ? kSignatures : kProofs;
  PointIndex& index = batch.signatures ? *outputs_ : *proofs_;
  std::uint64_t rows = 0;
  std::uint64_t sum = 0;
  for (const std::int64_t number : batch.numbers) {
    PointBytes point{};
    {
      TRY(Query row, database.query(table.forget, number, keyset));
      TRY(const bool found, row.next());
      if (!found) continue;
      ++rows;
      sum += row.unsigned_integer(0);
      TRY(point, row.array<33>(1));
      TRY([[maybe_unused]] const bool more, row.next());
    }
    TRY_STATUS(index.forget(database, point, number));
  }
  TRY_STATUS(database.run(table.count, keyset, rows, sum));
  failpoint("mint.before-prune");
  return {};
}

}  // namespace manastr::mint
