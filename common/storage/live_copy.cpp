#include "common/storage/live_copy.h"

#include <sqlite3.h>

#include <memory>
#include <thread>

#include "common/storage/durable_file.h"

namespace manastr::storage {
namespace {

struct Close {
  void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
};
using Handle = std::unique_ptr<sqlite3, Close>;

Result<Handle> open(const std::string& path, int flags) {
  sqlite3* raw = nullptr;
  const int opened = sqlite3_open_v2(path.c_str(), &raw, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  Handle handle(raw);
  if (opened != SQLITE_OK) return invalid(path + " can't be opened: " + sqlite3_errstr(opened));
  sqlite3_busy_timeout(raw, 5'000);
  return handle;
}

Status run(const Handle& handle, const std::string& path, const char* script) {
  if (sqlite3_exec(handle.get(), script, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return invalid(path + ": " + sqlite3_errmsg(handle.get()));
}

Status copy(const std::string& from, const std::string& to, const CopyPace& pace) {
  TRY(const Handle source, open(from, SQLITE_OPEN_READONLY));
  TRY(const Handle target, open(to, SQLITE_OPEN_READWRITE));
  // The transaction keeps one view of the source for all steps: without it the copy would begin anew with
  // every commit of others, and under a load never end.
  TRY_STATUS(run(source, from, "BEGIN; SELECT count(*) FROM sqlite_schema"));
  // It is synced whole at the end; what a crash leaves before that has no name yet.
  TRY_STATUS(run(target, to, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF"));
  const std::unique_ptr<sqlite3_backup, int (*)(sqlite3_backup*)> backup(
      sqlite3_backup_init(target.get(), "main", source.get(), "main"), sqlite3_backup_finish);
  if (!backup) return invalid(to + ": " + sqlite3_errmsg(target.get()));
  for (;;) {
    const int step = sqlite3_backup_step(backup.get(), pace.pages);
    if (step == SQLITE_DONE) return {};
    if (step == SQLITE_FULL) return unavailable("the disk that holds " + to + " is full");
    if (step != SQLITE_OK && step != SQLITE_BUSY && step != SQLITE_LOCKED)
      return invalid("copying " + from + " failed: " + sqlite3_errstr(step));
    std::this_thread::sleep_for(pace.rest);
  }
}

}  // namespace

Status copy_live(const std::string& from, const std::string& to, const CopyPace& pace) {
  TRY_STATUS(make_file(to));
  Status done = copy(from, to, pace);
  if (done) done = sync_file(to);
  if (!done) remove_file(to);
  return done;
}

}  // namespace manastr::storage
