// Carries writes into the database, batch after batch, and finds out what became of a batch whose answer was
// lost. The ledger's committing thread runs it.
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>

#include "common/base/random.h"
#include "mint/ledger/postgres/batch.h"
#include "mint/ledger/postgres/books.h"

namespace manastr::mint {

class Committer {
 public:
  Committer(postgres::Address address, Holder holder, PostgresBooks& books, Millis patience,
            const Clock& clock)
      : address_(std::move(address)),
        holder_(std::move(holder)),
        books_(&books),
        patience_(patience),
        clock_(&clock) {}

  /// Opens the connection, or says why not.
  postgres::Outcome<void> connect();
  /// Each job has its outcome when this returns. `ended` is called with those of a transaction as soon as it
  /// is over, and may take their callbacks.
  using Ended = std::function<void(const std::vector<Job*>&)>;
  void commit(std::deque<Job>& jobs, const Ended& ended);
  /// Finds out whether writes can be done, while there are none: after some that could not, and when the
  /// auditor meets with trouble. For health(), which may keep wallets from asking.
  void probe();
  /// From another thread: waits no longer for a database that is away.
  void hurry();

 private:
  void run_round(std::vector<Job*> round, std::vector<Job*>& later);
  void answer_all(const std::vector<Job*>& jobs, const std::unexpected<Error>& error);
  /// nullopt: the database stays away for that long, or the mint stops.
  std::optional<bool> was_committed(const CommitId& id, Millis limit);
  bool wait(Millis time);
  bool hurries() const;

  const postgres::Address address_;
  const Holder holder_;
  PostgresBooks* books_;
  const Millis patience_;
  const Clock* clock_;
  std::unique_ptr<postgres::Connection> connection_;
  Monotonic full_until_{};
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool hurries_ = false;
};

}  // namespace manastr::mint
