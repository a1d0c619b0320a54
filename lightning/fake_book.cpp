#include "lightning/fake_book.h"

#include "common/storage/migrations.h"

namespace manastr::lightning {
namespace {

using storage::Database;
using storage::Query;
using storage::Transaction;

constexpr storage::Migration kMigrations[] = {{"the book of a fake node", R"(
CREATE TABLE node (one INTEGER PRIMARY KEY CHECK (one = 1), secret_key BLOB NOT NULL);
-- amounts in msat, times in ms since 1970 (expires_at: s)
CREATE TABLE invoices (
  payment_hash BLOB PRIMARY KEY, preimage BLOB NOT NULL, bolt11 TEXT NOT NULL, amount INTEGER NOT NULL,
  expires_at INTEGER NOT NULL, pays_itself_at INTEGER NOT NULL, paid INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE INDEX unpaid_invoices ON invoices (pays_itself_at) WHERE paid = 0;
-- truth and answer: 0 paid, 1 failed, 2 pending, 3 unknown; own: the invoice is this node's
CREATE TABLE payments (
  payment_hash BLOB PRIMARY KEY, amount INTEGER NOT NULL, fee INTEGER NOT NULL, truth INTEGER NOT NULL,
  answer INTEGER NOT NULL, preimage BLOB, own INTEGER NOT NULL) WITHOUT ROWID;
)"},
                                              {"payments under way for a time", R"(
ALTER TABLE payments ADD COLUMN ends_at INTEGER NOT NULL DEFAULT 0;
)"}};

/// One statement, so that both tables are seen at one moment.
Result<FakeNodeBook> totals_of(Database& database) {
  TRY(Query row,
      database.query(
          "SELECT i.n, i.paid, i.received, p.n, p.sent, p.fees FROM "
          "(SELECT count(*) n, coalesce(sum(paid), 0) paid, coalesce(sum(amount * paid), 0) received FROM "
          "invoices) i, "
          "(SELECT count(*) n, coalesce(sum(amount), 0) sent, coalesce(sum(fee), 0) fees FROM payments "
          "WHERE truth = 0) p"));
  TRY([[maybe_unused]] const bool found, row.next());
  FakeNodeBook out;
  out.invoices = row.unsigned_integer(0);
  out.invoices_paid = row.unsigned_integer(1);
  out.received = row.unsigned_integer(2);
  out.payments = row.unsigned_integer(3);
  out.sent = row.unsigned_integer(4);
  out.fees = row.unsigned_integer(5);
  return out;
}

constexpr std::string_view kInvoiceColumns =
    "SELECT payment_hash, preimage, bolt11, amount, expires_at, pays_itself_at, paid FROM invoices ";

Result<BookedInvoice> read_invoice(const Query& row) {
  BookedInvoice out;
  TRY(out.payment_hash, row.array<32>(0));
  TRY(out.preimage, row.array<32>(1));
  out.bolt11 = row.text(2);
  out.amount = row.unsigned_integer(3);
  out.expires_at = unix_seconds(row.integer(4));
  out.pays_itself_at = unix_millis(row.integer(5));
  out.paid = row.integer(6) != 0;
  return out;
}

}  // namespace

Result<FakeBook> FakeBook::open(const std::string& file, const std::string& vfs, Random& random) {
  storage::OpenOptions options;
  options.vfs = vfs;
  TRY(Database database, Database::open(file, options));
  TRY_STATUS(storage::migrate(database, storage::kFakeNode, kMigrations));
  const auto fresh = crypto::SecretKey::generate(random);
  TRY_STATUS(database.run("INSERT INTO node VALUES (1, ?) ON CONFLICT DO NOTHING", fresh.reveal()));
  crypto::Secret<32> stored;
  {
    TRY(Query row, database.query("SELECT secret_key FROM node"));
    TRY([[maybe_unused]] const bool found, row.next());
    TRY(stored.reveal_mutable(), row.array<32>(0));
  }
  auto key = crypto::SecretKey::parse(stored.reveal());
  if (!key) return broken(file + ": the fake node's key is damaged; remove the file");
  return FakeBook(std::move(database), *std::move(key));
}

Status FakeBook::add_invoice(const BookedInvoice& invoice) {
  return database_.run("INSERT INTO invoices VALUES (?, ?, ?, ?, ?, ?, ?)", invoice.payment_hash,
                       invoice.preimage, invoice.bolt11, invoice.amount, count(invoice.expires_at),
                       count(invoice.pays_itself_at), invoice.paid);
}

Result<std::optional<BookedInvoice>> FakeBook::invoice(const Hash32& payment_hash) {
  TRY(Query row, database_.query(std::string(kInvoiceColumns) + "WHERE payment_hash = ?", payment_hash));
  TRY(const bool found, row.next());
  if (!found) return std::nullopt;
  TRY(BookedInvoice out, read_invoice(row));
  return out;
}

Result<std::vector<BookedInvoice>> FakeBook::unpaid_invoices() {
  std::vector<BookedInvoice> out;
  TRY(Query row, database_.query(std::string(kInvoiceColumns) + "WHERE paid = 0 ORDER BY pays_itself_at"));
  while (true) {
    TRY(const bool more, row.next());
    if (!more) return out;
    TRY(BookedInvoice invoice, read_invoice(row));
    out.push_back(std::move(invoice));
  }
}

Result<bool> FakeBook::mark_paid(const Hash32& payment_hash) {
  TRY_STATUS(database_.run("UPDATE invoices SET paid = 1 WHERE payment_hash = ? AND paid = 0", payment_hash));
  return database_.changes() == 1;
}

Result<std::vector<Hash32>> FakeBook::mark_all_paid(const std::vector<Hash32>& payment_hashes) {
  TRY(Transaction transaction, Transaction::begin(database_));
  std::vector<Hash32> out;
  for (const Hash32& hash : payment_hashes) {
    TRY(const bool first, mark_paid(hash));
    if (first) out.push_back(hash);
  }
  TRY_STATUS(transaction.commit());
  return out;
}

Result<bool> FakeBook::add_payment(const BookedPayment& payment, bool own, UnixMillis now) {
  TRY(Transaction transaction, Transaction::begin(database_));
  TRY_STATUS(database_.run("DELETE FROM payments WHERE payment_hash = ? AND truth = ? AND ends_at <= ?",
                           payment.payment_hash, static_cast<int>(PaymentState::failed), count(now)));
  TRY_STATUS(database_.run("INSERT INTO payments VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                           payment.payment_hash, payment.amount, payment.fee, static_cast<int>(payment.truth),
                           static_cast<int>(payment.answer), payment.preimage, own, count(payment.ends_at)));
  if (database_.changes() == 0) return false;
  if (own && payment.truth == PaymentState::paid) {
    TRY(const bool first, mark_paid(payment.payment_hash));
    if (!first) return false;
  }
  TRY_STATUS(transaction.commit());
  return true;
}

Result<std::optional<BookedPayment>> FakeBook::payment(const Hash32& payment_hash) {
  TRY(Query row,
      database_.query(
          "SELECT amount, fee, truth, answer, preimage, ends_at FROM payments WHERE payment_hash = ?",
          payment_hash));
  TRY(const bool found, row.next());
  if (!found) return std::nullopt;
  BookedPayment out;
  out.payment_hash = payment_hash;
  out.amount = row.unsigned_integer(0);
  out.fee = row.unsigned_integer(1);
  out.truth = static_cast<PaymentState>(row.integer(2));
  out.answer = static_cast<PaymentState>(row.integer(3));
  out.ends_at = unix_millis(row.integer(5));
  if (!row.is_null(4)) {
    TRY(const Hash32 preimage, row.array<32>(4));
    out.preimage = preimage;
  }
  return out;
}

Result<FakeNodeBook> FakeBook::totals() { return totals_of(database_); }

Status FakeBook::check() {
  if (database_.failed()) return broken("the disk of the fake node failed; restart");
  return {};
}

Result<FakeNodeBook> read_fake_book(const std::string& file) {
  storage::OpenOptions options;
  options.create = false;
  options.read_only = true;
  TRY(Database database, Database::open(file, options));
  return totals_of(database);
}

}  // namespace manastr::lightning
