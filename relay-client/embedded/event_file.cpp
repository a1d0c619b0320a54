#include "relay-client/embedded/event_file.h"

#include <array>
#include <thread>

#include "common/base/inbox.h"
#include "common/storage/database.h"
#include "common/storage/migrations.h"
#include "common/telemetry/log.h"

namespace manastr::relay::embedded {
namespace {

constexpr std::size_t kBatch = 2'000;
constexpr std::size_t kQueue = 100'000;

constexpr std::array<storage::Migration, 1> kMigrations = {{
    {"events", "CREATE TABLE events (id BLOB PRIMARY KEY NOT NULL, json TEXT NOT NULL) STRICT;"},
}};

struct Change {
  std::uint64_t number = 0;  // 0: nobody waits
  nostr::EventId id{};
  std::string json;                  // of an insertion
  std::vector<nostr::EventId> gone;  // of a removal
};

}  // namespace

class EventFile::Impl {
 public:
  Impl(storage::Database database, Committed committed)
      : database_(std::move(database)),
        committed_(std::move(committed)),
        inbox_(kQueue),
        thread_([this] { run(); }) {}
  ~Impl() {
    inbox_.close();
    thread_.join();
  }
  void push(Change change) { inbox_.push(std::move(change)); }

 private:
  void run() {
    Status broken_status;
    while (true) {
      const auto batch = inbox_.take(kBatch);
      if (batch.empty()) return;
      if (broken_status) broken_status = write(batch);
      std::vector<std::uint64_t> numbers;
      for (const Change& change : batch) {
        if (change.number != 0) numbers.push_back(change.number);
      }
      if (!numbers.empty() || !broken_status) committed_(std::move(numbers), broken_status);
    }
  }
  Status write(const std::deque<Change>& batch) {
    TRY(storage::Transaction transaction, storage::Transaction::begin(database_));
    for (const Change& change : batch) {
      for (const nostr::EventId& id : change.gone)
        TRY_STATUS(database_.run("DELETE FROM events WHERE id = ?", id));
      if (!change.json.empty()) {
        TRY_STATUS(
            database_.run("INSERT OR IGNORE INTO events (id, json) VALUES (?, ?)", change.id, change.json));
      }
    }
    return transaction.commit();
  }

  storage::Database database_;
  Committed committed_;
  Inbox<Change> inbox_;
  std::thread thread_;
};

Result<std::unique_ptr<EventFile>> EventFile::open(const std::string& directory,
                                                   const std::function<void(nostr::Event)>& load,
                                                   Committed committed) {
  TRY(storage::Database database, storage::Database::open(directory + "/events.sqlite"));
  TRY_STATUS(storage::migrate(database, storage::kRelayEvents, kMigrations));
  {
    TRY(storage::Query rows, database.query("SELECT json FROM events"));
    std::uint64_t unreadable = 0;
    while (true) {
      TRY(const bool more, rows.next());
      if (!more) break;
      auto event = nostr::parse_event(rows.text(0));
      if (event) {
        load(std::move(*event));
      } else {
        ++unreadable;
      }
    }
    if (unreadable > 0)
      telemetry::log_warn("events in the file can't be read and are left out", {{"events", unreadable}});
  }
  return std::unique_ptr<EventFile>(
      new EventFile(std::make_unique<Impl>(std::move(database), std::move(committed))));
}

EventFile::EventFile(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EventFile::~EventFile() = default;
void EventFile::insert(std::uint64_t number, const nostr::EventId& id, std::string json) {
  impl_->push({.number = number, .id = id, .json = std::move(json)});
}
void EventFile::remove(std::vector<nostr::EventId> ids) {
  if (!ids.empty()) impl_->push({.gone = std::move(ids)});
}

}  // namespace manastr::relay::embedded
