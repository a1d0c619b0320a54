// What a statement gave back, in binary format. Owned; independent of its connection.
#pragma once
#include <cstdint>
#include <memory>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/error.h"

struct pg_result;

namespace manastr::postgres {

class Rows {
 public:
  explicit Rows(pg_result* result) : result_(result) {}
  std::size_t size() const;
  /// Rows that an INSERT, UPDATE or DELETE touched.
  std::size_t affected() const;
  /// What was done, as the server calls it: "COMMIT", "INSERT 0 3".
  std::string_view tag() const;
  bool is_null(std::size_t row, int column) const;
  /// Of an int8 (also int4, int2, bool); 0 for null.
  std::int64_t integer(std::size_t row, int column) const;
  std::uint64_t unsigned_integer(std::size_t row, int column) const {
    return static_cast<std::uint64_t>(integer(row, column));
  }
  /// Of a bytea; empty for null. Valid as long as this.
  ByteView blob(std::size_t row, int column) const;
  std::string_view text(std::size_t row, int column) const { return as_text(blob(row, column)); }
  /// A bytea of exactly N bytes, or `broken`.
  template <std::size_t N>
  Result<ByteArray<N>> array(std::size_t row, int column) const {
    const ByteView bytes = blob(row, column);
    if (bytes.size() != N) return broken("the database holds a value of a wrong length");
    ByteArray<N> out;
    std::copy(bytes.begin(), bytes.end(), out.begin());
    return out;
  }

 private:
  struct Clear {
    void operator()(pg_result* result) const;
  };
  std::unique_ptr<pg_result, Clear> result_;
};

}  // namespace manastr::postgres
