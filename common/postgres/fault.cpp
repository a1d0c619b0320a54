#include "common/postgres/fault.h"

namespace manastr::postgres {

Fault::operator Error() const {
  const bool passes = failure == Failure::lost || failure == Failure::again || failure == Failure::full;
  return {
      passes ? ErrorKind::unavailable : ErrorKind::broken, 0,
      "the database " + std::string(failure == Failure::lost ? "can't be reached: " : "said: ") + message};
}

Failure classify(std::string_view sqlstate) {
  if (sqlstate.size() != 5) return Failure::lost;
  const std::string_view kind = sqlstate.substr(0, 2);
  if (kind == "08") return Failure::lost;
  // Shut down, crashed, starting up, connection terminated for being idle; a standby takes no writes.
  if (sqlstate == "57P01" || sqlstate == "57P02" || sqlstate == "57P03" || sqlstate == "57P05" ||
      sqlstate == "25P03" || sqlstate == "25006") {
    return Failure::lost;
  }
  // Serialization, deadlock; lock_timeout; statement_timeout.
  if (kind == "40" || sqlstate == "55P03" || sqlstate == "57014") return Failure::again;
  if (kind == "53" || kind == "58") return Failure::full;
  if (sqlstate == "42501") return Failure::denied;
  if (sqlstate == "42P01" || sqlstate == "42703" || sqlstate == "3F000" || sqlstate == "42883")
    return Failure::missing;
  if (kind == "23") return Failure::conflict;
  return Failure::program;
}

}  // namespace manastr::postgres
