#include "mint/ledger/sqlite_journal.h"

namespace manastr::mint {
namespace {

using storage::Database;
using storage::Query;

constexpr Millis kEntryEvery{1'000};

/// Rows that belong to no entry yet are of the one to come; a row beyond that is of a journal that was cut.
Status check_entry(std::int64_t entry, std::uint64_t head) {
  if (entry <= static_cast<std::int64_t>(head + 1)) return {};
  return broken("the ledger's journal ends at entry " + std::to_string(head) +
                ", but there are totals of entry " + std::to_string(entry) +
                ": put a backup back, and see manastr-mint verify");
}

}  // namespace

Status SqliteJournal::load(Database& database, Books& books) {
  {
    TRY(Query row,
        database.query("SELECT sequence, entry FROM journal WHERE chain = ? ORDER BY sequence DESC "
                       "LIMIT 1",
                       kOnlyChain));
    TRY(const bool found, row.next());
    if (found) {
      head_.sequence = row.unsigned_integer(0);
      head_.digest = journal_digest(row.text(1));
    }
  }
  {
    TRY(Query row, database.query("SELECT text, signature FROM checkpoints ORDER BY number DESC LIMIT 1"));
    TRY(const bool found, row.next());
    if (found) {
      SignedCheckpoint last{.text = std::string(row.text(0))};
      TRY(last.signature, row.array<64>(1));
      const auto read = Checkpoint::parse(last.text);
      if (!read) return broken("the ledger's last checkpoint can't be read: " + read.error().message);
      number_ = read->number;
      covers_ = read->heads.empty() ? 0 : read->heads.front().sequence;
      last_at_ = read->time;
      last_ = std::move(last);
    }
  }
  Sums totals = books.sums;
  entered_ = books.sums;
  {
    TRY(Query row, database.query("SELECT entry, keyset, issued, redeemed, expired FROM keyset_totals"));
    for (;;) {
      TRY(const bool found, row.next());
      if (!found) break;
      TRY_STATUS(check_entry(row.integer(0), head_.sequence));
      const auto keyset = static_cast<std::size_t>(row.integer(1));
      if (keyset >= totals.keysets.size()) return broken("the ledger has totals of a keyset that it lacks");
      const std::size_t unit = books.unit_of_keyset(static_cast<std::uint32_t>(keyset));
      const auto add = [&](Sums& to) {
        to.keysets[keyset].issued += row.integer(2);
        to.keysets[keyset].redeemed += row.integer(3);
        to.units[unit].issued += row.integer(2);
        to.units[unit].redeemed += row.integer(3);
        to.keysets[keyset].expired += row.integer(4);
        to.units[unit].expired += row.integer(4);
      };
      add(totals);
      if (row.integer(0) < next_entry()) add(entered_);
    }
  }
  {
    TRY(Query row, database.query("SELECT entry, unit, paid_for, claimed FROM unit_totals"));
    for (;;) {
      TRY(const bool found, row.next());
      if (!found) break;
      TRY_STATUS(check_entry(row.integer(0), head_.sequence));
      const std::size_t unit = books.unit(row.text(1));
      const auto add = [&](Sums& to) {
        if (to.units.size() <= unit) to.units.resize(unit + 1);
        to.units[unit].paid_for += row.integer(2);
        to.units[unit].claimed += row.integer(3);
      };
      add(totals);
      if (row.integer(0) < next_entry()) add(entered_);
    }
  }
  {
    TRY(Query row,
        database.query(
            "SELECT entry, received_msat, paid_out_msat, credit_msat, overrun_msat FROM money_totals"));
    for (;;) {
      TRY(const bool found, row.next());
      if (!found) break;
      TRY_STATUS(check_entry(row.integer(0), head_.sequence));
      const auto add = [&](Sums& to) {
        to.received += row.integer(1);
        to.paid_out += row.integer(2);
        to.credit += row.integer(3);
        to.overrun += row.integer(4);
      };
      add(totals);
      if (row.integer(0) < next_entry()) add(entered_);
    }
  }
  books.restore(totals);
  return {};
}

void SqliteJournal::sign_with(crypto::SecretKey key) {
  const std::lock_guard lock(key_mutex_);
  key_ = std::move(key);
}

std::optional<crypto::SecretKey> SqliteJournal::key() const {
  const std::lock_guard lock(key_mutex_);
  return key_;
}

bool SqliteJournal::entry_due(const Books& books, Monotonic at, bool at_once) const {
  if (!at_once && entered_at_ && at - *entered_at_ < kEntryEvery) return false;
  return !books.since(entered_).empty();
}

bool SqliteJournal::checkpoint_due(std::uint64_t sequence, UnixSeconds now, bool at_once) const {
  // A clock that was set back must not keep checkpoints away.
  const bool recent = last_ && now >= last_at_ && now - last_at_ < kCheckpointEvery;
  return sequence > covers_ && (at_once || !recent) && key().has_value();
}

bool SqliteJournal::due(const Books& books, UnixSeconds now, Monotonic at, bool at_once) const {
  return entry_due(books, at, at_once) || checkpoint_due(head_.sequence, now, at_once);
}

Status SqliteJournal::write(Database& database, const Books& books, UnixSeconds now, Monotonic at,
                            bool at_once) {
  pending_ = {};
  if (entry_due(books, at, at_once)) {
    const JournalEntry entry{.chain = head_.chain,
                             .sequence = head_.sequence + 1,
                             .time = now,
                             .previous = head_.digest,
                             .changes = books.since(entered_)};
    const std::string text = entry.text();
    TRY_STATUS(database.run("INSERT INTO journal VALUES(?, ?, ?)", entry.chain, entry.sequence, text));
    pending_.head = {entry.chain, entry.sequence, journal_digest(text)};
    pending_.entered = books.sums;
    pending_.at = at;
  }
  const Checkpoint::Head& head = pending_.head ? *pending_.head : head_;
  if (!checkpoint_due(head.sequence, now, at_once)) return {};
  Checkpoint next{.number = number_ + 1, .time = now, .heads = {head}};
  for (std::uint32_t number = 1; number < books.keyset_ids().size(); ++number) {
    if (!books.keyset_ids()[number].empty())
      next.keysets.push_back(
          {number, books.keyset_ids()[number], books.unit_name(books.unit_of_keyset(number))});
  }
  if (last_) next.previous = journal_digest(last_->text);
  Books at_head = books;
  at_head.restore(pending_.head ? pending_.entered : entered_);
  next.balances = at_head.since({});
  pending_.checkpoint = sign_checkpoint(std::move(next), *key());
  pending_.checkpoint_at = now;
  return database.run("INSERT INTO checkpoints VALUES(?, ?, ?)", number_ + 1, pending_.checkpoint->text,
                      pending_.checkpoint->signature);
}

void SqliteJournal::committed() {
  if (pending_.head) {
    head_ = *pending_.head;
    entered_ = std::move(pending_.entered);
    entered_at_ = pending_.at;
  }
  if (pending_.checkpoint) {
    last_ = std::move(pending_.checkpoint);
    last_at_ = pending_.checkpoint_at;
    covers_ = head_.sequence;
    ++number_;
  }
  pending_ = {};
}

}  // namespace manastr::mint
