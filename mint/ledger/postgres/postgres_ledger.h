// The ledger in a PostgreSQL database, shared by any number of mints with the same mnemonic, units and
// prices. One committing thread each, group commit, readers over a pool.
//
// What is guaranteed, and by what. A proof is spent once and an output signed once, by whichever mint: their
// unique keys. A quote is issued up to what was paid: its row is locked while that is decided. An invoice is
// paid through one quote, by one mint: the row of the payment is its lock, with a lease that another mint on
// the same Lightning node takes over when it has run out. What is owed never exceeds what is there: each
// write by itself must not raise what is owed above what it brings in, so that no sum has to be looked at and
// no row is touched by all; prices change under a lock that writes across units share. Beside that an auditor
// in each mint adds up what all mints have committed, once a second: if more of a keyset was redeemed than
// issued, or more is owed than there is (but for what payments cost beyond their reserve), this mint writes
// no more but what ends payments, and health() says why.
//
// A cut connection, a restart of the server, a full disk: writes are tried again for some seconds, then
// refused as `unavailable`. If the answer to a COMMIT was lost, the row that each commit leaves tells whether
// it was made; no callback is called before that is known. Writes go on when the database is back; no restart
// is needed.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "common/base/inbox.h"
#include "common/crypto/secret.h"
#include "mint/ledger/ledger.h"

namespace manastr::mint {

/// The replica by whose name an import writes: no mint looks after the melts that it has begun.
inline constexpr std::string_view kForeignReplica = "import";

struct PostgresLedgerOptions {
  crypto::SecretText url;
  /// Which of the mints this is; the same after a restart, and no other process'. 1 to 64 characters.
  std::string replica;
  std::string node;  ///< whose Lightning node it pays through: mints with the same adopt each other's melts
  std::size_t connections = 20;  ///< for reads; two more are for writes and the auditor
  std::size_t queue = 20'000;    ///< writes waiting
  std::size_t batch = 1'000;     ///< writes per commit
  unsigned filter_log2_bits = 28;
  Millis patience{5'000};  ///< how long a write waits for a database that is away
  Millis audit_every{1'000};
  bool restoring = false;  ///< by the restore itself: it is not finished
  Gathering gathering;     ///< of writes for one commit
  /// After each commit, from the committing thread: how many writes, how long.
  std::function<void(std::size_t writes, double seconds)> on_commit;
};

/// Connects, brings the schema forward if this role owns it, and loads totals. Fails if the database is away
/// or a restore into it was not finished.
Result<std::unique_ptr<Ledger>> open_postgres_ledger(PostgresLedgerOptions options,
                                                     const Clock& clock = system_clock());

/// As the owner of the database: the schema made or brought forward, `runtime` given the rights that a
/// running mint needs. Refused if a restore was not finished and the caller isn't that restore.
Status migrate_postgres_ledger(const crypto::SecretText& owner_url, const std::string& runtime,
                               bool restoring = false);
/// The role's name in a URL; "" if it names none.
Result<std::string> role_of(const crypto::SecretText& url);

}  // namespace manastr::mint
