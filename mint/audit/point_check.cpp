#include "mint/audit/point_check.h"

#include <algorithm>

#include "mint/ledger/point_index.h"

namespace manastr::mint {
namespace {

using storage::Database;
using storage::Query;

struct Row {
  std::uint64_t key;
  std::int64_t number;
  auto operator<=>(const Row&) const = default;
};

class PointCheck {
 public:
  PointCheck(Database& database, std::string table, std::string column, std::vector<std::string>& faults)
      : database_(&database), table_(std::move(table)), column_(std::move(column)), faults_(&faults) {}

  Status run(std::size_t rows_at_once) {
    TRY_STATUS(database_->execute("BEGIN"));
    const Status done = passes(rows_at_once);
    TRY_STATUS(database_->execute("COMMIT"));
    return done;
  }

 private:
  Status passes(std::size_t rows_at_once) {
    std::uint64_t highest = 0;
    {
      TRY(Query reach, database_->query("SELECT number, salt FROM index_reach WHERE of_table = ?", table_));
      TRY(const bool found, reach.next());
      if (!found) return broken("the ledger lacks the reach of the index of its " + table_);
      reach_ = reach.integer(0);
      TRY(const auto salt, reach.array<8>(1));
      salt_ = PointKey::number(salt);
    }
    {
      TRY(Query last, database_->query("SELECT max(number) FROM " + table_));
      TRY([[maybe_unused]] const bool found, last.next());
      highest = last.unsigned_integer(0);
    }
    // Keys are spread evenly: a pass takes those of an equal share.
    const std::uint64_t passes = highest / rows_at_once + 1;
    const std::uint64_t share = ~std::uint64_t{0} / passes;
    for (std::uint64_t pass = 0; pass < passes; ++pass) {
      const std::uint64_t from = pass * share;
      const std::uint64_t to = pass + 1 == passes ? ~std::uint64_t{0} : from + share - 1;
      TRY_STATUS(check(from, to));
    }
    return {};
  }

  /// Rows whose keys are in [from, to].
  Status check(std::uint64_t from, std::uint64_t to) {
    std::vector<Row> rows;
    {
      TRY(Query row, database_->query("SELECT number, " + column_ + " FROM " + table_));
      for (;;) {
        TRY(const bool found, row.next());
        if (!found) break;
        const auto point = row.array<33>(1);
        if (!point) {
          if (from == 0) fault("row " + std::to_string(row.integer(0)) + " holds no point");
          continue;
        }
        const std::uint64_t key = PointKey::of(*point, salt_);
        if (key >= from && key <= to) rows.push_back({key, row.integer(0)});
      }
    }
    std::ranges::sort(rows);
    TRY_STATUS(find_repetitions(rows));
    return compare(rows, from, to);
  }

  Status find_repetitions(const std::vector<Row>& rows) {
    for (std::size_t i = 1; i < rows.size(); ++i) {
      if (rows[i].key != rows[i - 1].key) continue;
      // Other points may begin with the same bytes.
      TRY(Query same,
          database_->query("SELECT 1 FROM " + table_ + " a, " + table_ +
                               " b WHERE a.number = ? AND b.number = ? AND a." + column_ + " = b." + column_,
                           rows[i - 1].number, rows[i].number));
      TRY(const bool found, same.next());
      if (found)
        fault("rows " + std::to_string(rows[i - 1].number) + " and " + std::to_string(rows[i].number) +
              " hold the same point");
    }
    return {};
  }

  /// Both ascend by key and number.
  Status compare(const std::vector<Row>& rows, std::uint64_t from, std::uint64_t to) {
    TRY(Query indexed, database_->query("SELECT key, number FROM " + table_ +
                                            "_index WHERE key >= ? AND key <= ? ORDER BY key, number",
                                        PointKey::bytes(from), PointKey::bytes(to)));
    auto row = rows.begin();
    const auto missing = [&] {
      if (row->number <= reach_)
        fault("the index does not lead to row " + std::to_string(row->number) + ", or the row was altered");
      ++row;
    };
    for (;;) {
      TRY(const bool found, indexed.next());
      if (!found) break;
      TRY(const auto key, indexed.array<8>(0));
      const Row entry{PointKey::number(key), indexed.integer(1)};
      while (row != rows.end() && *row < entry) missing();
      if (row != rows.end() && *row == entry) ++row;
      // An entry without a row is of one that is gone: a payment failed, and let it go.
    }
    while (row != rows.end()) missing();
    return {};
  }

  void fault(const std::string& what) { note(*faults_, table_ + ": " + what); }

  Database* database_;
  const std::string table_;
  const std::string column_;
  std::vector<std::string>* faults_;
  std::int64_t reach_ = 0;
  std::uint64_t salt_ = 0;
};

}  // namespace

Status check_points(Database& database, const std::string& table, const std::string& column,
                    std::vector<std::string>& faults, std::size_t rows_at_once) {
  return PointCheck(database, table, column, faults).run(rows_at_once);
}

}  // namespace manastr::mint
