// The mint's book. The pipeline and the quotes write to it, everything else reads. Implementations: SQLite
// (sqlite_ledger.h) for one mint, PostgreSQL (postgres/postgres_ledger.h) for one or several, with the same
// meaning: rows are keyed by Y, B_ and quote id, and there is no row that all transactions touch. Promises: a
// write is durable before its callback says so; writes that were under way together are committed together;
// no write lets what is owed (all units at their prices, and the credit of matches) exceed what was received
// less what was paid out; if more of a keyset is redeemed than was issued, nothing is written any more but
// what ends payments, until a restart; what is issued and redeemed is summed up in a journal
// (journal_entry.h); a callback says that a write did not happen only if it is certain. What happens after a
// failed commit is the implementation's to say.
#pragma once
#include <memory>
#include <span>

#include "mint/keysets/keyset_store.h"
#include "mint/ledger/administration.h"
#include "mint/ledger/changes.h"
#include "mint/ledger/shared_limits.h"
#include "mint/ledger/standing.h"

namespace manastr::mint {

/// What an idempotency key of a game operation was used for.
struct StoredOperation {
  Hash32 operation{};
  std::uint64_t credit_msat = 0;  ///< as it was answered
};

class Ledger : public KeysetStore {
 public:
  /// change_keysets() from whatever there is; for tests and imports.
  Status store_keysets(const std::vector<KeysetRecord>& records);

  struct Price {
    cashu::Unit unit;
    std::uint64_t msat = 0;
    Seconds melt_quotes_live{};
  };
  /// From now on. Refused if the mint would owe more than it has: the sentence says which price and by how
  /// much. Mint quotes under way, of any unit, keep the old price if the mint can afford it.
  virtual Status set_prices(const std::vector<Price>& prices) = 0;

  // Operators.
  virtual Result<std::vector<UnitRecord>> units() = 0;
  /// Blocks; from any thread. See administration.h. An error: nothing was done and nothing logged, or (with
  /// PostgreSQL away) it is unknown: a call with a key can be sent again.
  virtual Result<AdminOutcome> administrate(const AdminCall& call, const AdminPlan& plan) = 0;
  /// Of the log, the newest first: at most `limit` lines, with numbers below `before` (0: from the end).
  virtual Result<std::vector<AuditLine>> audit(std::uint64_t before, std::size_t limit) = 0;
  /// Restores and imports, the oldest first.
  virtual Result<std::vector<Origin>> origins() = 0;
  /// After one, before anything else. A restore holds all keysets that there are: their proofs are not taken
  /// (KeysetRecord::held).
  virtual Status add_origin(const Origin& origin) = 0;
  /// The operator has made sure: all origins are settled, and no keyset is held any more.
  virtual Status settle_origins(UnixSeconds now) = 0;

  /// Queues a write; `done` is called once, from the committing thread, after the commit (or the refusal). It
  /// must not block. False if the queue is full: nothing happened and `done` won't be called.
  virtual bool write(Write write, WriteDone done) = 0;
  /// The same for what must not be dropped since something outside has happened already (a payment): waits
  /// for room.
  virtual Result<Written> write_now(Write write) = 0;
  /// Who hears of what the commits change; null: nobody. When this returns, the former one is not called any
  /// more.
  virtual void listen(ChangeListener* listener) = 0;
  /// The listener wants to hear, from now on: other mints on the same database are told at once to tell.
  virtual void wanted() {}
  /// Whose limits are shared with the other mints on the same database, if there are any; null: nobody's.
  /// When this returns, the former ones are not called any more.
  virtual void share(SharedLimits*) {}

  // Reads: from any thread; they see every write whose callback was called.
  /// Hints without I/O. False: not known here, most likely never spent or locked; with several mints only a
  /// write tells. True: ask proof_states().
  virtual bool may_know_proof(const PointBytes& y) const = 0;
  /// The same of signed or reserved outputs and signatures().
  virtual bool may_know_output(const PointBytes& b_blinded) const = 0;
  virtual Result<std::vector<ProofState>> proof_states(std::span<const PointBytes> ys) = 0;
  virtual Result<std::vector<std::optional<StoredSignature>>> signatures(
      std::span<const PointBytes> bs_blinded) = 0;
  virtual Result<std::optional<MintQuote>> mint_quote(std::string_view id) = 0;
  virtual Result<std::optional<MintQuote>> mint_quote_of(const Hash32& node_key) = 0;
  virtual Result<std::optional<MeltQuote>> melt_quote(std::string_view id) = 0;
  /// Those that a payment may have come to: unpaid invoices and all offers that had not expired at `since`.
  virtual Result<std::vector<MintQuote>> payable_mint_quotes(UnixSeconds since) = 0;
  /// At start: the melts under way that this mint has to look after.
  virtual Result<std::vector<MeltQuote>> pending_melts() = 0;
  /// Those that another mint on the same Lightning node has left behind; from now on they are this one's.
  virtual Result<std::vector<MeltQuote>> adopt_melts() { return std::vector<MeltQuote>{}; }
  /// Asked right before a begun melt is paid. False: another mint may have taken it over, so it must not be.
  virtual bool may_pay(const MeltQuote&) { return true; }
  virtual Result<std::vector<BlankOutput>> blank_outputs(std::string_view melt_quote) = 0;
  virtual Result<std::optional<StoredOperation>> operation(const Hash32& key) = 0;
  virtual Result<std::optional<StoredVerdict>> verdict(const match::MatchId& match) = 0;
  virtual Result<std::optional<SpentToken>> spent_token(const PointBytes& y) = 0;
  /// Of blind tokens; none is ever pending.
  virtual Result<std::vector<std::optional<StoredSignature>>> token_signatures(
      std::span<const PointBytes> bs_blinded) = 0;

  /// From now on checkpoints of the journal are signed with this key and made about once a minute, and at the
  /// end.
  virtual void sign_checkpoints(crypto::SecretKey key) = 0;
  virtual Standing standing() const = 0;
  virtual Totals totals() const = 0;
  virtual std::size_t queued() const = 0;
  /// An error says why nothing is written any more (but for ends of payments, if it is standing().alarm);
  /// `unavailable`, why writes can't be done for now: the database is away, or the last one met a full disk.
  /// That it is over is found out within seconds, half a minute at most, also if nobody writes.
  virtual Status health() const = 0;
};

}  // namespace manastr::mint
