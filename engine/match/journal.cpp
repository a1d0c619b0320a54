#include "engine/match/journal.h"

#include <mutex>
#include <unordered_set>

#include "common/base/failpoint.h"
#include "common/storage/migrations.h"

namespace manastr::engine {
namespace {

using storage::Database;
using storage::Query;
using storage::Transaction;

constexpr std::size_t kQueued = 4096;
constexpr std::size_t kBatch = 1024;
constexpr Millis kHeartbeat{1000};

constexpr storage::Migration kSchema[] = {{"the first journal", R"(
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE matches (
  id BLOB PRIMARY KEY, creator BLOB NOT NULL, creator_d TEXT NOT NULL, opened_ms INTEGER NOT NULL,
  changed_ms INTEGER NOT NULL, phase TEXT NOT NULL, finished INTEGER NOT NULL,
  UNIQUE (creator, creator_d));
CREATE INDEX matches_unfinished ON matches (id) WHERE finished = 0;
CREATE TABLE inputs (
  match BLOB NOT NULL, step INTEGER NOT NULL, version INTEGER NOT NULL, at_ms INTEGER NOT NULL, body TEXT NOT NULL,
  UNIQUE (match, step));
CREATE TABLE receipts (
  match BLOB NOT NULL, sequence INTEGER NOT NULL, id BLOB NOT NULL UNIQUE, body TEXT NOT NULL,
  acknowledged INTEGER NOT NULL DEFAULT 0,
  UNIQUE (match, sequence));
CREATE INDEX receipts_unacknowledged ON receipts (match) WHERE acknowledged = 0;
CREATE TABLE outbox (key TEXT PRIMARY KEY, match BLOB NOT NULL, body TEXT NOT NULL);
CREATE INDEX outbox_of_match ON outbox (match);
CREATE TABLE rake (
  match BLOB NOT NULL, issue INTEGER NOT NULL, payout_group INTEGER NOT NULL, unit TEXT NOT NULL, signatures TEXT NOT NULL,
  UNIQUE (match, issue, payout_group));
CREATE TABLE misconduct (author BLOB NOT NULL, at_ms INTEGER NOT NULL, match BLOB NOT NULL, event BLOB NOT NULL, what TEXT NOT NULL);
CREATE INDEX misconduct_at ON misconduct (at_ms);
CREATE TABLE announcements (number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, body TEXT NOT NULL);
)"}};

Result<nostr::Event> stored_event(std::string_view text) {
  auto event = nostr::parse_event(text);
  if (!event) return broken("the journal holds a damaged event: restore the data folder from a backup");
  return event;
}

Status write_step(Database& database, const JournaledStep& step) {
  const std::int64_t at = count(step.at);
  if (step.step == 0) {
    TRY_STATUS(
        database.run("INSERT INTO matches (id, creator, creator_d, opened_ms, changed_ms, phase, finished) "
                     "VALUES (?, ?, ?, ?, ?, ?, ?)",
                     step.match, step.creator.bytes, step.creator_d, at, at, step.phase, step.finished));
  } else {
    TRY_STATUS(database.run("UPDATE matches SET changed_ms = ?, phase = ?, finished = ? WHERE id = ?", at,
                            step.phase, step.finished, step.match));
  }
  TRY_STATUS(database.run("INSERT INTO inputs (match, step, version, at_ms, body) VALUES (?, ?, ?, ?, ?)",
                          step.match, step.step, step.version, at, step.input));
  for (const JournaledReceipt& receipt : step.receipts) {
    TRY_STATUS(database.run("INSERT INTO receipts (match, sequence, id, body) VALUES (?, ?, ?, ?)",
                            step.match, receipt.sequence, receipt.event.id, nostr::dump(receipt.event)));
  }
  for (const auto& [key, body] : step.effects) {
    TRY_STATUS(database.run("INSERT INTO outbox (key, match, body) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                            key, step.match, body));
  }
  for (const std::string& key : step.effects_done) {
    TRY_STATUS(database.run("DELETE FROM outbox WHERE key = ?", key));
  }
  for (const JournaledStep::Rake& rake : step.rake) {
    TRY_STATUS(
        database.run("INSERT INTO rake (match, issue, payout_group, unit, signatures) VALUES (?, ?, ?, ?, ?) "
                     "ON CONFLICT DO NOTHING",
                     step.match, rake.issue, rake.group, rake.unit, rake.signatures));
  }
  for (const JournaledStep::Misconduct& each : step.misconduct) {
    TRY_STATUS(
        database.run("INSERT INTO misconduct (author, at_ms, match, event, what) VALUES (?, ?, ?, ?, ?)",
                     each.author.bytes, at, step.match, each.event, each.what));
  }
  return {};
}

}  // namespace

struct Journal::Database {
  storage::Database writing;
  std::mutex reading_mutex;
  storage::Database reading;
};

Journal::Journal(std::unique_ptr<Database> database, const Clock& clock)
    : clock_(clock), database_(std::move(database)), inbox_(kQueued) {}

Journal::~Journal() { stop(); }

Result<std::unique_ptr<Journal>> Journal::open(const std::filesystem::path& file,
                                               const crypto::XOnlyKey& engine, const Clock& clock,
                                               const storage::OpenOptions& storage) {
  TRY(storage::Database writing, storage::Database::open(file.string(), storage));
  TRY_STATUS(storage::migrate(writing, storage::kEngineJournal, kSchema));
  TRY_STATUS(writing.check_integrity());
  bool known = false;
  {
    TRY(Query owner, writing.query("SELECT value FROM meta WHERE key = 'engine'"));
    TRY(known, owner.next());
    if (known && std::string(owner.text(0)) != engine.hex()) {
      return invalid(file.string() + " belongs to the engine key " + std::string(owner.text(0)) +
                     ", not to " + engine.hex() + ": use that key, or another data folder");
    }
  }
  if (!known) TRY_STATUS(writing.run("INSERT INTO meta (key, value) VALUES ('engine', ?)", engine.hex()));
  TRY(storage::Database reading,
      storage::Database::open(file.string(), {.create = false, .read_only = true, .vfs = storage.vfs}));
  auto database = std::unique_ptr<Database>(new Database{std::move(writing), {}, std::move(reading)});
  return std::unique_ptr<Journal>(new Journal(std::move(database), clock));
}

Result<std::vector<JournaledMatch>> Journal::unfinished() const {
  storage::Database& database = database_->writing;
  std::vector<JournaledMatch> out;
  {
    TRY(Query rows, database.query("SELECT id FROM matches WHERE finished = 0 ORDER BY opened_ms, id"));
    while (true) {
      TRY(const bool more, rows.next());
      if (!more) break;
      TRY(const MatchId id, rows.array<32>(0));
      out.push_back({.match = id});
    }
  }
  for (JournaledMatch& match : out) {
    TRY(Query inputs,
        database.query("SELECT step, version, at_ms, body FROM inputs WHERE match = ? ORDER BY step",
                       match.match));
    while (true) {
      TRY(const bool more, inputs.next());
      if (!more) break;
      if (inputs.unsigned_integer(0) != match.inputs.size())
        return broken("the journal lacks a step of a match: restore the data folder from a backup");
      match.inputs.push_back({.version = static_cast<std::uint32_t>(inputs.integer(1)),
                              .at = unix_millis(inputs.integer(2)),
                              .input = std::string(inputs.text(3))});
    }
    TRY(Query receipts,
        database.query("SELECT sequence, acknowledged, body FROM receipts WHERE match = ? ORDER BY sequence",
                       match.match));
    while (true) {
      TRY(const bool more, receipts.next());
      if (!more) break;
      TRY(nostr::Event event, stored_event(receipts.text(2)));
      if (receipts.integer(1) == 0) match.unacknowledged.push_back(event.id);
      match.receipts.push_back({.sequence = receipts.unsigned_integer(0), .event = std::move(event)});
    }
    TRY(Query outbox, database.query("SELECT key FROM outbox WHERE match = ? ORDER BY rowid", match.match));
    while (true) {
      TRY(const bool more, outbox.next());
      if (!more) break;
      match.outbox.emplace_back(outbox.text(0));
    }
  }
  return out;
}

Result<std::optional<UnixMillis>> Journal::last_alive() const {
  TRY(Query row, database_->writing.query("SELECT value FROM meta WHERE key = 'alive_ms'"));
  TRY(const bool known, row.next());
  if (!known) return std::nullopt;
  return unix_millis(row.integer(0));
}

Result<std::vector<Journal::Slot>> Journal::slots() const {
  std::vector<Slot> out;
  TRY(Query rows, database_->writing.query("SELECT creator, creator_d, id FROM matches"));
  while (true) {
    TRY(const bool more, rows.next());
    if (!more) return out;
    Slot slot;
    TRY(slot.creator.bytes, rows.array<32>(0));
    slot.d = rows.text(1);
    TRY(slot.match, rows.array<32>(2));
    out.push_back(std::move(slot));
  }
}

Result<std::vector<std::pair<crypto::XOnlyKey, UnixMillis>>> Journal::misconduct(UnixMillis since) const {
  std::vector<std::pair<crypto::XOnlyKey, UnixMillis>> out;
  TRY(Query rows,
      database_->writing.query("SELECT author, at_ms FROM misconduct WHERE at_ms >= ?", count(since)));
  while (true) {
    TRY(const bool more, rows.next());
    if (!more) return out;
    crypto::XOnlyKey author;
    TRY(author.bytes, rows.array<32>(0));
    out.emplace_back(author, unix_millis(rows.integer(1)));
  }
}

Status Journal::adopt(const std::vector<JournaledStep>& steps) {
  storage::Database& database = database_->writing;
  TRY(Transaction transaction, Transaction::begin(database));
  for (const std::string_view table : {"inputs", "receipts", "outbox", "rake", "misconduct"}) {
    TRY_STATUS(database.run("DELETE FROM " + std::string(table) + " WHERE match = ?", steps.front().match));
  }
  TRY_STATUS(database.run("DELETE FROM matches WHERE id = ?", steps.front().match));
  for (const JournaledStep& step : steps) TRY_STATUS(write_step(database, step));
  return transaction.commit();
}

Result<std::vector<nostr::Event>> Journal::announcements() const {
  std::vector<nostr::Event> out;
  TRY(Query rows, database_->writing.query("SELECT body FROM announcements ORDER BY number"));
  while (true) {
    TRY(const bool more, rows.next());
    if (!more) return out;
    TRY(nostr::Event event, stored_event(rows.text(0)));
    out.push_back(std::move(event));
  }
}

Result<std::vector<nostr::Event>> Journal::unacknowledged_of_finished() const {
  std::vector<nostr::Event> out;
  TRY(Query rows, database_->writing.query(
                      "SELECT receipts.body FROM receipts JOIN matches ON matches.id = receipts.match "
                      "WHERE acknowledged = 0 AND finished = 1 ORDER BY receipts.rowid"));
  while (true) {
    TRY(const bool more, rows.next());
    if (!more) return out;
    TRY(nostr::Event event, stored_event(rows.text(0)));
    out.push_back(std::move(event));
  }
}

Status Journal::add_announcement(const nostr::Event& event) {
  const Hash32 id = event.id;
  std::string body = nostr::dump(event);
  std::promise<Status> done;
  auto result = done.get_future();
  if (!thread_.joinable()) {
    return database_->writing.run("INSERT INTO announcements (id, body) VALUES (?, ?) ON CONFLICT DO NOTHING",
                                  id, body);
  }
  if (!inbox_.push(Announcement{id, std::move(body), &done})) return unavailable("the journal is closed");
  return result.get();
}

void Journal::start(std::function<void(const Error&)> failed) {
  failed_ = std::move(failed);
  thread_ = std::thread([this] { run(); });
}

void Journal::stop() {
  inbox_.close();
  if (thread_.joinable()) thread_.join();
}

bool Journal::submit(JournaledStep step) { return inbox_.push(std::move(step)); }

void Journal::after_commit(std::function<void()> then) { inbox_.push_reply(std::move(then)); }

void Journal::acknowledged(const nostr::EventId& receipt) { inbox_.push_reply(receipt); }

void Journal::run() {
  Monotonic heartbeat_due = clock_.monotonic();
  while (!inbox_.drained()) {
    std::deque<Job> jobs = inbox_.take(kBatch, heartbeat_due);
    if (jobs.empty() && clock_.monotonic() < heartbeat_due) continue;
    const Monotonic begun = clock_.monotonic();
    const Status written = commit(jobs);
    const auto took = std::chrono::duration_cast<Millis>(clock_.monotonic() - begun).count();
    if (took > slowest_commit_ms_) slowest_commit_ms_ = took;
    heartbeat_due = begun + kHeartbeat;
    if (!written) {
      inbox_.close();
      for (Job& job : jobs) {
        if (auto* announcement = std::get_if<Announcement>(&job)) announcement->done->set_value(written);
      }
      for (Job& job : inbox_.take(std::numeric_limits<std::size_t>::max(), begun)) {
        if (auto* announcement = std::get_if<Announcement>(&job)) announcement->done->set_value(written);
      }
      failed_(written.error());
      return;
    }
    ++commits_;
    failpoint("engine.after-commit");
    for (Job& job : jobs) {
      if (auto* step = std::get_if<JournaledStep>(&job)) {
        ++steps_;
        if (step->committed) step->committed();
      } else if (auto* announcement = std::get_if<Announcement>(&job)) {
        announcement->done->set_value({});
      } else if (auto* then = std::get_if<std::function<void()>>(&job)) {
        (*then)();
      }
    }
    failpoint("engine.after-effects");
  }
}

Status Journal::commit(const std::deque<Job>& jobs) {
  failpoint("engine.before-commit");
  storage::Database& database = database_->writing;
  TRY(Transaction transaction, Transaction::begin(database));
  for (const Job& job : jobs) {
    if (const auto* step = std::get_if<JournaledStep>(&job)) {
      TRY_STATUS(write_step(database, *step));
    } else if (const auto* announcement = std::get_if<Announcement>(&job)) {
      TRY_STATUS(database.run("INSERT INTO announcements (id, body) VALUES (?, ?) ON CONFLICT DO NOTHING",
                              announcement->id, announcement->body));
    } else if (const auto* acknowledged = std::get_if<nostr::EventId>(&job)) {
      TRY_STATUS(database.run("UPDATE receipts SET acknowledged = 1 WHERE id = ?", *acknowledged));
    }
  }
  TRY_STATUS(
      database.run("INSERT INTO meta (key, value) VALUES ('alive_ms', ?) "
                   "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                   count(clock_.now())));
  return transaction.commit();
}

Result<std::optional<std::string>> Journal::transcript(const MatchId& match) const {
  const std::lock_guard lock(database_->reading_mutex);
  TRY(Query rows,
      database_->reading.query("SELECT body FROM receipts WHERE match = ? ORDER BY sequence", match));
  std::string out;
  while (true) {
    TRY(const bool more, rows.next());
    if (!more) break;
    out += out.empty() ? '[' : ',';
    out += rows.text(0);
  }
  if (out.empty()) return std::nullopt;
  return out + "]";
}

Result<std::optional<nostr::Event>> Journal::last_receipt(const MatchId& match) const {
  const std::lock_guard lock(database_->reading_mutex);
  TRY(Query row, database_->reading.query(
                     "SELECT body FROM receipts WHERE match = ? ORDER BY sequence DESC LIMIT 1", match));
  TRY(const bool known, row.next());
  if (!known) return std::nullopt;
  TRY(nostr::Event event, stored_event(row.text(0)));
  return event;
}

JournalFigures Journal::figures() const {
  return {.steps = steps_,
          .commits = commits_,
          .slowest_commit = Millis{slowest_commit_ms_},
          .queued = inbox_.size()};
}

}  // namespace manastr::engine
