// The database of another program, read alone: a SQLite file or a PostgreSQL database. One view of it from
// beginning to end. For imports.
#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/crypto/secret.h"
#include "common/postgres/connection.h"
#include "common/storage/database.h"

namespace manastr::mint {

/// A row under the cursor; ends with the call that got it. Columns count from 0.
class SourceRow {
 public:
  explicit SourceRow(const storage::Query& query) : query_(&query) {}
  SourceRow(const postgres::Rows& rows, std::size_t row) : rows_(&rows), row_(row) {}
  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  std::uint64_t amount(int column) const { return static_cast<std::uint64_t>(integer(column)); }
  std::string text(int column) const;
  ByteView blob(int column) const;

 private:
  const storage::Query* query_ = nullptr;
  const postgres::Rows* rows_ = nullptr;
  std::size_t row_ = 0;
};

class SourceDatabase {
 public:
  /// `place`: the path of a SQLite file, or a postgresql:// URL. An error if another program has it open: the
  /// other mint must be stopped.
  static Result<std::unique_ptr<SourceDatabase>> open(const crypto::SecretText& place);
  /// Ends the view. An error if anything was written since open(), or another program has a PostgreSQL
  /// database open now: a mint that opens its file for each request alone is not seen before it writes.
  Status end_unchanged();

  bool is_postgresql() const { return connection_ != nullptr; }
  Result<bool> has_table(const std::string& table);
  Result<bool> has_column(const std::string& table, const std::string& column);
  /// For a SELECT: the column if the table has it, as newer versions do, else `otherwise`.
  Result<std::string> column_or(const std::string& table, const std::string& column,
                                const std::string& otherwise = "NULL");
  /// SQL that both understand; what it selects is integers, texts, bools and bytes.
  Status each(const std::string& sql, const std::function<Status(const SourceRow&)>& row);
  /// A T of each row, as `read` fills it in.
  template <class T, class Read>
  Result<std::vector<T>> list(const std::string& sql, const Read& read) {
    std::vector<T> out;
    TRY_STATUS(each(sql, [&](const SourceRow& row) -> Status { return read(row, out.emplace_back()); }));
    return out;
  }

 private:
  SourceDatabase() = default;
  Result<std::int64_t> writes();
  std::string name_;  // for people
  std::int64_t writes_before_ = 0;
  std::optional<storage::Database> file_;
  std::unique_ptr<postgres::Connection> connection_;
  std::deque<std::string> texts_;  // of statements, whose addresses are their names
};

}  // namespace manastr::mint
