// A moment of a PostgreSQL database, held open for several readers: the manifest's counts and pg_dump.
#pragma once
#include <memory>

#include "common/postgres/connection.h"

namespace manastr::mint {

struct Snapshot {
  std::unique_ptr<postgres::Connection> connection;  ///< in a read-only transaction; ends with this
  std::string name;                                  ///< for SET TRANSACTION SNAPSHOT and pg_dump
  int server_major = 0;

  static Result<Snapshot> take(const postgres::Address& address);
};

}  // namespace manastr::mint
