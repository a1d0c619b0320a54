#include "common/postgres/sessions.h"

#include "common/base/random.h"

namespace manastr::postgres {
namespace {

/// Prepared under a name that no session has, so that it can be asked also where names get mixed up.
class Question {
 public:
  Result<std::int64_t> ask(Connection& connection) const {
    TRY(const Rows rows, connection.ask({name_.c_str(), "SELECT pg_backend_pid()"}));
    return rows.integer(0, 0);
  }

 private:
  const std::string name_ = "session_" + to_hex(system_random().bytes<8>());
};

std::unexpected<Error> pooled() {
  return invalid(
      "the database is reached through a pooler that gives each transaction another session (PgBouncer: "
      "pool_mode = transaction or statement), but the mint prepares statements and listens to notifications: "
      "set pool_mode = session for it, or name the server itself");
}

}  // namespace

Status check_sessions(const Address& address) {
  const Question question[3];  // outlive the connections, which know statements by the names' addresses
  TRY(const std::unique_ptr<Connection> first, Connection::open(address));
  TRY(const std::int64_t before, question[0].ask(*first));
  TRY(const std::unique_ptr<Connection> second, Connection::open(address));
  // A pooler that gives connections to transactions gives this one what the first has just had.
  if (const auto begun = second->execute("BEGIN"); !begun && !second->usable()) return pooled();
  TRY(const std::int64_t other, question[1].ask(*second));
  TRY(const std::int64_t after, question[2].ask(*first));
  TRY_STATUS(second->execute("ROLLBACK"));
  if (before != other && before == after) return {};
  return pooled();
}

}  // namespace manastr::postgres
