// One connection to a PostgreSQL server, always in pipeline mode: statements are queued, sent together, and
// their answers read together, so that a transaction of many statements costs as many round trips as it has
// points where its author must look. Used by one thread at a time. Statements are prepared on first use.
#pragma once
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "common/postgres/address.h"
#include "common/postgres/fault.h"
#include "common/postgres/parameters.h"
#include "common/postgres/rows.h"

struct pg_conn;

namespace manastr::postgres {

/// A constant of the program. On a connection one name stands for one text: the same one may be written down
/// twice, another by its name is a broken program.
struct Statement {
  const char* name;
  const char* sql;
};

class Connection {
 public:
  /// Blocks up to the address' connect_timeout for each host.
  static Outcome<std::unique_ptr<Connection>> open(const Address& address);
  /// For short transactions: the server ends what waits 10 s for a lock, runs 30 s or idles in a transaction
  /// for 30 s, and looks after some 25 s whether a silent client is still there. What hangs or has gone must
  /// not hold its locks.
  static Outcome<std::unique_ptr<Connection>> open_bounded(const Address& address);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// For the next run().
  void queue(const Statement& statement, const Parameters& parameters = {});
  /// Sends what is queued and waits for all answers: one Rows per queued statement. The first fault ends the
  /// run; what was queued behind it was not executed. Failure::lost also if the server is silent for `limit`:
  /// then, as after any `lost`, this connection is of no more use.
  Outcome<std::vector<Rows>> run(Millis limit = Millis{30'000});
  /// queue() and run() of one.
  Outcome<Rows> ask(const Statement& statement, const Parameters& parameters = {});
  /// Several statements without parameters in one string; not prepared, nothing given back. For schemas.
  Outcome<void> execute(const std::string& script);

  struct Notification {
    std::string channel;
    std::string payload;
  };
  /// What came in by LISTEN. Waits for the first until `limit`, or until `wake` (a file descriptor; -1: none)
  /// can be read.
  Outcome<std::vector<Notification>> notifications(Millis limit, int wake = -1);

  bool usable() const { return usable_; }
  /// A transaction is open (or has failed and waits for its ROLLBACK).
  bool in_transaction() const;

 private:
  explicit Connection(pg_conn* connection) : connection_(connection) {}
  Outcome<void> send_all(Monotonic until);
  Outcome<void> await(Monotonic until);
  Fault fault(const pg_result* result);
  Fault lost(std::string message);

  struct Finish {
    void operator()(pg_conn* connection) const;
  };
  struct Queued {
    const char* prepares = nullptr;  // name of the statement; null: executes
  };
  std::unique_ptr<pg_conn, Finish> connection_;
  std::vector<Queued> queued_;
  std::map<std::string_view, std::string_view> prepared_;  // texts by name
  bool usable_ = true;
};

/// "x" with its quotes, for the names of roles in scripts.
std::string quoted_identifier(std::string_view name);

}  // namespace manastr::postgres
