#include "mint/ledger/point_index.h"

#include <algorithm>

#include "mint/ledger/mixed.h"

namespace manastr::mint {
namespace {

using storage::Database;
using storage::Query;

/// Rows that a commit moves beside as many as it brought.
constexpr std::size_t kMovedAtLeast = 1'024;

}  // namespace

std::uint64_t PointKey::number(const Bytes& bytes) {
  std::uint64_t out = 0;
  for (const Byte byte : bytes) out = out << 8 | byte;
  return out;
}

PointKey::Bytes PointKey::bytes(std::uint64_t key) {
  Bytes out;
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<Byte>(key >> (56 - 8 * i));
  return out;
}

std::uint64_t PointKey::of(const PointBytes& point, std::uint64_t salt) {
  Bytes bytes;
  std::copy_n(point.begin() + 1, bytes.size(), bytes.begin());
  return mixed(number(bytes) ^ salt);
}

PointIndex::PointIndex(std::string table, const std::string& column, std::size_t recent,
                       unsigned filter_log2_bits)
    : table_(std::move(table)),
      select_row_("SELECT 1 FROM " + table_ + " WHERE number = ? AND " + column + " = ?"),
      select_any_row_("SELECT 1 FROM " + table_ + " WHERE number = ?"),
      select_numbers_("SELECT number FROM " + table_ + "_index WHERE key = ?"),
      select_recent_("SELECT number, " + column + " FROM " + table_ + " WHERE number > ? ORDER BY number"),
      insert_("INSERT INTO " + table_ + "_index VALUES(?, ?) ON CONFLICT DO NOTHING"),
      delete_("DELETE FROM " + table_ + "_index WHERE key = ? AND number = ?"),
      recent_(recent),
      filter_(filter_log2_bits),
      buckets_(kBuckets) {}

std::uint64_t PointIndex::key_of(const PointBytes& point) const { return PointKey::of(point, salt_); }

Status PointIndex::load(Database& database) {
  {
    TRY(Query key, database.query("SELECT key FROM " + table_ + "_index"));
    for (;;) {
      TRY(const bool found, key.next());
      if (!found) break;
      TRY(const auto bytes, key.array<8>(0));
      filter_.add(PointKey::number(bytes));
    }
  }
  {
    TRY(Query reach, database.query("SELECT number, salt FROM index_reach WHERE of_table = ?", table_));
    TRY([[maybe_unused]] const bool found, reach.next());
    last_ = reach.integer(0);
    TRY(const PointKey::Bytes salt, reach.array<8>(1));
    salt_ = PointKey::number(salt);
  }
  TRY(Query row, database.query(select_recent_, last_));
  for (;;) {
    TRY(const bool found, row.next());
    if (!found) break;
    TRY(const PointBytes point, row.array<33>(1));
    last_ = row.integer(0);
    keep(key_of(point), last_);
  }
  return {};
}

bool PointIndex::may_contain(const PointBytes& point) const { return filter_.may_contain(key_of(point)); }

/// Of all rows that there are, or were, of points with this key.
Result<std::vector<std::int64_t>> PointIndex::numbers_of(Database& database, std::uint64_t key) const {
  // Before the file is read: what is gone from memory is there.
  Trace trace = trace_of(key);
  if (!trace.maybe) return trace.in_memory;
  TRY(const std::vector<std::int64_t> rest, in_file(database, trace));
  trace.in_memory.insert(trace.in_memory.end(), rest.begin(), rest.end());
  return trace.in_memory;
}

PointIndex::Trace PointIndex::trace(const PointBytes& point) const { return trace_of(key_of(point)); }

PointIndex::Trace PointIndex::trace_of(std::uint64_t key) const {
  Trace out{key, filter_.may_contain(key), {}};
  if (!out.maybe) return out;
  const std::lock_guard lock(mutex_);
  for (const Row& row : buckets_[bucket_of(key)]) {
    if (row.key == key) out.in_memory.push_back(row.number);
  }
  return out;
}

Result<std::vector<std::int64_t>> PointIndex::in_file(Database& database, const Trace& trace) const {
  std::vector<std::int64_t> numbers;
  TRY(Query number, database.query(select_numbers_, PointKey::bytes(trace.key)));
  for (;;) {
    TRY(const bool found, number.next());
    if (!found) return numbers;
    numbers.push_back(number.integer(0));
  }
}

Result<std::optional<std::int64_t>> PointIndex::find(Database& database, const PointBytes& point) const {
  TRY(const std::vector<std::int64_t> numbers, numbers_of(database, key_of(point)));
  // Other points may begin with the same bytes, and a row may be gone.
  for (const std::int64_t number : numbers) {
    TRY(Query row, database.query(select_row_, number, point));
    TRY(const bool found, row.next());
    if (found) return number;
  }
  return std::nullopt;
}

void PointIndex::keep(std::uint64_t key, std::int64_t number) {
  filter_.add(key);
  const std::lock_guard lock(mutex_);
  buckets_[bucket_of(key)].push_back({key, number});
  ++count_;
  ++added_;
}

Result<std::int64_t> PointIndex::add(Database& database, const PointBytes& point) {
  const std::uint64_t key = key_of(point);
  TRY(const std::vector<std::int64_t> numbers, numbers_of(database, key));
  for (const std::int64_t number : numbers) {
    // Those beyond are of rows that were rolled back before a restart, and will be given out again.
    if (number > last_) continue;
    TRY(Query row, database.query(select_any_row_, number));
    TRY(const bool taken, row.next());
    if (!taken) return number;
  }
  // Never one that another key was given before, even if its row is gone: what index_reach says holds for
  // numbers.
  keep(key, ++last_);
  return last_;
}

Status PointIndex::forget(Database& database, const PointBytes& point, std::int64_t number) const {
  return database.run(delete_, PointKey::bytes(key_of(point)), number);
}

Status PointIndex::move_some(Database& database) {
  moving_ = 0;
  if (count_ <= recent_) return {};
  TRY(Query insert, database.query(insert_));
  const std::size_t enough = std::min(count_ - recent_, kMovedAtLeast + 2 * added_);
  for (std::size_t rows = 0; rows < enough; ++moving_) {
    const std::size_t at = hand_ + moving_;
    if (at == kBuckets) break;  // a round ends with its commit
    if (at == 0) round_began_ = last_;
    std::vector<Row> bucket = buckets_[at];  // no other thread writes there
    std::ranges::sort(bucket);
    for (const Row& row : bucket) {
      insert.reset();
      insert.bind(1, PointKey::bytes(row.key));
      insert.bind(2, row.number);
      TRY([[maybe_unused]] const bool returned, insert.next());
    }
    rows += bucket.size();
  }
  if (hand_ + moving_ == kBuckets) {
    TRY_STATUS(database.run("UPDATE index_reach SET number = ? WHERE of_table = ?", round_began_, table_));
  }
  return {};
}

void PointIndex::moved() {
  added_ = 0;
  if (moving_ == 0) return;
  const std::lock_guard lock(mutex_);
  for (; moving_ > 0; --moving_) {
    std::vector<Row>& bucket = buckets_[hand_];
    count_ -= bucket.size();
    bucket.clear();
    hand_ = (hand_ + 1) % kBuckets;
  }
}

std::size_t PointIndex::in_memory() const {
  const std::lock_guard lock(mutex_);
  return count_;
}

}  // namespace manastr::mint
