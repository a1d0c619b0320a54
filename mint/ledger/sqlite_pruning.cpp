#include "mint/ledger/sqlite_pruning.h"

#include <utility>

#include "common/base/failpoint.h"
#include "mint/keysets/keyset_record.h"

namespace manastr::mint {
namespace {

using storage::Database;
using storage::Query;

constexpr std::uint64_t kBatch = 128;          // rows that a commit deletes
constexpr std::int64_t kWindow = 20'000;       // numbers that one read looks at
constexpr std::uint64_t kTokenWindow = 5'000;  // rows, where there are no numbers

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

struct TokenTable {
  const char* find;
  const char* forget;
};
constexpr TokenTable kTokens{"SELECT y, keyset = ? FROM auth_tokens WHERE y > ? ORDER BY y LIMIT ?",
                             "DELETE FROM auth_tokens WHERE y = ? AND keyset = ?"};
constexpr TokenTable kTokenSignatures{
    "SELECT b_, keyset = ? FROM auth_signatures WHERE b_ > ? ORDER BY b_ LIMIT ?",
    "DELETE FROM auth_signatures WHERE b_ = ? AND keyset = ?"};

/// Of money is what no record says otherwise.
Result<bool> has_tokens(Database& database, std::uint32_t keyset) {
  TRY(Query row, database.query("SELECT 1 FROM keysets WHERE number = ? AND unit = ?", keyset, kAuthUnit));
  return row.next();
}

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
  TRY(const bool of_tokens, has_tokens(*database, keyset));
  if (of_tokens) return find_tokens(keyset);
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

Result<SqlitePruning::Batch> SqlitePruning::find_tokens(std::uint32_t keyset) {
  TRY(Database * database, reader());
  Cursor& at = cursors_[keyset];
  Batch out;
  out.signatures = at.signatures;
  TRY(Query row,
      database->query((at.signatures ? kTokenSignatures : kTokens).find, keyset, at.behind, kTokenWindow));
  for (std::uint64_t rows = 0;; ++rows) {
    TRY(const bool found, row.next());
    if (!found && rows < kTokenWindow) break;
    if (!found) return out;
    TRY(const PointBytes point, row.array<33>(0));
    at.behind.assign(point.begin(), point.end());
    if (row.integer(1) != 0) out.tokens.push_back(point);
    if (out.tokens.size() == kBatch) return out;
  }
  at.behind.clear();
  out.ends = std::exchange(at.signatures, true);
  return out;
}

/// They are no money: their sums stay 0.
Status SqlitePruning::forget_tokens(Database& database, std::uint32_t keyset, const Batch& batch) {
  std::int64_t rows = 0;
  for (const PointBytes& point : batch.tokens) {
    TRY_STATUS(database.run((batch.signatures ? kTokenSignatures : kTokens).forget, point, keyset));
    rows += database.changes();
  }
  TRY_STATUS(database.run((batch.signatures ? kSignatures : kProofs).count, keyset, rows, 0));
  failpoint("mint.before-prune");
  return {};
}

Status SqlitePruning::forget(Database& database, std::uint32_t keyset, const Batch& batch) {
  if (!batch.tokens.empty()) return forget_tokens(database, keyset, batch);
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
