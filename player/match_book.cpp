#include "player/match_book.h"

#include "common/storage/migrations.h"

namespace manastr::player {
namespace {

constexpr std::int32_t kPlayerMatches = 0x4d4e5032;  // "MNP2"

constexpr storage::Migration kMigrations[] = {{"matches, what was said in them, and their receipts", R"sql(
  CREATE TABLE matches (
    id BLOB PRIMARY KEY, role INTEGER NOT NULL, engine BLOB NOT NULL, challenge TEXT NOT NULL,
    announcement TEXT NOT NULL, open INTEGER NOT NULL, result TEXT NOT NULL, locktime INTEGER NOT NULL) STRICT;
  CREATE TABLE said (
    match BLOB NOT NULL, kind INTEGER NOT NULL, d TEXT NOT NULL, event TEXT NOT NULL,
    PRIMARY KEY (match, kind, d)) STRICT;
  CREATE TABLE choices (
    match BLOB NOT NULL, round INTEGER NOT NULL, unit INTEGER NOT NULL, PRIMARY KEY (match, round)) STRICT;
  CREATE TABLE receipts (
    match BLOB NOT NULL, sequence INTEGER NOT NULL, event TEXT NOT NULL, PRIMARY KEY (match, sequence)) STRICT;
)sql"},
                                              {"matches found again, and evidence against the engine", R"sql(
  ALTER TABLE matches ADD COLUMN recovered INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE evidence (id BLOB PRIMARY KEY, match BLOB NOT NULL, event TEXT NOT NULL) STRICT;
  CREATE INDEX evidence_of_match ON evidence (match);
)sql"}};

constexpr std::string_view kColumns =
    "SELECT id, role, engine, challenge, announcement, open, result, locktime, recovered FROM matches ";

Result<MatchRecord> read_record(const storage::Query& row) {
  MatchRecord out;
  TRY(out.id, row.array<32>(0));
  out.role = row.integer(1) == 0 ? Role::creator : Role::acceptor;
  TRY(out.engine.bytes, row.array<32>(2));
  TRY(out.challenge, nostr::parse_event(row.text(3)));
  TRY(out.announcement, nostr::parse_event(row.text(4)));
  out.open = row.integer(5) != 0;
  out.result = row.text(6);
  out.locktime = unix_seconds(row.integer(7));
  out.recovered = row.integer(8) != 0;
  return out;
}

Result<std::vector<match::Event>> read_events(Result<storage::Query> query) {
  TRY(storage::Query rows, std::move(query));
  std::vector<match::Event> out;
  for (;;) {
    TRY(const bool more, rows.next());
    if (!more) return out;
    TRY(auto event, nostr::parse_event(rows.text(0)));
    out.push_back(std::move(event));
  }
}

}  // namespace

struct MatchBook::State {
  storage::Database database;
};

MatchBook::MatchBook(std::unique_ptr<State> state) : state_(std::move(state)) {}
MatchBook::~MatchBook() = default;

Result<std::unique_ptr<MatchBook>> MatchBook::open(const std::string& path,
                                                   const storage::OpenOptions& storage) {
  TRY(auto database, storage::Database::open(path, storage));
  TRY_STATUS(storage::migrate(database, kPlayerMatches, kMigrations));
  return std::unique_ptr<MatchBook>(new MatchBook(std::make_unique<State>(State{std::move(database)})));
}

Status MatchBook::add(const MatchRecord& record) {
  return state_->database.run("INSERT INTO matches VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING",
                              record.id, static_cast<std::int64_t>(record.role), record.engine.bytes,
                              nostr::dump(record.challenge), nostr::dump(record.announcement), record.open,
                              record.result, std::int64_t{count(record.locktime)}, record.recovered);
}

Status MatchBook::close(const match::MatchId& id, std::string_view result) {
  return state_->database.run("UPDATE matches SET open = 0, result = ? WHERE id = ?", result, id);
}

Status MatchBook::set_locktime(const match::MatchId& id, UnixSeconds locktime) {
  return state_->database.run("UPDATE matches SET locktime = ? WHERE id = ?", std::int64_t{count(locktime)},
                              id);
}

Status MatchBook::set_recovered(const match::MatchId& id, bool recovered) {
  return state_->database.run("UPDATE matches SET recovered = ? WHERE id = ?", recovered, id);
}

Result<std::vector<MatchRecord>> MatchBook::records(bool open_only) {
  TRY(auto rows, state_->database.query(std::string(kColumns) + "WHERE open >= ? ORDER BY rowid", open_only));
  std::vector<MatchRecord> out;
  for (;;) {
    TRY(const bool more, rows.next());
    if (!more) return out;
    TRY(auto record, read_record(rows));
    out.push_back(std::move(record));
  }
}

Result<std::optional<MatchRecord>> MatchBook::record(const match::MatchId& id) {
  TRY(auto rows, state_->database.query(std::string(kColumns) + "WHERE id = ?", id));
  TRY(const bool found, rows.next());
  if (!found) return std::nullopt;
  TRY(auto record, read_record(rows));
  return record;
}

Result<MatchRecord> MatchBook::find(std::string_view prefix) {
  if (prefix.size() < 4) return invalid("give at least the first 4 hex digits of the match id");
  TRY(auto all, records(false));
  std::optional<MatchRecord> found;
  for (MatchRecord& record : all) {
    if (!to_hex(record.id).starts_with(prefix)) continue;
    if (found) return invalid("more than one match begins with these digits; give more of them");
    found = std::move(record);
  }
  if (!found) return invalid("no match of yours has an id that begins with " + std::string(prefix));
  return std::move(*found);
}

Result<std::optional<match::Event>> MatchBook::said(const match::MatchId& id, std::uint32_t kind,
                                                    std::string_view d) {
  TRY(auto rows,
      state_->database.query("SELECT event FROM said WHERE match = ? AND kind = ? AND d = ?", id, kind, d));
  TRY(const bool found, rows.next());
  if (!found) return std::nullopt;
  TRY(auto event, nostr::parse_event(rows.text(0)));
  return event;
}

Status MatchBook::say(const match::MatchId& id, const match::Event& event) {
  return state_->database.run("INSERT INTO said VALUES (?,?,?,?) ON CONFLICT DO NOTHING", id, event.kind,
                              event.d(), nostr::dump(event));
}

Result<std::uint8_t> MatchBook::choose(const match::MatchId& id, unsigned round, std::uint8_t unit) {
  TRY_STATUS(state_->database.run("INSERT INTO choices VALUES (?,?,?) ON CONFLICT DO NOTHING", id, round,
                                  std::uint32_t{unit}));
  TRY(const auto stored, chosen(id, round));
  return stored.value_or(unit);
}

Result<std::optional<std::uint8_t>> MatchBook::chosen(const match::MatchId& id, unsigned round) {
  TRY(auto rows, state_->database.query("SELECT unit FROM choices WHERE match = ? AND round = ?", id, round));
  TRY(const bool found, rows.next());
  if (!found) return std::nullopt;
  return static_cast<std::uint8_t>(rows.integer(0));
}

Status MatchBook::add_receipt(const match::MatchId& id, unsigned sequence, const match::Event& receipt) {
  return state_->database.run("INSERT INTO receipts VALUES (?,?,?) ON CONFLICT DO NOTHING", id, sequence,
                              nostr::dump(receipt));
}

Result<std::vector<match::Event>> MatchBook::receipts(const match::MatchId& id) {
  return read_events(
      state_->database.query("SELECT event FROM receipts WHERE match = ? ORDER BY sequence", id));
}

Status MatchBook::add_evidence(const match::MatchId& id, const match::Event& event) {
  return state_->database.run("INSERT INTO evidence VALUES (?,?,?) ON CONFLICT DO NOTHING", event.id, id,
                              nostr::dump(event));
}

Result<std::vector<match::Event>> MatchBook::evidence(const match::MatchId& id) {
  return read_events(state_->database.query("SELECT event FROM evidence WHERE match = ? ORDER BY rowid", id));
}

}  // namespace manastr::player
