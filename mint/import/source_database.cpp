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
  return invalid(what +
                 " is in use: stop the other mint first, for what it does during an import would be "
                 "lost");
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
    TRY(out->connection_, postgres::Connection::open(address));
    TRY(const postgres::Rows others, out->connection_->ask(kOthers));
    if (others.integer(0, 0) != 0) return still_runs(address.described());
    TRY_STATUS(
        out->connection_->execute("SET idle_in_transaction_session_timeout = 0; SET statement_timeout = 0; "
                                  "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"));
    return out;
  }
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return invalid("there is no database " + path);
  if (is_open_elsewhere(path)) return still_runs(path);
  TRY(storage::Database file, storage::Database::open(path, {.create = false, .read_only = true}));
  out->file_.emplace(std::move(file));
  TRY_STATUS(out->file_->execute("BEGIN; SELECT count(*) FROM sqlite_schema"));
  return out;
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
