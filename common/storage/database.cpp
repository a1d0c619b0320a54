#include "common/storage/database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <unordered_map>
#include <utility>
#include <vector>

namespace manastr::storage {
namespace {

/// Statements kept prepared; texts are literals of the program, so there are never many.
constexpr std::size_t kCachedStatements = 256;

/// After these nobody knows what is on the disk.
bool is_disk_failure(int extended) {
  switch (extended) {
    case SQLITE_IOERR_WRITE:
    case SQLITE_IOERR_FSYNC:
    case SQLITE_IOERR_DIR_FSYNC:
    case SQLITE_IOERR_TRUNCATE:
    case SQLITE_IOERR_SHORT_READ:
    case SQLITE_IOERR_READ:
      return true;
    default:
      return (extended & 0xff) == SQLITE_CORRUPT || (extended & 0xff) == SQLITE_NOTADB;
  }
}

std::unexpected<Error> explain(int extended, const std::string& path, std::string_view detail) {
  // Also where SQLite has no word of its own for it: the index of the log can't grow either.
  if (extended == SQLITE_IOERR_SHMSIZE) extended = SQLITE_FULL;
  switch (extended & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return unavailable(path + " is locked by another process; stop it or try again");
    case SQLITE_FULL:
      return unavailable("the disk that holds " + path + " is full; make room and try again");
    case SQLITE_CORRUPT:
      return broken(path + " is damaged; restore it from a backup");
    case SQLITE_NOTADB:
      return broken(path + " is no SQLite file; choose another file or restore a backup");
    case SQLITE_CANTOPEN:
      return invalid("cannot open " + path +
                     "; check that its folder exists and that this user may write in it");
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return invalid(path + " cannot be written; check the permissions of the file and its folder");
    case SQLITE_IOERR:
      return broken("the disk failed on " + path + " (" + std::string(detail) +
                    "); check the disk and restart");
    case SQLITE_CONSTRAINT:
      return refused(0, path + ": " + std::string(detail));
    default:
      return broken(path + ": " + std::string(detail));
  }
}

}  // namespace

struct Query::Statement {
  sqlite3_stmt* prepared = nullptr;
  std::string sql;
  int bind_error = SQLITE_OK;
};

struct Database::Connection {
  sqlite3* handle = nullptr;
  std::string path;
  bool failed = false;
  int log_pages = 0;
  std::unordered_map<std::string, std::vector<sqlite3_stmt*>> idle;
  std::size_t idle_count = 0;

  ~Connection() {
    for (auto& [sql, statements] : idle) {
      for (sqlite3_stmt* statement : statements) sqlite3_finalize(statement);
    }
    sqlite3_close_v2(handle);
  }

  std::unexpected<Error> error() {
    const int extended = sqlite3_extended_errcode(handle);
    if (is_disk_failure(extended)) failed = true;
    return explain(extended, path, sqlite3_errmsg(handle));
  }
  std::unexpected<Error> refuse_after_failure() const {
    return broken("the disk failed on " + path + " before; nothing more is done with it until a restart");
  }
  Status script(const char* sql) {
    if (sqlite3_exec(handle, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return error();
    return {};
  }
};

Database::Database(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;
Database::~Database() = default;

Result<Database> Database::open(const std::string& path, const OpenOptions& options) {
  const bool in_memory = path == ":memory:";
  if (options.create && !in_memory && !options.read_only) {
    // SQLite would make the file with the process's umask; the log and the index take over the file's own
    // mode.
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) {
      const std::string why = std::strerror(errno);
      return invalid("cannot open " + path + ": " + why);
    }
    ::close(descriptor);
  }
  auto connection = std::make_shared<Connection>();
  connection->path = path;
  const int flags = (options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_NOMUTEX |
                    SQLITE_OPEN_EXRESCODE;
  const int opened = sqlite3_open_v2(path.c_str(), &connection->handle, flags,
                                     options.vfs.empty() ? nullptr : options.vfs.c_str());
  if (opened != SQLITE_OK) {
    const std::string detail =
        connection->handle != nullptr ? sqlite3_errmsg(connection->handle) : "out of memory";
    return explain(opened, path, detail);
  }
  sqlite3_busy_timeout(connection->handle, static_cast<int>(options.busy_timeout.count()));
  // Nothing in a file may run code of its own.
  sqlite3_db_config(connection->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(connection->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);

  std::string setup =
      "PRAGMA foreign_keys = ON; PRAGMA cache_size = -" + std::to_string(options.cache_kib) + ";";
  if (!options.read_only) {
    setup += "PRAGMA synchronous = ";
    setup += options.durability == Durability::full ? "FULL" : "OFF";
    setup += "; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = " +
             std::to_string(options.wal_autocheckpoint) + ";";
  }
  // The first read of the file: here a damaged or foreign one shows.
  setup += "SELECT count(*) FROM sqlite_schema;";
  TRY_STATUS(connection->script(setup.c_str()));
  if (!options.read_only && options.wal_autocheckpoint == 0) {
    const auto count_pages = [](void* counted, sqlite3*, const char*, int pages) {
      static_cast<Connection*>(counted)->log_pages = pages;
      return SQLITE_OK;
    };
    sqlite3_wal_hook(connection->handle, count_pages, connection.get());
  }
  Database database(std::move(connection));
  if (!in_memory && !options.read_only) {
    TRY(Query mode, database.query("PRAGMA journal_mode"));
    TRY([[maybe_unused]] const bool row, mode.next());
    if (mode.text(0) != "wal")
      return invalid(path + " lies on a file system without shared memory (WAL); move it");
  }
  return database;
}

Status Database::execute(std::string_view script) {
  if (connection_->failed) return connection_->refuse_after_failure();
  return connection_->script(std::string(script).c_str());
}

Result<Query> Database::prepare(std::string_view sql) {
  if (connection_->failed) return connection_->refuse_after_failure();
  auto statement = std::make_unique<Query::Statement>();
  statement->sql = sql;
  if (const auto found = connection_->idle.find(statement->sql);
      found != connection_->idle.end() && !found->second.empty()) {
    statement->prepared = found->second.back();
    found->second.pop_back();
    --connection_->idle_count;
  } else if (sqlite3_prepare_v3(connection_->handle, sql.data(), static_cast<int>(sql.size()),
                                SQLITE_PREPARE_PERSISTENT, &statement->prepared, nullptr) != SQLITE_OK) {
    return connection_->error();
  }
  return Query(connection_, std::move(statement));
}

std::int64_t Database::changes() const { return sqlite3_changes64(connection_->handle); }
std::int64_t Database::last_insert_rowid() const { return sqlite3_last_insert_rowid(connection_->handle); }
bool Database::in_transaction() const { return sqlite3_get_autocommit(connection_->handle) == 0; }
bool Database::failed() const { return connection_->failed; }
const std::string& Database::path() const { return connection_->path; }

Status Database::checkpoint() {
  if (connection_->failed) return connection_->refuse_after_failure();
  if (sqlite3_wal_checkpoint_v2(connection_->handle, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr) !=
      SQLITE_OK) {
    return connection_->error();
  }
  return {};
}

Result<Database::Log> Database::checkpoint_passive() {
  if (connection_->failed) return connection_->refuse_after_failure();
  Log out;
  if (sqlite3_wal_checkpoint_v2(connection_->handle, nullptr, SQLITE_CHECKPOINT_PASSIVE, &out.pages,
                                &out.moved) != SQLITE_OK) {
    return connection_->error();
  }
  return out;
}

int Database::log_pages() const { return connection_->log_pages; }

Status Database::check_integrity() {
  TRY(Query query, this->query("PRAGMA quick_check(1)"));
  TRY(const bool row, query.next());
  if (row && query.text(0) == "ok") return {};
  return broken(path() + " is damaged (" + std::string(query.text(0)) + "); restore it from a backup");
}

Query::Query(std::shared_ptr<Database::Connection> connection, std::unique_ptr<Statement> statement)
    : connection_(std::move(connection)), statement_(std::move(statement)) {}
Query::Query(Query&&) noexcept = default;
Query& Query::operator=(Query&& other) noexcept {
  std::swap(connection_, other.connection_);
  std::swap(statement_, other.statement_);
  return *this;
}

Query::~Query() {
  if (!statement_) return;
  sqlite3_reset(statement_->prepared);
  sqlite3_clear_bindings(statement_->prepared);
  if (connection_->idle_count < kCachedStatements) {
    connection_->idle[std::move(statement_->sql)].push_back(statement_->prepared);
    ++connection_->idle_count;
  } else {
    sqlite3_finalize(statement_->prepared);
  }
}

Result<bool> Query::next() {
  if (statement_->bind_error != SQLITE_OK) {
    return broken("a parameter of '" + statement_->sql +
                  "' cannot be bound: " + sqlite3_errstr(statement_->bind_error));
  }
  switch (sqlite3_step(statement_->prepared)) {
    case SQLITE_ROW:
      return true;
    case SQLITE_DONE:
      return false;
    default: {
      auto out = connection_->error();
      sqlite3_reset(statement_->prepared);
      return out;
    }
  }
}

void Query::reset() { sqlite3_reset(statement_->prepared); }

bool Query::is_null(int column) const {
  return sqlite3_column_type(statement_->prepared, column) == SQLITE_NULL;
}
std::int64_t Query::integer(int column) const { return sqlite3_column_int64(statement_->prepared, column); }
std::uint64_t Query::unsigned_integer(int column) const {
  return static_cast<std::uint64_t>(integer(column));
}

std::string_view Query::text(int column) const {
  const unsigned char* data = sqlite3_column_text(statement_->prepared, column);
  const int size = sqlite3_column_bytes(statement_->prepared, column);
  return data == nullptr
             ? std::string_view()
             : std::string_view(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
}

ByteView Query::blob(int column) const {
  const void* data = sqlite3_column_blob(statement_->prepared, column);
  const int size = sqlite3_column_bytes(statement_->prepared, column);
  return data == nullptr ? ByteView()
                         : ByteView(static_cast<const Byte*>(data), static_cast<std::size_t>(size));
}

std::unexpected<Error> Query::wrong_size(int column, std::size_t wanted) const {
  const char* name = sqlite3_column_name(statement_->prepared, column);
  return broken(connection_->path + ": column " +
                (name == nullptr ? std::to_string(column) : std::string(name)) + " does not hold " +
                std::to_string(wanted) + " bytes; restore it from a backup");
}

namespace {
void keep_first(int& kept, int result) {
  if (kept == SQLITE_OK) kept = result;
}
}  // namespace

void Query::bind(int parameter, std::nullptr_t) {
  keep_first(statement_->bind_error, sqlite3_bind_null(statement_->prepared, parameter));
}
void Query::bind(int parameter, std::int64_t value) {
  keep_first(statement_->bind_error, sqlite3_bind_int64(statement_->prepared, parameter, value));
}
void Query::bind(int parameter, std::uint64_t value) { bind(parameter, static_cast<std::int64_t>(value)); }
void Query::bind(int parameter, std::string_view value) {
  keep_first(statement_->bind_error,
             sqlite3_bind_text64(statement_->prepared, parameter, value.empty() ? "" : value.data(),
                                 value.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
}
void Query::bind(int parameter, ByteView value) {
  // A null pointer would bind NULL: an empty blob is a blob.
  keep_first(statement_->bind_error,
             sqlite3_bind_blob64(statement_->prepared, parameter,
                                 value.empty() ? "" : static_cast<const void*>(value.data()), value.size(),
                                 SQLITE_TRANSIENT));
}

Result<Transaction> Transaction::begin(Database& database) {
  TRY_STATUS(database.run("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Transaction::Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
Transaction::~Transaction() { rollback(); }

Status Transaction::commit() {
  Database& database = *database_;
  auto committed = database.run("COMMIT");
  if (!committed) {
    // A COMMIT that could not get the lock leaves the transaction open: then nothing is written, and this
    // undoes it.
    rollback();
    return committed;
  }
  database_ = nullptr;
  return {};
}

void Transaction::rollback() {
  if (database_ == nullptr) return;
  Database& database = *std::exchange(database_, nullptr);
  // Many errors have rolled back by themselves. A rollback that fails leaves a connection that refuses all
  // that follows.
  if (database.in_transaction()) (void)database.connection_->script("ROLLBACK");
}

Result<Savepoint> Savepoint::set(Database& database) {
  TRY_STATUS(database.run("SAVEPOINT part"));
  return Savepoint(database);
}

Savepoint::Savepoint(Savepoint&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}

Savepoint::~Savepoint() {
  if (database_ != nullptr && database_->in_transaction()) {
    (void)database_->connection_->script("ROLLBACK TO part; RELEASE part");
  }
}

Status Savepoint::keep() { return std::exchange(database_, nullptr)->run("RELEASE part"); }

}  // namespace manastr::storage
