#include "mint/backup/restore.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "common/base/failpoint.h"
#include "common/postgres/client_program.h"
#include "common/storage/directory_lock.h"
#include "common/storage/durable_file.h"
#include "mint/audit/postgres_view.h"
#include "mint/audit/sqlite_view.h"
#include "mint/backup/checks.h"
#include "mint/ledger/postgres/postgres_ledger.h"
#include "mint/ledger/postgres/schema.h"
#include "mint/ledger/sqlite_ledger.h"

namespace manastr::mint {
namespace {

constexpr postgres::Statement kSchema{"schema_named", "SELECT count(*) FROM pg_namespace WHERE nspname = $1"};
constexpr postgres::Statement kAlone{"restore_alone", "SELECT pg_try_advisory_lock(5570193308277399046)"};
constexpr postgres::Statement kNobody{"nobody_runs", "UPDATE mint.replicas SET incarnation = ''"};
constexpr postgres::Statement kMajor{"server_major",
                                     "SELECT current_setting('server_version_num')::int8 / 10000"};

double seconds_since(const Clock& clock, Monotonic begin) {
  return std::chrono::duration<double>(clock.monotonic() - begin).count();
}

Status check_digest(const Manifest& manifest, const FileDigest& found, const std::string& from) {
  if (found == FileDigest{manifest.bytes, manifest.sha256}) return {};
  return invalid(from + " is not the file that its manifest describes: it is damaged or another one's");
}

/// Everything of before is held from now on. A quote's age is known to the second, so that of the backup has
/// to be over.
Status hold(Ledger& ledger, const Manifest& manifest, const Clock& clock) {
  while (clock.now_seconds() <= manifest.taken_at) std::this_thread::sleep_for(Millis{20});
  json::Value detail;
  detail.set("taken_at", count(manifest.taken_at)).set("sha256", manifest.sha256);
  return ledger.add_origin({Origin::Kind::restored, clock.now_seconds(), detail.dump(), false});
}

/// `holds`: false in a drill, whose ledger nobody will use.
struct Task {
  const Configuration& configuration;
  const std::string& directory;
  const std::string& from;
  const Clock& clock;
  bool holds;
};

// --- SQLite

void remove_database(const std::string& file) {
  for (const char* each : {"", "-wal", "-shm"}) storage::remove_file(file + each);
}

/// Into `part`, which is complete and synced then.
Status put_back(const Task& task, const std::string& part, RestoreReport& report) {
  const Monotonic begin = task.clock.monotonic();
  remove_database(part);
  std::error_code error;
  std::filesystem::copy_file(task.from, part, error);
  if (error) return invalid(task.from + " can't be copied to " + part + ": " + error.message());
  std::filesystem::permissions(part,
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  TRY(const FileDigest digest, digest_of(part));
  TRY_STATUS(check_digest(report.manifest, digest, task.from));
  TRY_STATUS(storage::sync_file(part));
  report.restore_seconds = seconds_since(task.clock, begin);

  const Monotonic checks = task.clock.monotonic();
  std::vector<SignatureRow> signatures;
  {
    TRY(storage::Database database, storage::Database::open(part, {.create = false}));
    TRY_STATUS(database.check_integrity());
    TRY(const Inventory found, inventory_of(database));
    if (const std::string wrong = difference(report.manifest.inventory, found); !wrong.empty())
      return invalid(wrong);
    TRY(signatures, some_signatures(database));
  }
  SqliteLedgerOptions options;
  options.file = part;
  {
    TRY(const std::unique_ptr<Ledger> ledger, open_sqlite_ledger(std::move(options)));
    TRY_STATUS(
        check_ledger(*ledger, report.manifest.inventory, signatures, task.configuration, task.directory));
    failpoint("restore.before-hold");
    if (task.holds) TRY_STATUS(hold(*ledger, report.manifest, task.clock));
  }
  {
    TRY(const std::unique_ptr<LedgerView> view, view_sqlite_ledger(part));
    TRY_STATUS(check_books(*view, task.configuration, task.directory));
  }
  {
    TRY(storage::Database database, storage::Database::open(part, {.create = false}));
    TRY_STATUS(database.checkpoint());
  }
  report.checked_signatures = signatures.size();
  report.check_seconds = seconds_since(task.clock, checks);
  return storage::sync_file(part);
}

Status restore_sqlite(const Task& task, const std::string& target, RestoreReport& report) {
  std::error_code error;
  if (std::filesystem::exists(target, error)) {
    return invalid(target + " is there already: a restore never touches a ledger; move it away first, and " +
                   target + "-wal and -shm with it");
  }
  for (const char* each : {"-wal", "-shm"}) {
    if (std::filesystem::exists(target + each, error))
      return invalid(target + each + " is there without its ledger: move it away first");
  }
  const std::string part = target + ".restoring";
  Status done = put_back(task, part, report);
  if (done) done = storage::name_file(part, target);
  remove_database(part);
  return done;
}

// --- PostgreSQL

crypto::SecretText owner_url(const Configuration& configuration) {
  return configuration.database_owner_url.empty() ? crypto::SecretText(configuration.database.secret_text())
                                                  : configuration.database_owner_url;
}

Status put_back(const Task& task, const crypto::SecretText& url, postgres::Connection& connection,
                RestoreReport& report) {
  const Monotonic begin = task.clock.monotonic();
  TRY(const postgres::Address address, postgres::Address::parse(url, "manastr-mint restore"));
  TRY(const postgres::Rows major, connection.ask(kMajor));
  const std::vector<std::string> arguments{
      "--dbname=" + (address.database().empty() ? address.user() : address.database()),
      "--single-transaction",
      "--exit-on-error",
      "--no-owner",
      "--no-privileges",
      "--no-password",
      task.from};
  TRY_STATUS(
      postgres::run_client_program(address, static_cast<int>(major.integer(0, 0)), "pg_restore", arguments));
  // A mint of the lost ledger that still runs is in the backup, and would go on without knowing what is held.
  TRY_STATUS(connection.ask(kNobody));
  report.restore_seconds = seconds_since(task.clock, begin);

  const Monotonic checks = task.clock.monotonic();
  TRY(const Inventory found, inventory_of(connection));
  if (const std::string wrong = difference(report.manifest.inventory, found); !wrong.empty())
    return invalid(wrong);
  TRY(const std::vector<SignatureRow> signatures, some_signatures(connection));
  // The dump has no rights in it, for its roles may have other names here.
  TRY_STATUS(connection.execute("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA mint FROM PUBLIC"));
  TRY(const std::string runtime, role_of(crypto::SecretText(task.configuration.database.secret_text())));
  TRY_STATUS(migrate_postgres_ledger(url, runtime, true));
  PostgresLedgerOptions options;
  options.url = url;
  options.replica = "restore";
  options.node = "none";
  options.connections = 2;
  options.restoring = true;
  TRY(const std::unique_ptr<Ledger> ledger, open_postgres_ledger(std::move(options)));
  TRY_STATUS(
      check_ledger(*ledger, report.manifest.inventory, signatures, task.configuration, task.directory));
  TRY(const std::unique_ptr<LedgerView> view, view_postgres_ledger(url, true));
  TRY_STATUS(check_books(*view, task.configuration, task.directory));
  failpoint("restore.before-hold");
  if (task.holds) TRY_STATUS(hold(*ledger, report.manifest, task.clock));
  report.checked_signatures = signatures.size();
  report.check_seconds = seconds_since(task.clock, checks);
  return {};
}

Result<bool> has_schema(postgres::Connection& connection, const char* name) {
  TRY(const postgres::Rows found, connection.ask(kSchema, postgres::Parameters().add(name)));
  return found.integer(0, 0) != 0;
}

/// pg_restore commits before anything is checked and held. Until then the mark keeps mints off, and tells the
/// next restore that this one broke off.
Status restore_postgres(const Task& task, const crypto::SecretText& url, RestoreReport& report) {
  TRY(const FileDigest digest, digest_of(task.from));
  TRY_STATUS(check_digest(report.manifest, digest, task.from));
  TRY(const postgres::Address address, postgres::Address::parse(url, "manastr-mint restore"));
  TRY(const std::unique_ptr<postgres::Connection> connection, postgres::Connection::open(address));
  TRY(const postgres::Rows alone, connection->ask(kAlone));
  if (alone.integer(0, 0) == 0)
    return invalid("another restore into the database " + address.described() + " is under way");
  // A mint that starts now makes its schema before this, or finds the mark.
  TRY_STATUS(connection->execute(std::string("BEGIN; SET LOCAL lock_timeout = '60s'; ").append(kLockSchema)));
  TRY(const bool ledger, has_schema(*connection, "mint"));
  TRY(const bool broke_off, has_schema(*connection, kRestoringSchema));
  if (ledger && !broke_off) {
    return invalid("the database " + address.described() +
                   " has a schema \"mint\" already: a restore never touches a ledger; use an empty database");
  }
  const std::string mark(kRestoringSchema);
  TRY_STATUS(connection->execute("DROP SCHEMA IF EXISTS mint CASCADE; CREATE SCHEMA IF NOT EXISTS " + mark +
                                 "; COMMIT"));
  const Status done = put_back(task, url, *connection, report);
  if (done) {
    TRY_STATUS(connection->execute("DROP SCHEMA " + mark));
    return {};
  }
  // What is there is this restore's own: it was empty before.
  if (connection->usable())
    (void)connection->execute("BEGIN; DROP SCHEMA IF EXISTS mint CASCADE; DROP SCHEMA " + mark + "; COMMIT");
  return done;
}

/// A database for a drill, gone when this ends.
class DrillDatabase {
 public:
  static Result<std::unique_ptr<DrillDatabase>> make(const crypto::SecretText& url) {
    TRY(const postgres::Address address, postgres::Address::parse(url, "manastr-mint drill"));
    auto out = std::unique_ptr<DrillDatabase>(new DrillDatabase);
    TRY(out->connection_, postgres::Connection::open(address));
    const std::string name = "manastr_drill_" + to_hex(system_random().bytes<4>());
    if (auto made = out->connection_->execute("CREATE DATABASE " + name + " TEMPLATE template0"); !made) {
      return invalid("no database for the drill can be made (" + made.error().message +
                     "): give the role of [database] owner_url the right to (ALTER ROLE … CREATEDB)");
    }
    out->name_ = name;
    return out;
  }
  ~DrillDatabase() {
    if (!name_.empty()) (void)connection_->execute("DROP DATABASE " + name_ + " WITH (FORCE)");
  }
  const std::string& name() const { return name_; }

 private:
  DrillDatabase() = default;
  std::unique_ptr<postgres::Connection> connection_;
  std::string name_;
};

// --- both

Result<RestoreReport> begin(const Configuration& configuration, const std::string& from) {
  RestoreReport out;
  TRY(out.manifest, read_manifest(from));
  if (out.manifest.postgresql != configuration.database.is_postgresql()) {
    return invalid(from + std::string(" is a backup of a ledger in ") +
                   (out.manifest.postgresql ? "PostgreSQL" : "SQLite") +
                   ", and [database] url names the other: set it accordingly");
  }
  return out;
}

Result<RestoreReport> end(const std::string& from, const Status& done, RestoreReport report) {
  if (done) return report;
  Error error = done.error();
  error.message = from + " was not restored: " + error.message;
  return std::unexpected(std::move(error));
}

}  // namespace

Result<RestoreReport> restore(const Configuration& configuration, const std::string& directory,
                              const std::string& from, const Clock& clock) {
  TRY(RestoreReport report, begin(configuration, from));
  TRY(const storage::DirectoryLock lock, storage::DirectoryLock::acquire(directory));
  const Task task{configuration, directory, from, clock, true};
  const Status done = report.manifest.postgresql
                          ? restore_postgres(task, owner_url(configuration), report)
                          : restore_sqlite(task, configuration.sqlite_file(directory), report);
  return end(from, done, std::move(report));
}

Result<RestoreReport> drill(const Configuration& configuration, const std::string& directory,
                            const std::string& from, const Clock& clock) {
  TRY(RestoreReport report, begin(configuration, from));
  const Task task{configuration, directory, from, clock, false};
  if (report.manifest.postgresql) {
    const crypto::SecretText url = owner_url(configuration);
    TRY(const std::unique_ptr<DrillDatabase> database, DrillDatabase::make(url));
    const Status done = restore_postgres(task, postgres::with_database(url, database->name()), report);
    return end(from, done, std::move(report));
  }
  std::string folder = directory + "/drill-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr)
    return invalid("no folder for the drill can be made in " + directory + ": is it there?");
  const Status done = restore_sqlite(task, folder + "/ledger.sqlite", report);
  std::error_code error;
  std::filesystem::remove_all(folder, error);
  return end(from, done, std::move(report));
}

Status confirm_restore(const Configuration& configuration, const std::string& directory, const Clock& clock) {
  TRY(const storage::DirectoryLock lock, storage::DirectoryLock::acquire(directory));
  std::unique_ptr<Ledger> ledger;
  if (configuration.database.is_postgresql()) {
    PostgresLedgerOptions options;
    options.url = owner_url(configuration);
    options.replica = "confirm-restore";
    options.node = "none";
    options.connections = 2;
    TRY(ledger, open_postgres_ledger(std::move(options)));
  } else {
    SqliteLedgerOptions options;
    options.file = configuration.sqlite_file(directory);
    std::error_code error;
    if (!std::filesystem::exists(options.file, error)) return invalid("there is no ledger " + options.file);
    TRY(ledger, open_sqlite_ledger(std::move(options)));
  }
  TRY(const std::vector<Origin> origins, ledger->origins());
  bool waits = false;
  for (const Origin& each : origins) waits = waits || (each.kind == Origin::Kind::restored && !each.settled);
  if (!waits) return invalid("this ledger waits for no confirmation");
  return ledger->settle_origins(clock.now_seconds());
}

}  // namespace manastr::mint
