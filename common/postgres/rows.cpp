#include "common/postgres/rows.h"

#include <libpq-fe.h>

#include <cstdlib>

namespace manastr::postgres {

void Rows::Clear::operator()(pg_result* result) const { PQclear(result); }

std::size_t Rows::size() const { return static_cast<std::size_t>(PQntuples(result_.get())); }

std::size_t Rows::affected() const { return std::strtoull(PQcmdTuples(result_.get()), nullptr, 10); }

std::string_view Rows::tag() const { return PQcmdStatus(result_.get()); }

bool Rows::is_null(std::size_t row, int column) const {
  return PQgetisnull(result_.get(), static_cast<int>(row), column) != 0;
}

std::int64_t Rows::integer(std::size_t row, int column) const {
  const ByteView bytes = blob(row, column);
  if (bytes.empty()) return 0;
  // Sign and all, of whichever width.
  std::uint64_t out = (bytes[0] & 0x80) != 0 && bytes.size() > 1 ? ~std::uint64_t{0} : 0;
  for (const Byte byte : bytes) out = out << 8 | byte;
  return static_cast<std::int64_t>(out);
}

ByteView Rows::blob(std::size_t row, int column) const {
  const int at = static_cast<int>(row);
  return {reinterpret_cast<const Byte*>(PQgetvalue(result_.get(), at, column)),
          static_cast<std::size_t>(PQgetlength(result_.get(), at, column))};
}

}  // namespace manastr::postgres
