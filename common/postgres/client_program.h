// Runs PostgreSQL's own programs (pg_dump, pg_restore) against an address. What the address holds, the
// password too, goes to them in their environment, never on their command line. For backups alone.
#pragma once
#include <span>
#include <string>

#include "common/postgres/address.h"

namespace manastr::postgres {

/// Runs `program` of the server's major version (or a newer one, which can read it too) and waits. The error
/// is the last line that it said, or says how to install it.
Status run_client_program(const Address& address, int server_major, const std::string& program,
                          std::span<const std::string> arguments);

}  // namespace manastr::postgres
