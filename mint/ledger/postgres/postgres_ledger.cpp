#include "mint/ledger/postgres/postgres_ledger.h"

#include <future>
#include <thread>

#include "common/base/failpoint.h"
#include "common/base/inbox.h"
#include "mint/ledger/postgres/auditor.h"
#include "mint/ledger/postgres/committer.h"
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

constexpr Millis kFilterPatience{300};  // more than a small ledger takes
constexpr Statement kBegin{"begin", "BEGIN"};
constexpr Statement kCommit{"commit", "COMMIT"};
constexpr Statement kLockPrices{"lock_prices", "SELECT pg_advisory_xact_lock(5570193308277399043)"};
constexpr Statement kSetPrice{
    "set_price",
    "INSERT INTO mint.prices VALUES($1::text, $2::int8) ON CONFLICT (unit) DO UPDATE SET msat = $2::int8"};
constexpr Statement kStoreKeyset{
    "store_keyset",
    "INSERT INTO mint.keysets AS k(number, id, unit, position, input_fee_ppk, denominations, state, "
    "overlap_until, final_expiry, derivation, created_at) VALUES($1::int8, $2::bytea, $3::text, $4::int8, "
    "$5::int8, $6::int8, $7::int8, $8::int8, $9::int8, $10::text, $11::int8) ON CONFLICT (number) DO UPDATE "
    "SET state = CASE WHEN k.state < 3 THEN excluded.state ELSE k.state END, overlap_until = "
    "excluded.overlap_until WHERE k.id = excluded.id"};
constexpr Statement kClaim{
    "claim",
    "UPDATE mint.payments SET lease = now() + interval '60 seconds' WHERE payment_hash = $1::bytea AND "
    "quote = $2::bytea AND holder = $3::text AND state = 1"};

class PostgresLedger final : public Ledger {
 public:
  PostgresLedger(PostgresLedgerOptions options, const Address& address, const Clock& clock)
      : options_(std::move(options)),
        clock_(&clock),
        holder_{options_.replica, options_.node},
        books_(options_.filter_log2_bits),
        reads_(address, options_.connections),
        committer_(address, holder_, books_, options_.patience, clock),
        auditor_(address, holder_, books_, options_.audit_every),
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
    auditor_.wait_for_filters(kFilterPatience);
    thread_ = std::thread([this] { commit_loop(); });
    return {};
  }

  Result<std::vector<KeysetRecord>> keysets() override { return reads_.keysets(); }
  Status store_keysets(const std::vector<KeysetRecord>& records) override;
  Status set_prices(const std::vector<Price>& prices) override;

  bool write(Write write, WriteDone done) override {
    return inbox_.try_push({std::move(write), std::move(done), std::nullopt, 0});
  }
  Result<Written> write_now(Write write) override;

  void listen(ChangeListener* listener) override {
    const std::lock_guard lock(listener_mutex_);
    listener_ = listener;
  }

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
  Result<std::optional<MeltQuote>> melt_quote(std::string_view id) override { return reads_.melt_quote(id); }
  Result<std::vector<MintQuote>> unpaid_mint_quotes(UnixSeconds since) override {
    return reads_.unpaid_mint_quotes(since);
  }
  Result<std::vector<MeltQuote>> pending_melts() override { return pending_at_start_; }
  Result<std::vector<MeltQuote>> adopt_melts() override { return reads_.claim_melts(holder_, false); }
  bool may_pay(const MeltQuote& quote) override {
    const auto mine =
        reads_.pool().read(kClaim, Parameters().add(quote.payment_hash).add(quote.id).add(holder_.replica));
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
  std::vector<MeltQuote> pending_at_start_;
  Inbox<Job> inbox_;
  std::mutex listener_mutex_;  // held while the listener is told
  ChangeListener* listener_ = nullptr;
  std::thread thread_;
};

Status PostgresLedger::store_keysets(const std::vector<KeysetRecord>& records) {
  TRY(auto connection, reads_.pool().borrow());
  connection->queue(kBegin);
  for (const KeysetRecord& record : records) {
    Parameters row;
    row.add(std::int64_t{record.number})
        .add(record.id.bytes())
        .add(record.unit)
        .add(std::int64_t{record.position});
    row.add(static_cast<std::int64_t>(record.input_fee_ppk)).add(std::int64_t{record.denominations});
    row.add(static_cast<std::int64_t>(record.state));
    record.overlap_until ? row.add(count(*record.overlap_until)) : row.add_null();
    record.final_expiry ? row.add(count(*record.final_expiry)) : row.add_null();
    row.add(record.derivation).add(count(record.created_at));
    connection->queue(kStoreKeyset, row);
  }
  TRY(const std::vector<Rows> stored, connection->run());
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (stored[i + 1].affected() == 1) continue;
    return invalid(
        "keyset " + std::to_string(records[i].number) +
        " of this database has other keys: the mints on one database need the same mnemonic, units "
        "and keyset settings");
  }
  TRY_STATUS(connection->ask(kCommit));
  books_.set_keysets(records);
  return {};
}

Status PostgresLedger::set_prices(const std::vector<Price>& prices) {
  TRY(auto connection, reads_.pool().borrow());
  connection->queue(kBegin);
  connection->queue(kLockPrices);
  TRY_STATUS(connection->run());
  Catalog now = books_.catalog();
  TRY_STATUS(read_prices(*connection, now));
  TRY(const AuditedAccounts found, audited_accounts(*connection, holder_.replica));
  Accounts all = found.others;
  for (const auto& [account, amount] : found.own) all[account] += amount;
  Catalog next = now;
  for (const Price& price : prices) next.set_price(price.unit, price.msat);
  const auto gap = [&](const Catalog& catalog) {
    const Totals totals = totals_of(all, catalog);
    return totals.liabilities_msat() - totals.assets_msat();
  };
  if (gap(next) > 0 && gap(next) > gap(now)) {
    return invalid("these prices would let the mint owe " + to_text(gap(next)) +
                   " msat more than it has taken in: keep price_msat where it was until enough is melted");
  }
  for (const Price& price : prices) {
    connection->queue(kSetPrice, Parameters().add(price.unit).add(static_cast<std::int64_t>(price.msat)));
  }
  connection->queue(kCommit);
  TRY_STATUS(connection->run());
  books_.adopt(next);
  return {};
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
  if (listener_ == nullptr || !listener_->wanted()) return;
  Changes changes;
  for (const Job* job : jobs) {
    if (job->outcome->has_value()) append_changes(changes, job->write);
  }
  if (!changes.empty()) listener_->changed(std::move(changes));
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
    std::deque<Job> jobs = inbox_.take(options_.batch);
    if (jobs.empty()) return;
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
  {
    TRY(const std::unique_ptr<Connection> connection, Connection::open(address));
    TRY(const bool current, is_ledger_current(*connection));
    if (!current) TRY_STATUS(migrate_ledger(*connection, ""));
  }
  auto ledger = std::make_unique<PostgresLedger>(std::move(options), address, clock);
  TRY_STATUS(ledger->open());
  return ledger;
}

Status migrate_postgres_ledger(const crypto::SecretText& owner_url, const std::string& runtime) {
  TRY(const Address address, Address::parse(owner_url, "manastr-mint migrate"));
  TRY(const std::unique_ptr<Connection> connection, Connection::open(address));
  return migrate_ledger(*connection, runtime == address.user() ? "" : runtime);
}

Result<std::string> role_of(const crypto::SecretText& url) {
  TRY(const Address address, Address::parse(url, ""));
  return address.user();
}

}  // namespace manastr::mint
