#include "mint/ledger/sqlite_reads.h"

#include "mint/ledger/sqlite_administration.h"
#include "mint/ledger/sqlite_keysets.h"

namespace manastr::mint {
namespace {

using storage::Database;
using storage::Query;

constexpr const char* kMintQuote =
    "SELECT id, node_key, request, unit, amount, amount_paid, amount_issued, invoice_msat, pubkey, "
    "created_at, expires_at, updated_at, method, received_msat FROM mint_quotes ";
constexpr const char* kMeltQuote =
    "SELECT id, node_key, request, unit, amount, fee_reserve, invoice_msat, names_amount, price_msat, "
    "state, created_at, expires_at, inputs, input_fee, preimage, operation, number, method, attempt FROM "
    "melt_quotes ";

Result<MintQuote> mint_quote_of_row(const Query& row) {
  MintQuote out;
  out.id = row.text(0);
  TRY(out.node_key, row.array<32>(1));
  out.request = row.text(2);
  out.unit = row.text(3);
  out.amount = row.unsigned_integer(4);
  out.amount_paid = row.unsigned_integer(5);
  out.amount_issued = row.unsigned_integer(6);
  out.invoice_msat = row.unsigned_integer(7);
  if (!row.is_null(8)) {
    TRY(const auto key, row.array<33>(8));
    out.pubkey = crypto::PublicKey::parse(key);
  }
  out.created_at = unix_seconds(row.integer(9));
  out.expires_at = unix_seconds(row.integer(10));
  out.updated_at = unix_seconds(row.integer(11));
  out.method = static_cast<Method>(row.integer(12));
  out.received_msat = row.unsigned_integer(13);
  return out;
}

Result<MeltQuote> melt_quote_of_row(const Query& row) {
  MeltQuote out;
  out.id = row.text(0);
  TRY(out.node_key, row.array<32>(1));
  out.request = row.text(2);
  out.unit = row.text(3);
  out.amount = row.unsigned_integer(4);
  out.fee_reserve = row.unsigned_integer(5);
  out.invoice_msat = row.unsigned_integer(6);
  out.names_amount = row.integer(7) != 0;
  out.price_msat = row.unsigned_integer(8);
  out.state = static_cast<MeltQuote::State>(row.integer(9));
  out.created_at = unix_seconds(row.integer(10));
  out.expires_at = unix_seconds(row.integer(11));
  out.inputs = row.unsigned_integer(12);
  out.input_fee = row.unsigned_integer(13);
  if (!row.is_null(14)) {
    TRY(out.preimage, row.array<32>(14));
  }
  if (!row.is_null(15)) {
    TRY(out.operation, row.array<32>(15));
  }
  out.method = static_cast<Method>(row.integer(17));
  out.attempt = row.unsigned_integer(18);
  return out;
}

/// A read transaction: all that is read in it is of one moment.
class Snapshot {
 public:
  static Result<Snapshot> begin(Database& database) {
    TRY_STATUS(database.run("BEGIN"));
    return Snapshot(database);
  }
  Snapshot(Snapshot&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Snapshot& operator=(Snapshot&&) = delete;
  ~Snapshot() {
    if (database_ != nullptr) (void)database_->run("COMMIT");
  }

 private:
  explicit Snapshot(Database& database) : database_(&database) {}
  Database* database_;
};

/// Columns keyset, amount, c_, e, s, operation from `at` on.
Result<StoredSignature> signature_of(const Query& row, int at) {
  StoredSignature out;
  out.keyset = static_cast<std::uint32_t>(row.integer(at));
  out.amount = row.unsigned_integer(at + 1);
  out.pending = row.is_null(at + 2);
  if (out.pending) return out;
  TRY(out.c_blinded, row.array<33>(at + 2));
  TRY(out.dleq.e, row.array<32>(at + 3));
  TRY(out.dleq.s, row.array<32>(at + 4));
  TRY(out.operation, row.array<32>(at + 5));
  return out;
}

}  // namespace

/// Goes back when destroyed.
class SqliteReads::Borrowed {
 public:
  Borrowed(SqliteReads& owner, std::unique_ptr<Database> database)
      : owner_(&owner), database_(std::move(database)) {}
  Borrowed(Borrowed&&) noexcept = default;
  Borrowed& operator=(Borrowed&&) = delete;
  ~Borrowed() {
    if (!database_) return;
    const std::lock_guard lock(owner_->mutex_);
    owner_->idle_.push_back(std::move(database_));
  }
  Database* operator->() { return database_.get(); }
  Database& operator*() { return *database_; }

 private:
  SqliteReads* owner_;
  std::unique_ptr<Database> database_;
};

SqliteReads::SqliteReads(storage::OpenOptions options, std::string file, const PointIndex& proofs,
                         const PointIndex& outputs)
    : options_(std::move(options)), file_(std::move(file)), proofs_(&proofs), outputs_(&outputs) {}

Result<SqliteReads::Borrowed> SqliteReads::borrow() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto database = std::move(idle_.back());
      idle_.pop_back();
      return Borrowed(*this, std::move(database));
    }
  }
  TRY(Database opened, Database::open(file_, options_));
  return Borrowed(*this, std::make_unique<Database>(std::move(opened)));
}

Result<std::vector<ProofState>> SqliteReads::proof_states(std::span<const PointBytes> ys) {
  TRY(Borrowed database, borrow());
  std::vector<ProofState> out(ys.size());
  for (std::size_t i = 0; i < ys.size(); ++i) {
    TRY(const auto number, proofs_->find(*database, ys[i]));
    if (!number) continue;
    // Ends with this proof: PointIndex::find() must not meet a read under way.
    TRY(Query row, database->query("SELECT state, witness, match FROM proofs WHERE number = ? AND y = ?",
                                   *number, ys[i]));
    TRY(const bool found, row.next());
    if (!found) continue;
    out[i].state = row.integer(0) == 0 ? ProofState::State::pending : ProofState::State::spent;
    if (out[i].state == ProofState::State::spent) out[i].witness = row.text(1);
    if (!row.is_null(2)) {
      TRY(out[i].match, row.array<32>(2));
    }
  }
  return out;
}

/// Without I/O if none was ever seen; else in one transaction, most often with one look for each.
Result<std::vector<std::optional<StoredSignature>>> SqliteReads::signatures(
    std::span<const PointBytes> bs_blinded) {
  std::vector<std::optional<StoredSignature>> out(bs_blinded.size());
  std::vector<PointIndex::Trace> traces;
  traces.reserve(bs_blinded.size());
  bool any = false;
  for (const PointBytes& each : bs_blinded) any = traces.emplace_back(outputs_->trace(each)).maybe || any;
  if (!any) return out;
  TRY(Borrowed database, borrow());
  TRY(const Snapshot snapshot, Snapshot::begin(*database));
  for (std::size_t i = 0; i < bs_blinded.size(); ++i) {
    if (!traces[i].maybe) continue;
    const auto among = [&](const std::vector<std::int64_t>& numbers) -> Status {
      for (const std::int64_t number : numbers) {
        TRY(Query row, database->query("SELECT keyset, amount, c_, e, s, operation FROM signatures WHERE "
                                       "number = ? AND b_ = ?",
                                       number, bs_blinded[i]));
        TRY(const bool found, row.next());
        if (!found) continue;
        TRY(out[i], signature_of(row, 0));
        return {};
      }
      return {};
    };
    TRY_STATUS(among(traces[i].in_memory));
    if (out[i]) continue;
    TRY(const std::vector<std::int64_t> numbers, outputs_->in_file(*database, traces[i]));
    TRY_STATUS(among(numbers));
  }
  return out;
}

Result<std::optional<MintQuote>> SqliteReads::mint_quote(std::string_view id) {
  TRY(Borrowed database, borrow());
  TRY(Query row, database->query(std::string(kMintQuote) + "WHERE id = ?", id));
  TRY(const bool found, row.next());
  if (!found) return std::nullopt;
  return mint_quote_of_row(row);
}

Result<std::optional<MintQuote>> SqliteReads::mint_quote_of(const Hash32& node_key) {
  TRY(Borrowed database, borrow());
  TRY(Query row, database->query(std::string(kMintQuote) + "WHERE node_key = ?", node_key));
  TRY(const bool found, row.next());
  if (!found) return std::nullopt;
  return mint_quote_of_row(row);
}

Result<std::optional<MeltQuote>> SqliteReads::melt_quote(std::string_view id) {
  TRY(Borrowed database, borrow());
  std::int64_t number = 0;
  MeltQuote out;
  {
    TRY(Query row, database->query(std::string(kMeltQuote) + "WHERE id = ?", id));
    TRY(const bool found, row.next());
    if (!found) return std::nullopt;
    TRY(out, melt_quote_of_row(row));
    number = row.integer(16);
  }
  if (out.state == MeltQuote::State::paid) {
    TRY(Query row,
        database->query("SELECT keyset, amount, c_, e, s, operation FROM signatures WHERE melt = ? "
                        "ORDER BY position",
                        number));
    for (;;) {
      TRY(const bool found, row.next());
      if (!found) break;
      TRY(const StoredSignature signature, signature_of(row, 0));
      out.change.push_back(signature);
    }
  }
  return out;
}

Result<std::vector<MintQuote>> SqliteReads::payable_mint_quotes(UnixSeconds since) {
  TRY(Borrowed database, borrow());
  TRY(Query row,
      database->query(std::string(kMintQuote) + "WHERE (received_msat = 0 OR method = 1) AND expires_at >= ?",
                      count(since)));
  std::vector<MintQuote> out;
  for (;;) {
    TRY(const bool found, row.next());
    if (!found) return out;
    TRY(MintQuote quote, mint_quote_of_row(row));
    out.push_back(std::move(quote));
  }
}

Result<std::vector<MeltQuote>> SqliteReads::pending_melts() {
  TRY(Borrowed database, borrow());
  TRY(Query row,
      database->query(std::string(kMeltQuote) +
                      "WHERE state = 1 AND id NOT IN (SELECT quote FROM foreign_melts) ORDER BY number"));
  std::vector<MeltQuote> out;
  for (;;) {
    TRY(const bool found, row.next());
    if (!found) return out;
    TRY(MeltQuote quote, melt_quote_of_row(row));
    out.push_back(std::move(quote));
  }
}

Result<std::vector<BlankOutput>> SqliteReads::blank_outputs(std::string_view melt_quote) {
  TRY(Borrowed database, borrow());
  TRY(Query row,
      database->query("SELECT b_, keyset FROM signatures WHERE c_ IS NULL AND melt = (SELECT number FROM "
                      "melt_quotes WHERE id = ?) ORDER BY position",
                      melt_quote));
  std::vector<BlankOutput> out;
  for (;;) {
    TRY(const bool found, row.next());
    if (!found) return out;
    TRY(const PointBytes b_blinded, row.array<33>(0));
    out.push_back({b_blinded, static_cast<std::uint32_t>(row.integer(1))});
  }
}

Result<std::optional<StoredOperation>> SqliteReads::operation(const Hash32& key) {
  TRY(Borrowed database, borrow());
  TRY(Query row, database->query("SELECT operation, credit_msat FROM operations WHERE key = ?", key));
  TRY(const bool found, row.next());
  if (!found) return std::nullopt;
  TRY(const Hash32 operation, row.array<32>(0));
  return StoredOperation{operation, row.unsigned_integer(1)};
}

Result<std::optional<StoredVerdict>> SqliteReads::verdict(const match::MatchId& match) {
  TRY(Borrowed database, borrow());
  StoredVerdict out;
  {
    TRY(Query row, database->query("SELECT announcement, verdict FROM verdicts WHERE match = ?", match));
    TRY(const bool found, row.next());
    if (!found) return std::nullopt;
    out.announcement = row.text(0);
    out.verdict = row.text(1);
  }
  TRY(Query row, database->query("SELECT claim FROM claims WHERE match = ? ORDER BY number", match));
  for (;;) {
    TRY(const bool found, row.next());
    if (!found) return out;
    out.claims.emplace_back(row.text(0));
  }
}

Result<std::vector<KeysetRecord>> SqliteReads::keysets() {
  TRY(Borrowed database, borrow());
  return read_keysets(*database);
}

Result<std::vector<UnitRecord>> SqliteReads::units() {
  TRY(Borrowed database, borrow());
  return read_units(*database);
}

Result<std::vector<AuditLine>> SqliteReads::audit(std::uint64_t before, std::size_t limit) {
  TRY(Borrowed database, borrow());
  return read_audit(*database, before, limit);
}

Result<std::optional<SpentToken>> SqliteReads::spent_token(const PointBytes& y) {
  TRY(Borrowed database, borrow());
  TRY(Query row, database->query("SELECT request FROM auth_tokens WHERE y = ?", y));
  TRY(const bool found, row.next());
  if (!found) return std::nullopt;
  SpentToken out;
  if (!row.is_null(0)) {
    TRY(out.request, row.array<32>(0));
  }
  return out;
}

Result<std::vector<std::optional<StoredSignature>>> SqliteReads::token_signatures(
    std::span<const PointBytes> bs_blinded) {
  TRY(Borrowed database, borrow());
  std::vector<std::optional<StoredSignature>> out(bs_blinded.size());
  for (std::size_t i = 0; i < bs_blinded.size(); ++i) {
    TRY(Query row, database->query("SELECT keyset, 1, c_, e, s, operation FROM auth_signatures WHERE b_ = ?",
                                   bs_blinded[i]));
    TRY(const bool found, row.next());
    if (!found) continue;
    TRY(out[i], signature_of(row, 0));
  }
  return out;
}

}  // namespace manastr::mint
