// What befalls the mint, or the database below it, in one cycle of a crash run.
#pragma once
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/integration/mint_house.h"
#include "tests/support/postgres_proxy.h"

namespace manastr::crash {

struct Disaster {
  enum class Kind {
    kill,          ///< kill -9 of the mint at a random moment
    failpoint,     ///< the same, at a step of its journal
    server_crash,  ///< PostgreSQL stops at once, as by a power loss, and comes back
    backend_kill,  ///< kill -9 of one of its processes, upon which it throws out all others
    cut,           ///< all connections are cut
    away,          ///< PostgreSQL is gone for a while
    both,          ///< mint and server together
    lost_commit,   ///< a COMMIT is lost on its way, with the connection
    lost_answer,   ///< the answer to a COMMIT is lost
  } kind = Kind::kill;
  std::string failpoint = {};
  std::string name() const;
};

/// Every failpoint in the mint's source, by name.
std::vector<std::string> failpoints_of_the_mint();
/// One of each kind that there is on this database, the random ones several times.
std::vector<Disaster> disasters(bool postgres);

/// What must be in the mint's environment for the disaster to come, if anything.
std::map<std::string, std::string> preparation(const Disaster& disaster, int pass, test::PostgresProxy* proxy,
                                               const test::MintHouse& mint);
/// Now, or soon if it comes by itself. Another thread may start the mint again whenever it is down.
void strike(const Disaster& disaster, test::MintHouse& mint, test::PostgresProxy* proxy,
            std::chrono::milliseconds away);

}  // namespace manastr::crash
