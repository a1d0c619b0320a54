#include "mint/ledger/postgres/auditor.h"

#include "mint/ledger/postgres/checkpoints.h"

namespace manastr::mint {
namespace {

using postgres::Connection;
using postgres::Outcome;
using postgres::Parameters;
using postgres::Rows;
using postgres::Statement;

constexpr unsigned kForgetEvery = 3'600;  // audits
constexpr unsigned kRenewEvery = 10;
constexpr std::size_t kFetched = 20'000;

constexpr Statement kSnapshot{"snapshot", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"};
constexpr Statement kBegin{"begin", "BEGIN"};
constexpr Statement kCommit{"commit", "COMMIT"};
constexpr Statement kPrices{"prices", "SELECT unit, msat FROM mint.prices ORDER BY unit"};
constexpr Statement kKeysetUnits{"keyset_units",
                                 "SELECT number, unit, state FROM mint.keysets ORDER BY number"};
constexpr Statement kSums{
    "sums",
    "SELECT own, account, sum(amount)::text FROM ("
    "SELECT replica = $1::text AS own, account, amount FROM mint.totals UNION ALL "
    "SELECT c.replica = $1::text, u.account, u.amount FROM mint.commits c, "
    "unnest(c.accounts, c.amounts) AS u(account, amount) WHERE NOT c.folded) AS each GROUP BY 1, 2"};
constexpr Statement kMakeName{
    "make_name",
    "INSERT INTO mint.replicas VALUES($1::text, $2::bytea, now()) ON CONFLICT (name) DO NOTHING"};
/// Waits for a commit of the process that had the name (kCommitRow); none comes after.
constexpr Statement kLockName{"lock_name", "SELECT name FROM mint.replicas WHERE name = $1::text FOR UPDATE"};
constexpr Statement kTakeName{
    "take_name", "UPDATE mint.replicas SET incarnation = $2::bytea, seen = now() WHERE name = $1::text"};
constexpr Statement kKeepName{
    "keep_name", "UPDATE mint.replicas SET seen = now() WHERE name = $1::text AND incarnation = $2::bytea"};
constexpr Statement kRenewLeases{
    "renew_leases",
    "UPDATE mint.payments SET lease = now() + interval '60 seconds' WHERE holder = $1::text AND state = 1"};
constexpr Statement kFold{"fold", "SELECT mint.fold_commits(interval '5 seconds')"};
constexpr Statement kFoldAll{"fold_all", "SELECT mint.fold_commits(interval '0')"};
constexpr Statement kForget{"forget", "SELECT mint.forget()"};
constexpr Statement kOpenProofs{"open_proofs", "DECLARE seen NO SCROLL CURSOR FOR SELECT y FROM mint.proofs"};
constexpr Statement kOpenOutputs{"open_outputs",
                                 "DECLARE seen NO SCROLL CURSOR FOR SELECT b_ FROM mint.signatures"};
constexpr Statement kFetch{"fetch", "FETCH FORWARD 20000 FROM seen"};

}  // namespace

Outcome<AuditedAccounts> audited_accounts(Connection& connection, const std::string& replica) {
  auto rows = connection.ask(kSums, Parameters().add(replica));
  if (!rows) return std::unexpected(rows.error());
  AuditedAccounts out;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    (rows->integer(i, 0) != 0 ? out.own : out.others)[std::string(rows->text(i, 1))] =
        wide_from_text(rows->text(i, 2)).value_or(0);
  }
  return out;
}

Outcome<void> read_prices(Connection& connection, Catalog& catalog) {
  connection.queue(kKeysetUnits);
  connection.queue(kPrices);
  auto rows = connection.run();
  if (!rows) return std::unexpected(rows.error());
  std::vector<KeysetRecord> keysets;
  for (std::size_t i = 0; i < rows->at(0).size(); ++i) {
    KeysetRecord& record = keysets.emplace_back();
    record.number = static_cast<std::uint32_t>((*rows)[0].integer(i, 0));
    record.unit = (*rows)[0].text(i, 1);
    record.state = static_cast<KeysetState>((*rows)[0].integer(i, 2));
  }
  catalog.set_keysets(keysets);
  for (std::size_t i = 0; i < rows->at(1).size(); ++i) {
    catalog.set_price((*rows)[1].text(i, 0), (*rows)[1].unsigned_integer(i, 1));
  }
  return {};
}

Auditor::~Auditor() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

/// False: it is time to stop.
bool Auditor::wait(Millis time) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, time, [&] { return stopping_; });
}

bool Auditor::wait_for_filters(Millis limit) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, limit, [&] { return stopping_ || books_->filters_loaded.load(); });
  return books_->filters_loaded;
}

Status Auditor::begin() {
  TRY(connection_, Connection::open(address_));
  connection_->queue(kBegin);
  connection_->queue(kMakeName, Parameters().add(holder_.replica).add(holder_.incarnation));
  connection_->queue(kLockName, Parameters().add(holder_.replica));
  connection_->queue(kTakeName, Parameters().add(holder_.replica).add(holder_.incarnation));
  connection_->queue(kCommit);
  TRY_STATUS(connection_->run());
  TRY(Standing standing, read_standing(*connection_, holder_.replica));
  books_->set_standing(std::move(standing));
  return audit();
}

void Auditor::start() {
  thread_ = std::thread([this] { loop(); });
}

Status Auditor::audit() {
  const std::uint64_t generation = books_->generation();
  Catalog catalog = books_->catalog();
  TRY_STATUS(connection_->ask(kSnapshot));
  const auto read = [&]() -> Outcome<AuditedAccounts> {
    if (auto prices = read_prices(*connection_, catalog); !prices) return std::unexpected(prices.error());
    return audited_accounts(*connection_, holder_.replica);
  }();
  if (!connection_->usable()) return std::unexpected(Error(read.error()));
  TRY_STATUS(connection_->ask(kCommit));
  TRY(AuditedAccounts found, read);
  Accounts all = found.others;
  for (const auto& [account, amount] : found.own) all[account] += amount;
  if (std::string wrong = violation(all, catalog); !wrong.empty()) books_->raise_alarm(wrong);
  books_->adopt(catalog);
  books_->audited(std::move(found.own), std::move(found.others), generation);
  Standing standing = books_->standing();
  standing.audited_at = system_clock().now_seconds();
  books_->set_standing(std::move(standing));
  return {};
}

Status Auditor::look_after_name() {
  TRY(const Rows kept,
      connection_->ask(kKeepName, Parameters().add(holder_.replica).add(holder_.incarnation)));
  if (kept.affected() == 0) books_->halt_replaced(holder_.replica);
  return {};
}

Status Auditor::load_filters() {
  for (const bool proofs : {true, false}) {
    connection_->queue(kBegin);
    connection_->queue(proofs ? kOpenProofs : kOpenOutputs);
    TRY_STATUS(connection_->run());
    PostgresBooks::Seen& filter = proofs ? books_->proofs : books_->outputs;
    for (std::size_t n = kFetched; n == kFetched;) {
      if (!wait(Millis{0})) return {};
      TRY(const Rows rows, connection_->ask(kFetch));
      n = rows.size();
      for (std::size_t i = 0; i < n; ++i) {
        TRY(const PointBytes point, rows.array<33>(i, 0));
        filter.add(point);
      }
    }
    TRY_STATUS(connection_->ask(kCommit));
  }
  const std::lock_guard lock(mutex_);
  books_->filters_loaded = true;
  wake_.notify_all();
  return {};
}

void Auditor::sign_with(crypto::SecretKey key) {
  const std::lock_guard lock(mutex_);
  key_ = std::move(key);
}

Status Auditor::keep_journal(bool at_once) {
  TRY_STATUS(connection_->ask(at_once ? kFoldAll : kFold));
  TRY(Standing standing, read_standing(*connection_, holder_.replica));
  const auto key = [&] {
    const std::lock_guard lock(mutex_);
    return key_;
  }();
  const UnixSeconds now = system_clock().now_seconds();
  const bool recent =
      standing.checkpoint && now >= standing.checkpoint_at && now - standing.checkpoint_at < kCheckpointEvery;
  if (key && (at_once || !recent)) {
    TRY(const bool made, make_checkpoint(*connection_, *key, at_once));
    if (made) {
      TRY(standing, read_standing(*connection_, holder_.replica));
    }
  }
  standing.audited_at = books_->standing().audited_at;
  books_->set_standing(std::move(standing));
  return {};
}

Status Auditor::round(unsigned n) {
  if (!connection_ || !connection_->usable() || connection_->in_transaction()) {
    connection_.reset();
    TRY(connection_, Connection::open(address_));
  }
  if (!books_->filters_loaded) TRY_STATUS(load_filters());
  TRY_STATUS(look_after_name());
  if (n % kRenewEvery == 0) TRY_STATUS(connection_->ask(kRenewLeases, Parameters().add(holder_.replica)));
  TRY_STATUS(keep_journal(false));
  if (n % kForgetEvery == kForgetEvery - 1) TRY_STATUS(connection_->ask(kForget));
  return audit();
}

void Auditor::loop() {
  for (unsigned n = 0;; ++n) {
    // The database is away or hinders: the committing thread finds out and says so; the next round tries
    // again.
    if (!round(n)) books_->doubt();
    if (!wait(every_)) break;
  }
  if (connection_ && connection_->usable() && !connection_->in_transaction()) (void)keep_journal(true);
}

}  // namespace manastr::mint
