#include "mint/ledger/postgres/postgres_ledger.h"

#include <future>
#include <map>
#include <thread>

#include "common/base/failpoint.h"
#include "common/base/inbox.h"
#include "common/postgres/sessions.h"
#include "mint/ledger/postgres/administration.h"
#include "mint/ledger/postgres/auditor.h"
#include "mint/ledger/postgres/batch_statements.h"
#include "mint/ledger/postgres/bulletin.h"
#include "mint/ledger/postgres/committer.h"
#include "mint/ledger/postgres/keyset_rows.h"
#include "mint/ledger/postgres/origins.h"
#include "mint/ledger/postgres/reads.h"
#include "mint/ledger/postgres/schema.h"

namespace manastr::mint {
namespace {

using postgres::Address;
using postgres::Connection;
using postgres::Outcome;
using postgres::Parameters;
using postgres::Rows;
using postgres::Statement;

constexpr Millis kIdle{1'000};          // then, if there is doubt, it is found out whether writes can be done
constexpr Millis kFilterPatience{300};  // more than a small ledger takes
constexpr Statement kBegin{"begin", "BEGIN"};
constexpr Statement kCommit{"commit", "COMMIT"};
constexpr Statement kDurably{"durably",
                             "SELECT set_config('synchronous_commit', 'on', true) WHERE "
                             "current_setting('synchronous_commit') = 'off'"};
// One process at a time changes keysets or units: that of administration.cpp.
constexpr Statement kLockKeysets{"lock_keysets", "SELECT pg_advisory_xact_lock(5570193308277399044)"};
constexpr std::int64_t kPruned = 500;  // rows that one transaction looks at
constexpr Statement kPrune{
    "prune",
    "SELECT reached, gone, held, waits FROM mint.prune($1::int8::int4, $2::int8 <> 0, $3::bytea, "
    "$4::int8::int4)"};
constexpr Statement kPruneTokens{
    "prune_tokens",
    "SELECT reached, gone, held, waits FROM mint.prune_tokens($1::int8::int4, $2::int8 <> 0, $3::bytea, "
    "$4::int8::int4)"};
constexpr Statement kClaim{
    "claim",
    "UPDATE mint.payments SET lease = now() + interval '60 seconds' WHERE node_key = $1::bytea AND "
    "quote = $2::bytea AND holder = $3::text AND state = 1 AND EXISTS (SELECT 1 FROM mint.replicas WHERE "
    "name = $3::text "
    "AND incarnation = $4::bytea)"};

class PostgresLedger final : public Ledger {
 public:
  PostgresLedger(PostgresLedgerOptions options, const Address& address, const Clock& clock)
      : options_(std::move(options)),
        clock_(&clock),
        holder_{options_.replica, options_.node, system_random().bytes<16>()},
        books_(options_.filter_log2_bits),
        reads_(address, options_.connections),
        committer_(address, holder_, books_, options_.patience, clock),
        auditor_(address, holder_, books_, options_.audit_every),
        bulletin_(address, holder_, clock),
        inbox_(options_.queue) {}
  ~PostgresLedger() override {
    inbox_.close();
    committer_.hurry();
    if (thread_.joinable()) thread_.join();
  }

  Status open() {
    TRY_STATUS(committer_.connect());
    TRY_STATUS(auditor_.begin());
    // Before any payment is begun: later, those would be among them.
    TRY(pending_at_start_, reads_.claim_melts(holder_, true));
    auditor_.start();
    bulletin_.start();
    auditor_.wait_for_filters(kFilterPatience);
    thread_ = std::thread([this] { commit_loop(); });
    return {};
  }

  Result<std::vector<KeysetRecord>> keysets() override {
    TRY(std::vector<KeysetRecord> records, reads_.keysets());
    books_.set_keysets(records);  // before anything is signed with one that another mint has made
    return records;
  }
  Result<bool> change_keysets(const std::vector<KeysetRecord>& before,
                              const std::vector<KeysetRecord>& after) override;
  Result<bool> has_pending(std::uint32_t keyset) override { return reads_.has_pending(keyset); }
  Result<Pruned> prune(std::uint32_t keyset) override;
  Status set_prices(const std::vector<Price>& prices) override;
  Result<std::vector<Origin>> origins() override {
    TRY(auto connection, reads_.pool().borrow());
    return read_origins(*connection);
  }
  Status add_origin(const Origin& origin) override {
    TRY(auto connection, reads_.pool().borrow());
    return mint::add_origin(*connection, origin);
  }
  Status settle_origins(UnixSeconds now) override {
    TRY(auto connection, reads_.pool().borrow());
    return mint::settle_origins(*connection, now);
  }

  Result<std::vector<UnitRecord>> units() override {
    TRY(auto connection, reads_.pool().borrow());
    return read_units(*connection);
  }
  Result<AdminOutcome> administrate(const AdminCall& call, const AdminPlan& plan) override;
  Result<std::vector<AuditLine>> audit(std::uint64_t before, std::size_t limit) override {
    TRY(auto connection, reads_.pool().borrow());
    return read_audit(*connection, before, limit);
  }

  bool write(Write write, WriteDone done) override {
    return inbox_.try_push({std::move(write), std::move(done), std::nullopt, 0});
  }
  Result<Written> write_now(Write write) override;

  void listen(ChangeListener* listener) override {
    {
      const std::lock_guard lock(listener_mutex_);
      listener_ = listener;
    }
    bulletin_.listen(listener);
  }
  void wanted() override { bulletin_.wanted(); }
  void share(SharedLimits* limits) override { bulletin_.share(limits); }

  bool may_know_proof(const PointBytes& y) const override {
    return !books_.filters_loaded || books_.proofs.may_contain(y);
  }
  bool may_know_output(const PointBytes& b_blinded) const override {
    return !books_.filters_loaded || books_.outputs.may_contain(b_blinded);
  }
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
  Result<std::vector<MeltQuote>> pending_melts() override { return pending_at_start_; }
  Result<std::vector<MeltQuote>> adopt_melts() override { return reads_.claim_melts(holder_, false); }
  bool may_pay(const MeltQuote& quote) override {
    const auto mine = reads_.pool().read(
        kClaim, Parameters().add(quote.node_key).add(quote.id).add(holder_.replica).add(holder_.incarnation));
    return mine && mine->affected() == 1;
  }
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

  void sign_checkpoints(crypto::SecretKey key) override { auditor_.sign_with(std::move(key)); }
  Standing standing() const override { return books_.standing(); }
  Totals totals() const override { return books_.totals(); }
  std::size_t queued() const override { return inbox_.size(); }
  Status health() const override { return books_.health(); }

 private:
  void commit_loop();
  void answer(const std::vector<Job*>& jobs);
  void tell(const std::vector<Job*>& jobs);

  const PostgresLedgerOptions options_;
  const Clock* clock_;
  const Holder holder_;
  PostgresBooks books_;
  PostgresReads reads_;
  Committer committer_;
  Auditor auditor_;
  Bulletin bulletin_;
  std::vector<MeltQuote> pending_at_start_;
  /// How far a round through the rows of a pruned keyset has come; of the one thread that prunes.
  struct Pruning {
    bool signatures = false;
    Bytes behind;
    bool held = false;
  };
  std::map<std::uint32_t, Pruning> pruning_;
  Inbox<Job> inbox_;
  std::mutex listener_mutex_;  // held while the listener is told
  ChangeListener* listener_ = nullptr;
  std::thread thread_;
};

Result<bool> PostgresLedger::change_keysets(const std::vector<KeysetRecord>& before,
                                            const std::vector<KeysetRecord>& after) {
  TRY(auto connection, reads_.pool().borrow());
  connection->queue(kBegin);
  connection->queue(kDurably);
  connection->queue(kLockKeysets);
  TRY_STATUS(connection->run());
  TRY(const std::vector<KeysetRecord> found, read_keysets(*connection));
  if (found != before) return false;
  TRY_STATUS(check_change(before, after));
  TRY_STATUS(write_keysets(*connection, after));
  TRY_STATUS(connection->ask(kCommit));
  books_.set_keysets(after);
  return true;
}

Result<KeysetStore::Pruned> PostgresLedger::prune(std::uint32_t keyset) {
  TRY(const bool done, reads_.is_forgotten(keyset));
  if (done) return Pruned::done;
  Pruning& at = pruning_[keyset];
  const Catalog catalog = books_.catalog();
  const bool of_tokens =
      catalog.knows_keyset(keyset) && catalog.units()[catalog.unit_of_keyset(keyset)] == kAuthUnit;
  TRY(auto connection, reads_.pool().borrow());
  failpoint("mint.before-prune");
  TRY(const Rows batch,
      connection->ask(of_tokens ? kPruneTokens : kPrune, Parameters()
                                                             .add(std::int64_t{keyset})
                                                             .add(std::int64_t{at.signatures})
                                                             .add(ByteView(at.behind))
                                                             .add(kPruned)));
  if (batch.integer(0, 3) != 0) return Pruned::later;
  failpoint("mint.after-prune");
  at.held = at.held || batch.integer(0, 2) != 0;
  if (!batch.is_null(0, 0)) {
    const ByteView reached = batch.blob(0, 0);
    at.behind.assign(reached.begin(), reached.end());
    return Pruned::more;
  }
  at.behind.clear();
  if (!at.signatures) {
    at.signatures = true;
    return Pruned::more;
  }
  if (std::exchange(at, Pruning{}).held) return Pruned::later;
  TRY([[maybe_unused]] const Written booked, write_now(BookExpired{keyset}));
  return Pruned::done;
}

Status PostgresLedger::set_prices(const std::vector<Price>& prices) {
  TRY(auto connection, reads_.pool().borrow());
  TRY_STATUS(connection->ask(kBegin));
  TRY_STATUS(lock_administration(*connection));
  Catalog next = books_.catalog();
  for (const Price& price :
       falls_first(prices, [&](const Price& each) { return next.price(next.unit(each.unit)); })) {
    TRY_STATUS(change_price(*connection, holder_.replica, next,
                            {price.unit, price.msat, price.melt_quotes_live, false}, clock_->now_seconds()));
  }
  TRY_STATUS(connection->ask(kCommit));
  books_.adopt(next);
  return {};
}

Result<AdminOutcome> PostgresLedger::administrate(const AdminCall& call, const AdminPlan& plan) {
  if (books_.halted()) return broken("the mint's ledger can't be written: its operator has to look");
  TRY(auto connection, reads_.pool().borrow());
  connection->queue(kBegin);
  connection->queue(sql::kDurably);
  TRY_STATUS(connection->run());
  TRY_STATUS(lock_administration(*connection));
  Catalog next = books_.catalog();
  PostgresAdminRows rows(*connection, holder_.replica, next);
  TRY(AdminOutcome outcome, decide(rows, call, plan));
  failpoint("mint.before-commit");
  TRY(const Rows committed, connection->ask(kCommit));
  if (committed.tag() != "COMMIT") return unavailable("the database rolled this back: try again");
  failpoint("mint.after-commit");
  books_.adopt(next);
  return outcome;
}

Result<Written> PostgresLedger::write_now(Write write) {
  std::promise<Result<Written>> promise;
  auto future = promise.get_future();
  if (!inbox_.push({std::move(write),
                    [&promise](Result<Written> result) { promise.set_value(std::move(result)); },
                    std::nullopt, 0})) {
    return unavailable("the mint is shutting down");
  }
  return future.get();
}

void PostgresLedger::tell(const std::vector<Job*>& jobs) {
  const std::lock_guard lock(listener_mutex_);
  const bool here = listener_ != nullptr && listener_->wanted();
  const bool elsewhere = bulletin_.is_wanted();
  if (!here && !elsewhere) return;
  Changes changes;
  for (const Job* job : jobs) {
    if (job->outcome->has_value()) append_changes(changes, job->write);
  }
  if (changes.empty()) return;
  if (elsewhere) bulletin_.tell(changes);
  if (here) listener_->changed(std::move(changes));
}

void PostgresLedger::answer(const std::vector<Job*>& jobs) {
  tell(jobs);
  for (Job* job : jobs) {
    if (const Status looked = recognize(*this, *job); !looked) job->outcome = std::unexpected(looked.error());
    books_.remember(job->write);
    job->done(*std::move(job->outcome));
  }
}

void PostgresLedger::commit_loop() {
  for (;;) {
    std::deque<Job> jobs =
        inbox_.take(options_.batch, std::chrono::steady_clock::now() + kIdle, options_.gathering);
    if (jobs.empty()) {
      if (inbox_.drained()) return;
      if (books_.is_doubtful()) committer_.probe();
      continue;
    }
    const Monotonic started = clock_->monotonic();
    committer_.commit(jobs, [&](const std::vector<Job*>& ended) {
      failpoint("mint.after-commit");
      answer(ended);
    });
    if (options_.on_commit)
      options_.on_commit(jobs.size(), std::chrono::duration<double>(clock_->monotonic() - started).count());
  }
}

}  // namespace

Result<std::unique_ptr<Ledger>> open_postgres_ledger(PostgresLedgerOptions options, const Clock& clock) {
  if (options.replica.empty() || options.replica.size() > 64) return broken("a replica needs a name");
  TRY(const Address address, Address::parse(options.url, "manastr-mint " + options.replica));
  TRY_STATUS(postgres::check_sessions(address));
  {
    TRY(const std::unique_ptr<Connection> connection, Connection::open(address));
    if (!options.restoring) TRY_STATUS(check_restored(*connection));
    TRY(const bool current, is_ledger_current(*connection));
    if (!current) TRY_STATUS(migrate_ledger(*connection, ""));
  }
  auto ledger = std::make_unique<PostgresLedger>(std::move(options), address, clock);
  TRY_STATUS(ledger->open());
  return ledger;
}

Status migrate_postgres_ledger(const crypto::SecretText& owner_url, const std::string& runtime,
                               bool restoring) {
  TRY(const Address address, Address::parse(owner_url, "manastr-mint migrate"));
  TRY(const std::unique_ptr<Connection> connection, Connection::open(address));
  if (!restoring) TRY_STATUS(check_restored(*connection));
  return migrate_ledger(*connection, runtime == address.user() ? "" : runtime);
}

Result<std::string> role_of(const crypto::SecretText& url) {
  TRY(const Address address, Address::parse(url, ""));
  return address.user();
}

}  // namespace manastr::mint
