#include "mint/ledger/sqlite_ledger.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <future>
#include <optional>
#include <thread>

#include "common/base/failpoint.h"
#include "common/base/inbox.h"
#include "common/storage/checkpointer.h"
#include "mint/ledger/point_index.h"
#include "mint/ledger/sqlite_administration.h"
#include "mint/ledger/sqlite_journal.h"
#include "mint/ledger/sqlite_keysets.h"
#include "mint/ledger/sqlite_origins.h"
#include "mint/ledger/sqlite_pruning.h"
#include "mint/ledger/sqlite_reads.h"
#include "mint/ledger/sqlite_schema.h"
#include "mint/ledger/sqlite_writes.h"

namespace manastr::mint {
namespace {

using storage::Database;
using storage::Query;
using storage::Savepoint;
using storage::Transaction;

constexpr Millis kIdle{1'000};             // then the journal is looked at
constexpr std::uintmax_t kRoom = 1 << 20;  // bytes of a disk that was full, before it is written again

struct Job {
  Write write;
  WriteDone done;
  std::function<void()> task = nullptr;  ///< instead of a write: to be run alone, between two commits
};

class SqliteLedger final : public Ledger {
 public:
  SqliteLedger(SqliteLedgerOptions options, const Clock& clock, Database database)
      : options_(std::move(options)),
        clock_(&clock),
        database_(std::move(database)),
        reads_({.create = false, .read_only = true, .wal_autocheckpoint = 0, .vfs = options_.vfs},
               options_.file, proofs_, outputs_),
        proofs_("proofs", "y", options_.recent_points, options_.filter_log2_bits),
        outputs_("signatures", "b_", options_.recent_points, options_.filter_log2_bits),
        writes_(database_, books_, proofs_, outputs_),
        pruning_(options_.file,
                 {.create = false, .read_only = true, .wal_autocheckpoint = 0, .vfs = options_.vfs}, proofs_,
                 outputs_),
        inbox_(options_.queue) {}
  ~SqliteLedger() override {
    inbox_.close();
    if (committer_.joinable()) committer_.join();
  }

  Status load();
  Status start() {
    TRY(checkpointer_, storage::Checkpointer::start(options_.file,
                                                    {.create = false,
                                                     .durability = options_.durability,
                                                     .wal_autocheckpoint = 0,
                                                     .cache_kib = 0,
                                                     .vfs = options_.vfs},
                                                    options_.checkpoint_pages, [this](const Error& error) {
                                                      refuse_from_now_on(error);
                                                    }));
    committer_ = std::thread([this] { commit_loop(); });
    return {};
  }

  Result<std::vector<KeysetRecord>> keysets() override { return reads_.keysets(); }
  Result<bool> change_keysets(const std::vector<KeysetRecord>& before,
                              const std::vector<KeysetRecord>& after) override;
  Result<bool> has_pending(std::uint32_t keyset) override { return pruning_.has_pending(keyset); }
  Result<Pruned> prune(std::uint32_t keyset) override;
  Status set_prices(const std::vector<Price>& prices) override;
  Result<std::vector<Origin>> origins() override { return read_origins(database_); }
  Status add_origin(const Origin& origin) override { return mint::add_origin(database_, origin); }
  Status settle_origins(UnixSeconds now) override { return mint::settle_origins(database_, now); }

  Result<std::vector<UnitRecord>> units() override { return reads_.units(); }
  Result<AdminOutcome> administrate(const AdminCall& call, const AdminPlan& plan) override;
  Result<std::vector<AuditLine>> audit(std::uint64_t before, std::size_t limit) override {
    return reads_.audit(before, limit);
  }

  bool write(Write write, WriteDone done) override {
    return inbox_.try_push({std::move(write), std::move(done)});
  }
  Result<Written> write_now(Write write) override;
  void listen(ChangeListener* listener) override {
    const std::lock_guard lock(listener_mutex_);
    listener_ = listener;
  }

  bool may_know_proof(const PointBytes& y) const override { return proofs_.may_contain(y); }
  bool may_know_output(const PointBytes& b_blinded) const override { return outputs_.may_contain(b_blinded); }
  Result<std::vector<ProofState>> proof_states(std::span<const PointBytes> ys) override {
    return reads_.proof_states(ys);
  }
  Result<std::vector<std::optional<StoredSignature>>> signatures(
      std::span<const PointBytes> bs_blinded) override {
    return reads_.signatures(bs_blinded);
  }
  Result<std::optional<MintQuote>> mint_quote(std::string_view id) override { return reads_.mint_quote(id); }
  Result<std::optional<MintQuote>> mint_quote_of(const Hash32& node_key) override {
    return reads_.mint_quote_of(node_key);
  }
  Result<std::optional<MeltQuote>> melt_quote(std::string_view id) override { return reads_.melt_quote(id); }
  Result<std::vector<MintQuote>> payable_mint_quotes(UnixSeconds since) override {
    return reads_.payable_mint_quotes(since);
  }
  Result<std::vector<MeltQuote>> pending_melts() override { return reads_.pending_melts(); }
  Result<std::vector<BlankOutput>> blank_outputs(std::string_view quote) override {
    return reads_.blank_outputs(quote);
  }
  Result<std::optional<StoredOperation>> operation(const Hash32& key) override {
    return reads_.operation(key);
  }
  Result<std::optional<StoredVerdict>> verdict(const match::MatchId& match) override {
    return reads_.verdict(match);
  }
  Result<std::optional<SpentToken>> spent_token(const PointBytes& y) override {
    return reads_.spent_token(y);
  }
  Result<std::vector<std::optional<StoredSignature>>> token_signatures(
      std::span<const PointBytes> bs_blinded) override {
    return reads_.token_signatures(bs_blinded);
  }

  void sign_checkpoints(crypto::SecretKey key) override { journal_.sign_with(std::move(key)); }
  Standing standing() const override {
    const std::lock_guard lock(published_mutex_);
    Standing out = standing_;
    out.audited_at = clock_->now_seconds();
    out.alarm = alarm_;
    return out;
  }
  Totals totals() const override {
    const std::lock_guard lock(published_mutex_);
    return published_;
  }
  std::size_t queued() const override { return inbox_.size(); }
  Status health() const override {
    const std::lock_guard lock(published_mutex_);
    if (!failure_.empty()) return broken(failure_);
    if (!alarm_.empty()) return broken(alarm_ + "; nothing is issued until a restart");
    if (!trouble_.empty()) return unavailable(trouble_);
    return {};
  }

 private:
  Result<AdminOutcome> decide_now(const AdminCall& call, const AdminPlan& plan);
  using Outcomes = std::vector<std::optional<Result<Written>>>;
  Status alone(const std::function<Status()>& act, const std::function<void()>& then = nullptr);
  Status run_alone(const std::function<Status()>& act, const std::function<void()>& then);
  void commit_loop();
  void commit(std::deque<Job> jobs);
  Status try_commit(std::deque<Job>& jobs, Outcomes& outcomes, bool separately);
  void keep_journal(bool at_once);
  Status write_journal(bool at_once);
  void try_again();
  void note(const Status& written);
  void publish();
  void raise_alarm(const std::string& violation);
  void tell(const std::deque<Job>& jobs, const Outcomes& outcomes);
  void refuse_from_now_on(const Error& error);

  const SqliteLedgerOptions options_;
  const Clock* clock_;
  Database database_;
  SqliteReads reads_;
  PointIndex proofs_;
  PointIndex outputs_;
  Books books_;
  SqliteWrites writes_;
  SqliteJournal journal_;
  bool alarmed_ = false;  // the committing thread's
  double waited_seconds_ = 0;
  SqlitePruning pruning_;
  Inbox<Job> inbox_;
  std::atomic<bool> refuses_ = false;
  mutable std::mutex published_mutex_;
  Totals published_;
  Standing standing_;
  std::string alarm_;
  std::string failure_;        // for good
  std::string trouble_;        // of the last commit
  std::mutex listener_mutex_;  // held while the listener is told
  ChangeListener* listener_ = nullptr;
  std::unique_ptr<storage::Checkpointer> checkpointer_;
  std::thread committer_;
};

Status SqliteLedger::load() {
  TRY_STATUS(storage::migrate(database_, storage::kMintLedger, ledger_migrations()));
  {
    // At once, on two connections: of a large ledger each takes seconds.
    auto outputs = std::async(std::launch::async, [this]() -> Status {
      TRY(Database own,
          Database::open(options_.file, {.create = false, .read_only = true, .vfs = options_.vfs}));
      return outputs_.load(own);
    });
    const Status proofs = proofs_.load(database_);
    TRY_STATUS(outputs.get());
    TRY_STATUS(proofs);
  }
  TRY(const std::vector<KeysetRecord> records, read_keysets(database_));
  books_.set_keysets(records);
  {
    TRY(Query row, database_.query("SELECT unit, msat FROM prices"));
    for (;;) {
      TRY(const bool found, row.next());
      if (!found) break;
      books_.set_price(books_.unit(row.text(0)), row.unsigned_integer(1));
    }
  }
  TRY(const std::vector<UnitRecord> units, read_units(database_));
  set_caps(books_, units);
  TRY_STATUS(journal_.load(database_, books_));
  {
    TRY(Query row, database_.query("SELECT keyset, amount FROM proofs WHERE state = 0"));
    for (;;) {
      TRY(const bool found, row.next());
      if (!found) break;
      const auto keyset = static_cast<std::size_t>(row.integer(0));
      if (keyset >= books_.sums.keysets.size())
        return broken("the ledger has proofs of a keyset that it lacks");
      books_.lock(static_cast<std::uint32_t>(keyset), row.unsigned_integer(1));
    }
  }
  if (const std::string wrong = books_.overdrawn(); !wrong.empty()) raise_alarm(wrong);
  publish();
  return {};
}

Result<bool> SqliteLedger::change_keysets(const std::vector<KeysetRecord>& before,
                                          const std::vector<KeysetRecord>& after) {
  bool stored = false;
  TRY_STATUS(alone([&]() -> Status {
    TRY(const std::vector<KeysetRecord> found, read_keysets(database_));
    if (found != before) return {};
    TRY_STATUS(check_change(before, after));
    TRY_STATUS(write_keysets(database_, after));
    // If this is not committed, nobody writes of keysets that are not there.
    books_.set_keysets(after);
    stored = true;
    return {};
  }));
  return stored;
}

Result<KeysetStore::Pruned> SqliteLedger::prune(std::uint32_t keyset) {
  TRY(const bool done, pruning_.is_done(keyset));
  if (done) return Pruned::done;
  TRY(const SqlitePruning::Batch batch, pruning_.find(keyset));
  if (!batch.empty()) {
    if (const Status gone = alone([&] { return pruning_.forget(database_, keyset, batch); }); !gone) {
      pruning_.begin_anew(keyset);
      return std::unexpected(gone.error());
    }
    failpoint("mint.after-prune");
  }
  if (!batch.ends) return Pruned::more;
  if (batch.held) return Pruned::later;
  TRY([[maybe_unused]] const Written booked, write_now(BookExpired{keyset}));
  return Pruned::done;
}

/// On the committing thread, between commits, in a transaction of its own; `then` once it is committed.
Status SqliteLedger::alone(const std::function<Status()>& act, const std::function<void()>& then) {
  std::promise<Status> promise;
  auto future = promise.get_future();
  if (!inbox_.push({{}, nullptr, [&] { promise.set_value(run_alone(act, then)); }}))
    return unavailable("the mint is shutting down");
  return future.get();
}

Status SqliteLedger::run_alone(const std::function<Status()>& act, const std::function<void()>& then) {
  if (refuses_) return broken("the mint's ledger can't be written: its operator has to restart it");
  const auto turn = checkpointer_->turn();
  const auto work = [&]() -> Status {
    TRY(Transaction transaction, Transaction::begin(database_));
    TRY_STATUS(act());
    return transaction.commit();
  };
  if (const Status done = work(); !done) {
    if (database_.failed()) refuse_from_now_on(done.error());
    return done;
  }
  if (then) then();
  checkpointer_->committed(database_.log_pages());
  publish();
  return {};
}

Status SqliteLedger::set_prices(const std::vector<Price>& prices) {
  Books next;
  return alone(
      [&]() -> Status {
        next = books_;
        for (const Price& price :
             falls_first(prices, [&](const Price& each) { return next.price(next.unit(each.unit)); })) {
          TRY_STATUS(change_price(database_, next, {price.unit, price.msat, price.melt_quotes_live, false},
                                  clock_->now_seconds()));
        }
        return {};
      },
      [&] { books_ = std::move(next); });
}

Result<AdminOutcome> SqliteLedger::administrate(const AdminCall& call, const AdminPlan& plan) {
  std::promise<Result<AdminOutcome>> promise;
  auto future = promise.get_future();
  if (!inbox_.push({{}, nullptr, [&] { promise.set_value(decide_now(call, plan)); }}))
    return unavailable("the mint is shutting down");
  return future.get();
}

/// On the committing thread, between two commits.
Result<AdminOutcome> SqliteLedger::decide_now(const AdminCall& call, const AdminPlan& plan) {
  if (refuses_) return broken("the mint's ledger can't be written: its operator has to restart it");
  const auto turn = checkpointer_->turn();
  Books next = books_;
  const auto work = [&]() -> Result<AdminOutcome> {
    TRY(Transaction transaction, Transaction::begin(database_));
    SqliteAdminRows rows(database_, next);
    TRY(AdminOutcome outcome, decide(rows, call, plan));
    failpoint("mint.before-commit");
    TRY_STATUS(transaction.commit());
    return outcome;
  };
  auto outcome = work();
  failpoint("mint.after-commit");
  if (!outcome) {
    if (database_.failed()) refuse_from_now_on(outcome.error());
    return outcome;
  }
  books_ = std::move(next);
  checkpointer_->committed(database_.log_pages());
  publish();
  return outcome;
}

Result<Written> SqliteLedger::write_now(Write write) {
  std::promise<Result<Written>> promise;
  auto future = promise.get_future();
  if (!inbox_.push(
          {std::move(write), [&promise](Result<Written> result) { promise.set_value(std::move(result)); }})) {
    return unavailable("the mint is shutting down");
  }
  return future.get();
}

void SqliteLedger::publish() {
  Totals totals = books_.totals();
  const std::lock_guard lock(published_mutex_);
  published_ = std::move(totals);
  standing_.sequence = journal_.sequence();
  standing_.checkpointer_wait_seconds = waited_seconds_;
  if (standing_.checkpoint == journal_.checkpoint()) return;
  standing_.checkpoint = journal_.checkpoint();
  standing_.checkpoint_at = journal_.checkpoint_at();
}

void SqliteLedger::raise_alarm(const std::string& violation) {
  alarmed_ = true;
  const std::lock_guard lock(published_mutex_);
  if (alarm_.empty()) alarm_ = "the books don't add up: " + violation;
}

void SqliteLedger::refuse_from_now_on(const Error& error) {
  refuses_ = true;
  const std::lock_guard lock(published_mutex_);
  failure_ = "writing the ledger failed (" + error.message + "); nothing is written until a restart";
}

void SqliteLedger::commit_loop() {
  for (;;) {
    std::deque<Job> jobs =
        inbox_.take(options_.batch, std::chrono::steady_clock::now() + kIdle, options_.gathering);
    const bool over = jobs.empty() && inbox_.drained();
    if (jobs.empty()) {
      keep_journal(over);
      try_again();
    }
    const auto tasks =
        std::ranges::stable_partition(jobs, [](const Job& job) { return job.task == nullptr; });
    for (const Job& job : tasks) job.task();
    jobs.erase(tasks.begin(), tasks.end());
    if (!jobs.empty()) commit(std::move(jobs));
    if (over) return;
  }
}

/// What was committed last gets into the journal though nothing is committed after it.
void SqliteLedger::keep_journal(bool at_once) {
  if (refuses_ || !journal_.due(books_, clock_->now_seconds(), clock_->monotonic(), at_once)) return;
  const auto turn = checkpointer_->turn();
  const Status status = [&]() -> Status {
    TRY(Transaction transaction, Transaction::begin(database_));
    TRY_STATUS(write_journal(at_once));
    return transaction.commit();
  }();
  if (status) {
    journal_.committed();
    publish();
  } else if (database_.failed() || status.error().kind == ErrorKind::broken) {
    refuse_from_now_on(status.error());
  } else {
    note(status);
  }
}

/// After a write that was not done: whether there is room again. Who has seen health() may not ask to write.
void SqliteLedger::try_again() {
  {
    const std::lock_guard lock(published_mutex_);
    if (refuses_ || trouble_.empty()) return;
  }
  std::error_code unknown;
  // What a write has begun to append lies there for another small one: that it fits says nothing of the next.
  if (std::filesystem::space(options_.file, unknown).available < kRoom) return;
  const auto turn = checkpointer_->turn();
  const Status status = [&]() -> Status {
    TRY(Transaction transaction, Transaction::begin(database_));
    TRY_STATUS(database_.run("UPDATE keysets SET state = state"));
    return transaction.commit();
  }();
  if (!status && database_.failed()) return refuse_from_now_on(status.error());
  note(status);
}

/// For health(), how the last write went.
void SqliteLedger::note(const Status& written) {
  const std::lock_guard lock(published_mutex_);
  trouble_ = written ? "" : "requests that write are refused: " + written.error().message;
}

Status SqliteLedger::write_journal(bool at_once) {
  return journal_.write(database_, books_, clock_->now_seconds(), clock_->monotonic(), at_once);
}

/// Everything in one transaction; `separately` puts each write into a savepoint of its own, for batches with
/// a refusal in them. Sets the outcome of the refused ones. `invalid` with no message: a refusal happened,
/// try separately.
Status SqliteLedger::try_commit(std::deque<Job>& jobs, Outcomes& outcomes, bool separately) {
  TRY(Transaction transaction, Transaction::begin(database_));
  const Sums before = books_.sums;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (alarmed_ && !ends_payment(jobs[i].write)) {
      outcomes[i] = broken("the mint's ledger can't be written: its operator has to look");
      continue;
    }
    Sums before_this;
    std::optional<Savepoint> savepoint;
    if (separately) {
      before_this = books_.sums;
      TRY(Savepoint set, Savepoint::set(database_));
      savepoint.emplace(std::move(set));
    }
    outcomes[i] = writes_.apply(jobs[i].write);
    if (database_.failed()) return broken("the disk failed");
    // A full disk may have rolled back everything at once: a savepoint set now would commit on its own.
    if (!database_.in_transaction()) {
      return unavailable(*outcomes[i] ? "the transaction was rolled back" : outcomes[i]->error().message);
    }
    if (!*outcomes[i]) {
      if (!separately) return invalid("");
      books_.restore(before_this);
      if (!writes_.violation().empty()) raise_alarm(writes_.violation());
    } else if (separately) {
      TRY_STATUS(savepoint->keep());
    }
  }
  TRY_STATUS(writes_.store_totals(before, journal_.next_entry()));
  TRY_STATUS(write_journal(false));
  TRY_STATUS(proofs_.move_some(database_));
  TRY_STATUS(outputs_.move_some(database_));
  failpoint("mint.before-commit");
  TRY_STATUS(transaction.commit());
  proofs_.moved();
  outputs_.moved();
  journal_.committed();
  return {};
}

void SqliteLedger::tell(const std::deque<Job>& jobs, const Outcomes& outcomes) {
  const std::lock_guard lock(listener_mutex_);
  if (listener_ == nullptr || !listener_->wanted()) return;
  Changes changes;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (outcomes[i]->has_value()) append_changes(changes, jobs[i].write);
  }
  if (!changes.empty()) listener_->changed(std::move(changes));
}

void SqliteLedger::commit(std::deque<Job> jobs) {
  const Monotonic started = clock_->monotonic();
  Outcomes outcomes(jobs.size());
  Status status = broken("");
  if (!refuses_) {
    const auto turn = checkpointer_->turn();
    waited_seconds_ += std::chrono::duration<double>(clock_->monotonic() - started).count();
    const Sums before = books_.sums;
    status = try_commit(jobs, outcomes, false);
    if (!status && status.error().message.empty()) {
      books_.restore(before);
      status = try_commit(jobs, outcomes, true);
    }
    if (!status) {
      books_.restore(before);
      if (database_.failed() || status.error().kind == ErrorKind::broken) {
        refuse_from_now_on(status.error());
      }
    }
    note(status);
  }
  failpoint("mint.after-commit");
  if (status) {
    checkpointer_->committed(database_.log_pages());
    publish();
    tell(jobs, outcomes);
    if (options_.on_commit) {
      options_.on_commit(jobs.size(), std::chrono::duration<double>(clock_->monotonic() - started).count());
    }
  }
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (refuses_) {
      jobs[i].done(broken("the mint's ledger can't be written: its operator has to restart it"));
    } else if (!status) {
      jobs[i].done(unavailable("the mint's ledger can't be written now: try again"));
    } else {
      jobs[i].done(*std::move(outcomes[i]));
    }
  }
}

}  // namespace

Result<std::unique_ptr<Ledger>> open_sqlite_ledger(SqliteLedgerOptions options, const Clock& clock) {
  constexpr int kCacheKib = 64 * 1024;
  TRY(Database database, Database::open(options.file, {.durability = options.durability,
                                                       .wal_autocheckpoint = 0,
                                                       .cache_kib = kCacheKib,
                                                       .vfs = options.vfs}));
  auto ledger = std::make_unique<SqliteLedger>(std::move(options), clock, std::move(database));
  TRY_STATUS(ledger->load());
  TRY_STATUS(ledger->start());
  return ledger;
}

}  // namespace manastr::mint
