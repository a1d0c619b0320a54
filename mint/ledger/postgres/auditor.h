// Once a second: adds up what all mints have committed, looks whether it can be right, brings the journal
// forward, keeps this mint's claims alive, and takes over what other mints have changed (keysets, prices). A
// thread and a connection of its own. When it ends, what this mint has committed is in the journal and under
// a checkpoint, if the database is there.
#pragma once
#include <condition_variable>
#include <mutex>
#include <thread>

#include "common/postgres/connection.h"
#include "mint/ledger/postgres/batch_plan.h"
#include "mint/ledger/postgres/books.h"

namespace manastr::mint {

/// All that is committed, by account: of `replica`, and of the others. In the caller's transaction.
struct AuditedAccounts {
  Accounts own;
  Accounts others;
};
postgres::Outcome<AuditedAccounts> audited_accounts(postgres::Connection& connection,
                                                    const std::string& replica);
/// As the database has them, into `catalog`.
postgres::Outcome<void> read_prices(postgres::Connection& connection, Catalog& catalog);

class Auditor {
 public:
  Auditor(postgres::Address address, Holder holder, PostgresBooks& books, Millis every)
      : address_(std::move(address)), holder_(std::move(holder)), books_(&books), every_(every) {}
  ~Auditor();

  /// Takes the replica's name for this process, and audits once.
  Status begin();
  /// From now on in a thread. Loads the filters first.
  void start();
  /// From any thread: without a key there are no checkpoints.
  void sign_with(crypto::SecretKey key);
  /// True once the filters are loaded; waits for at most this long.
  bool wait_for_filters(Millis limit);

 private:
  Status audit();
  Status look_after_name();
  Status load_filters();
  Status keep_journal(bool at_once);
  Status round(unsigned n);
  void loop();
  bool wait(Millis time);

  const postgres::Address address_;
  const Holder holder_;
  PostgresBooks* books_;
  const Millis every_;
  std::unique_ptr<postgres::Connection> connection_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::optional<crypto::SecretKey> key_;
  std::thread thread_;
};

}  // namespace manastr::mint
