// A SQLite connection that is durable by default: WAL, synchronous=FULL, foreign keys on, file mode 0600. The
// ledgers of mint, engine, player, relay and fake node stand on it. Promises: what a successful commit()
// wrote survives a crash and a power loss (tests/unit/common/storage/power_loss_test.cpp); every failure is
// one sentence that says what to do; after a write or sync of the disk failed, the connection refuses all
// further writing, for nobody knows what is on the disk until the file is opened anew.
// A Database and all that comes from it belong to one thread at a time; other threads open connections of
// their own.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/clock.h"
#include "common/base/error.h"

namespace manastr::storage {

class Query;

enum class Durability {
  full,  ///< every commit is synced; the only one for money
  off,   ///< nothing is synced: for data that may be lost (and for the test that shows the loss)
};

struct OpenOptions {
  bool create = true;  ///< make the file if it isn't there; its folder must exist
  bool read_only = false;
  Durability durability = Durability::full;
  Millis busy_timeout{5'000};  ///< how long to wait for another connection's transaction
  /// Pages in the log before a commit moves them into the file; 0: only checkpoint(), or a Checkpointer.
  int wal_autocheckpoint = 1'000;
  int cache_kib = 8'192;
  std::string vfs;  ///< a registered SQLite VFS by name, for tests that lose power; "" is the system's
};

class Database {
 public:
  /// `path` is a file, or ":memory:" (one connection's own, gone with it).
  static Result<Database> open(const std::string& path, const OpenOptions& options = {});
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  /// Several statements without parameters or rows, for schemas and pragmas.
  Status execute(std::string_view script);
  /// One statement that returns no row of interest, with its parameters: run("UPDATE t SET a = ? WHERE b =
  /// ?", a, b).
  template <class... Values>
  Status run(std::string_view sql, const Values&... values);
  /// A statement whose rows are read with next(). Prepared once per text and reused.
  template <class... Values>
  Result<Query> query(std::string_view sql, const Values&... values);

  /// Rows changed by the last INSERT, UPDATE or DELETE; 0 where ON CONFLICT DO NOTHING did nothing.
  std::int64_t changes() const;
  std::int64_t last_insert_rowid() const;
  bool in_transaction() const;
  /// Moves the whole log into the file and truncates the log; `unavailable` while another connection reads.
  Status checkpoint();
  struct Log {
    int pages = 0;  ///< in the log
    int moved = 0;  ///< of these, in the file too; once all are, the next commit begins the log anew
  };
  /// Moves what it can of the log into the file while others read and write, and waits for nobody.
  Result<Log> checkpoint_passive();
  /// Pages in the log after this connection's last commit; counted only with wal_autocheckpoint = 0.
  int log_pages() const;
  /// PRAGMA quick_check: an error that names the first damage found.
  Status check_integrity();
  /// True once a write to the disk has failed; nothing is written any more.
  bool failed() const;
  const std::string& path() const;

 private:
  friend class Query;
  friend class Transaction;
  friend class Savepoint;
  struct Connection;
  explicit Database(std::shared_ptr<Connection> connection);
  Result<Query> prepare(std::string_view sql);
  std::shared_ptr<Connection> connection_;
};

/// A statement under way. It goes back to its connection's cache when destroyed; views of a row end with the
/// next next().
class Query {
 public:
  Query(Query&&) noexcept;
  Query& operator=(Query&&) noexcept;
  ~Query();

  /// True: a row is there. False: no more. To be called once even where no row is wanted (Database::run
  /// does).
  Result<bool> next();

  // Columns count from 0. A column of another type is converted as SQLite does; NULL reads as 0 or empty.
  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  std::uint64_t unsigned_integer(int column) const;  ///< of what was bound as std::uint64_t
  std::string_view text(int column) const;
  ByteView blob(int column) const;
  /// A blob of exactly N bytes; `broken` with the column's name otherwise.
  template <std::size_t N>
  Result<ByteArray<N>> array(int column) const {
    const ByteView bytes = blob(column);
    if (bytes.size() != N) return wrong_size(column, N);
    ByteArray<N> out;
    for (std::size_t i = 0; i < N; ++i) out[i] = bytes[i];
    return out;
  }

  // Parameters count from 1. Texts and blobs are copied. An unsigned number above 2^63 - 1 keeps its bits: it
  // can be stored and compared for equality, but neither ordered nor summed by SQL.
  void bind(int parameter, std::nullptr_t);
  void bind(int parameter, std::int64_t value);
  void bind(int parameter, std::uint64_t value);
  void bind(int parameter, std::int32_t value) { bind(parameter, std::int64_t{value}); }
  void bind(int parameter, std::uint32_t value) { bind(parameter, std::int64_t{value}); }
  void bind(int parameter, bool value) { bind(parameter, std::int64_t{value}); }
  void bind(int parameter, std::string_view value);
  void bind(int parameter, const std::string& value) { bind(parameter, std::string_view(value)); }
  void bind(int parameter, const char* value) { bind(parameter, std::string_view(value)); }
  void bind(int parameter, ByteView value);
  void bind(int parameter, const Bytes& value) { bind(parameter, ByteView(value)); }
  template <std::size_t N>
  void bind(int parameter, const ByteArray<N>& value) {
    bind(parameter, ByteView(value));
  }
  template <class T>
  void bind(int parameter, const std::optional<T>& value) {
    if (value) {
      bind(parameter, *value);
    } else {
      bind(parameter, nullptr);
    }
  }
  /// Back to before the first row, parameters kept, to be run again with others.
  void reset();

 private:
  friend class Database;
  struct Statement;
  Query(std::shared_ptr<Database::Connection> connection, std::unique_ptr<Statement> statement);
  std::unexpected<Error> wrong_size(int column, std::size_t wanted) const;
  std::shared_ptr<Database::Connection> connection_;
  std::unique_ptr<Statement> statement_;
};

/// BEGIN IMMEDIATE: holds the right to write from the start. Rolled back unless committed. Queries opened
/// within must be gone before commit().
class Transaction {
 public:
  static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  /// An error means that nothing was written, unless it is `broken`: then a restart tells.
  Status commit();
  void rollback();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

/// Part of a transaction that can be undone alone; undone unless kept.
class Savepoint {
 public:
  static Result<Savepoint> set(Database& database);
  Savepoint(Savepoint&& other) noexcept;
  Savepoint& operator=(Savepoint&&) = delete;
  ~Savepoint();
  Status keep();

 private:
  explicit Savepoint(Database& database) : database_(&database) {}
  Database* database_;
};

template <class... Values>
Result<Query> Database::query(std::string_view sql, const Values&... values) {
  auto out = prepare(sql);
  if (out) {
    int parameter = 0;
    (out->bind(++parameter, values), ...);
  }
  return out;
}

template <class... Values>
Status Database::run(std::string_view sql, const Values&... values) {
  TRY(Query statement, query(sql, values...));
  TRY([[maybe_unused]] const bool row, statement.next());
  return {};
}

}  // namespace manastr::storage
