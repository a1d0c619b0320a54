#include "mint/import/target.h"

#include <filesystem>

#include "common/postgres/connection.h"
#include "common/storage/durable_file.h"
#include "mint/ledger/postgres/postgres_ledger.h"
#include "mint/ledger/sqlite_ledger.h"

namespace manastr::mint {
namespace {

using postgres::Statement;

constexpr Millis kNoAudit{std::chrono::hours(24 * 365)};  // half of the books, they don't add up
constexpr Statement kHasSchema{"import_has_schema",
                               "SELECT count(*) FROM pg_namespace WHERE nspname = 'mint'"};
constexpr Statement kHasRows{
    "import_has_rows", "SELECT (SELECT count(*) FROM mint.keysets) + (SELECT count(*) FROM mint.proofs)"};

class SqliteTarget final : public ImportTarget {
 public:
  explicit SqliteTarget(std::string file) : file_(std::move(file)), part_(file_ + ".importing") {}
  ~SqliteTarget() override {
    ledger_.reset();
    remove_part();
  }
  Status open() {
    remove_part();
    SqliteLedgerOptions options;
    options.file = part_;
    TRY(ledger_, open_sqlite_ledger(std::move(options)));
    return {};
  }
  Ledger& ledger() override { return *ledger_; }
  Status finish() override {
    ledger_.reset();
    {
      TRY(storage::Database database, storage::Database::open(part_, {.create = false}));
      TRY_STATUS(database.checkpoint());
    }
    TRY_STATUS(storage::sync_file(part_));
    return storage::name_file(part_, file_);
  }

 private:
  void remove_part() const {
    for (const char* each : {"", "-wal", "-shm"}) storage::remove_file(part_ + each);
  }
  const std::string file_;
  const std::string part_;
  std::unique_ptr<Ledger> ledger_;
};

class PostgresTarget final : public ImportTarget {
 public:
  PostgresTarget(crypto::SecretText url, std::string runtime)
      : url_(std::move(url)), runtime_(std::move(runtime)) {}
  ~PostgresTarget() override {
    ledger_.reset();
    if (finished_ || !begun_) return;
    (void)connection_->execute("DROP SCHEMA IF EXISTS mint CASCADE");
    if (had_schema_) (void)migrate_postgres_ledger(url_, runtime_);
  }
  Status open() {
    TRY(const postgres::Address address, postgres::Address::parse(url_, "manastr-mint import"));
    TRY(connection_, postgres::Connection::open(address));
    TRY(const postgres::Rows schemas, connection_->ask(kHasSchema));
    had_schema_ = schemas.integer(0, 0) != 0;
    if (had_schema_) TRY_STATUS(migrate_postgres_ledger(url_, runtime_));
    if (had_schema_) {
      TRY(const postgres::Rows rows, connection_->ask(kHasRows));
      if (rows.integer(0, 0) != 0)
        return invalid(address.described() + " holds a ledger already: an import needs an empty one");
    }
    begun_ = true;
    TRY_STATUS(migrate_postgres_ledger(url_, runtime_));
    PostgresLedgerOptions options;
    options.url = url_;
    options.replica = std::string(kForeignReplica);
    options.node = std::string(kForeignReplica);
    options.connections = 2;
    options.audit_every = kNoAudit;
    TRY(ledger_, open_postgres_ledger(std::move(options)));
    return {};
  }
  Ledger& ledger() override { return *ledger_; }
  Status finish() override {
    finished_ = true;
    return {};
  }

 private:
  const crypto::SecretText url_;
  const std::string runtime_;
  std::unique_ptr<postgres::Connection> connection_;
  std::unique_ptr<Ledger> ledger_;
  bool had_schema_ = false;
  bool begun_ = false;
  bool finished_ = false;
};

}  // namespace

Result<std::unique_ptr<ImportTarget>> ImportTarget::open(const Configuration& configuration,
                                                         const std::string& directory) {
  if (configuration.database.is_postgresql()) {
    const crypto::SecretText url(configuration.database.secret_text());
    TRY(const std::string runtime, role_of(url));
    auto out = std::make_unique<PostgresTarget>(
        configuration.database_owner_url.empty() ? url : configuration.database_owner_url, runtime);
    TRY_STATUS(out->open());
    return out;
  }
  const std::string file = configuration.sqlite_file(directory);
  std::error_code error;
  if (std::filesystem::exists(file, error))
    return invalid(file + " is there already: an import needs an empty place");
  auto out = std::make_unique<SqliteTarget>(file);
  TRY_STATUS(out->open());
  return out;
}

}  // namespace manastr::mint
