// What went wrong at a PostgreSQL server, told by what its caller can do about it.
#pragma once
#include <expected>
#include <string>
#include <string_view>

#include "common/base/error.h"

namespace manastr::postgres {

enum class Failure {
  lost,      ///< the connection is gone or was never there; a COMMIT without an answer may have happened
  again,     ///< a deadlock, a serialization failure, a lock not had in time: the transaction did not happen
  full,      ///< disk, memory or connections are used up: the transaction did not happen
  denied,    ///< this role may not do that
  missing,   ///< no such table, column or schema
  conflict,  ///< a constraint
  program,   ///< anything else: our own fault
};

struct Fault {
  Failure failure = Failure::program;
  std::string sqlstate;  ///< five characters, "" if the server did not speak
  std::string message;   ///< one line, without a password

  /// lost, again and full: unavailable. The others: broken.
  operator Error() const;  // so that TRY in a function of Result passes it on
};

template <class T>
using Outcome = std::expected<T, Fault>;

/// Of SQLSTATE, by its class (PostgreSQL 15, appendix A).
Failure classify(std::string_view sqlstate);

}  // namespace manastr::postgres
