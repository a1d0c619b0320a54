#include "mint/ledger/postgres/origins.h"

namespace manastr::mint {
namespace {

using postgres::Connection;
using postgres::Parameters;
using postgres::Rows;
using postgres::Statement;

constexpr Statement kBegin{"begin_origin", "BEGIN"};
constexpr Statement kCommit{"commit_origin", "COMMIT"};
constexpr Statement kOrigins{"origins",
                             "SELECT kind, at, detail, settled_at FROM mint.origins ORDER BY at, kind"};
constexpr Statement kAdd{"add_origin",
                         "INSERT INTO mint.origins(kind, at, detail) VALUES($1::text, $2::int8, $3::text)"};
constexpr Statement kHold{"hold", "UPDATE mint.keysets SET held = true"};
constexpr Statement kUnhold{"unhold", "UPDATE mint.keysets SET held = false"};
constexpr Statement kSettle{"settle_origins",
                            "UPDATE mint.origins SET settled_at = $1::int8 WHERE settled_at IS NULL"};

}  // namespace

Result<std::vector<Origin>> read_origins(Connection& connection) {
  TRY(const Rows rows, connection.ask(kOrigins));
  std::vector<Origin> out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    out.push_back({kind_of_origin(rows.text(i, 0)), unix_seconds(rows.integer(i, 1)),
                   std::string(rows.text(i, 2)), !rows.is_null(i, 3)});
  }
  return out;
}

Status add_origin(Connection& connection, const Origin& origin) {
  connection.queue(kBegin);
  connection.queue(kAdd, Parameters().add(name_of(origin.kind)).add(count(origin.at)).add(origin.detail));
  if (origin.kind == Origin::Kind::restored) connection.queue(kHold);
  connection.queue(kCommit);
  TRY_STATUS(connection.run());
  return {};
}

Status settle_origins(Connection& connection, UnixSeconds now) {
  connection.queue(kBegin);
  connection.queue(kSettle, Parameters().add(count(now)));
  connection.queue(kUnhold);
  connection.queue(kCommit);
  TRY_STATUS(connection.run());
  return {};
}

}  // namespace manastr::mint
