#include "mint/import/source_database.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

namespace manastr::mint {
namespace {

using postgres::Statement;

constexpr std::size_t kFetched = 5'000;
constexpr Millis kPatience{600'000};
constexpr Statement kOthers{"others_connected",
                            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
                            "pid <> pg_backend_pid() AND "
                            "(backend_type = 'client backend' OR backend_type IS NULL)"};
constexpr Statement kRowsWritten{
    "rows_written",
    "SELECT CAST(coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) AS BIGINT) FROM pg_stat_user_tables"};

/// In WAL mode every process that has a database open holds a lock on one byte of its index.
bool is_open_elsewhere(const std::string& file) {
  constexpr off_t kOpenByte = 128;
  const int index = ::open((file + "-shm").c_str(), O_RDWR | O_CLOEXEC);
  if (index < 0) return false;
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = kOpenByte;
  lock.l_len = 1;
  const bool taken = ::fcntl(index, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  ::close(index);
  return taken;
}

std::unexpected<Error> still_runs(const std::string& what) {
  return invalid(what + ": stop the other mint first, for what it does during an import would be lost");
}

Status check_alone(postgres::Connection& connection, const std::string& name) {
  TRY(const postgres::Rows others, connection.ask(kOthers));
  if (others.integer(0, 0) != 0) return still_runs(name + " is in use");
  return {};
}

}  // namespace

bool SourceRow::is_null(int column) const {
  return query_ != nullptr ? query_->is_null(column) : rows_->is_null(row_, column);
}
std::int64_t SourceRow::integer(int column) const {
  return query_ != nullptr ? query_->integer(column) : rows_->integer(row_, column);
}
std::string SourceRow::text(int column) const {
  return std::string(query_ != nullptr ? query_->text(column) : rows_->text(row_, column));
}
ByteView SourceRow::blob(int column) const {
  return query_ != nullptr ? query_->blob(column) : rows_->blob(row_, column);
}

Result<std::unique_ptr<SourceDatabase>> SourceDatabase::open(const crypto::SecretText& place) {
  std::unique_ptr<SourceDatabase> out(new SourceDatabase);
  const std::string path(place.reveal());
  if (path.starts_with("postgres")) {
    // Some programs write their URLs like this.
    TRY(const postgres::Address address, postgres::Address::parse(place, "manastr-mint import"));
    out->name_ = address.described();
    TRY(out->connection_, postgres::Connection::open(address));
    TRY_STATUS(check_alone(*out->connection_, out->name_));
    TRY(out->writes_before_, out->writes());
    TRY_STATUS(
        out->connection_->execute("SET idle_in_transaction_session_timeout = 0; SET statement_timeout = 0; "
                                  "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1"));
    return out;
  }
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return invalid("there is no database " + path);
  if (is_open_elsewhere(path)) return still_runs(path + " is in use");
  out->name_ = path;
  TRY(storage::Database file, storage::Database::open(path, {.create = false, .read_only = true}));
  out->file_.emplace(std::move(file));
  TRY_STATUS(out->file_->execute("BEGIN; SELECT count(*) FROM sqlite_schema"));
  TRY(out->writes_before_, out->writes());
  return out;
}

/// A number that is another one after any write of another program; not within the view.
Result<std::int64_t> SourceDatabase::writes() {
  if (connection_) {
    TRY(const postgres::Rows rows, connection_->ask(kRowsWritten));
    return rows.integer(0, 0);
  }
  TRY(storage::Query query, file_->query("PRAGMA data_version"));
  TRY([[maybe_unused]] const bool found, query.next());
  return query.integer(0);
}

Status SourceDatabase::end_unchanged() {
  if (file_) {
    TRY_STATUS(file_->execute("COMMIT"));
  } else {
    TRY_STATUS(connection_->execute("COMMIT"));
    TRY_STATUS(check_alone(*connection_, name_));
  }
  TRY(const std::int64_t now, writes());
  if (now != writes_before_) return still_runs(name_ + " was written to during the import");
  return {};
}

Status SourceDatabase::each(const std::string& sql, const std::function<Status(const SourceRow&)>& row) {
  if (file_) {
    TRY(storage::Query query, file_->query(sql));
    for (;;) {
      TRY(const bool found, query.next());
      if (!found) return {};
      TRY_STATUS(row(SourceRow(query)));
    }
  }
  const std::string cursor = "c" + std::to_string(texts_.size());
  TRY_STATUS(connection_->execute("DECLARE " + cursor + " NO SCROLL CURSOR FOR " + sql));
  const std::string& name = texts_.emplace_back("fetch_" + cursor);
  const std::string& fetch =
      texts_.emplace_back("FETCH FORWARD " + std::to_string(kFetched) + " FROM " + cursor);
  const Statement statement{name.c_str(), fetch.c_str()};
  for (std::size_t n = kFetched; n == kFetched;) {
    connection_->queue(statement);
    TRY(const std::vector<postgres::Rows> answers, connection_->run(kPatience));
    n = answers.front().size();
    for (std::size_t i = 0; i < n; ++i) TRY_STATUS(row(SourceRow(answers.front(), i)));
  }
  TRY_STATUS(connection_->execute("CLOSE " + cursor));
  return {};
}

Result<bool> SourceDatabase::has_column(const std::string& table, const std::string& column) {
  const std::string sql =
      file_ ? "SELECT count(*) FROM pragma_table_info('" + table + "') WHERE name = '" + column + "'"
            : "SELECT count(*) FROM information_schema.columns WHERE table_schema = "
              "ANY(current_schemas(false)) "
              "AND table_name = '" +
                  table + "' AND column_name = '" + column + "'";
  bool out = false;
  TRY_STATUS(each(sql, [&](const SourceRow& row) -> Status {
    out = row.integer(0) > 0;
    return {};
  }));
  return out;
}

Result<std::string> SourceDatabase::column_or(const std::string& table, const std::string& column,
                                              const std::string& otherwise) {
  TRY(const bool has, has_column(table, column));
  return has ? column : otherwise;
}

Result<bool> SourceDatabase::has_table(const std::string& table) {
  const std::string sql =
      file_
          ? "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = '" + table + "'"
          : "SELECT count(*) FROM information_schema.tables WHERE table_schema = ANY(current_schemas(false)) "
            "AND table_name = '" +
                table + "'";
  bool out = false;
  TRY_STATUS(each(sql, [&](const SourceRow& row) -> Status {
    out = row.integer(0) > 0;
    return {};
  }));
  return out;
}

}  // namespace manastr::mint
