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
)"},
                                              {"offers", R"(
-- the payment hash of an invoice, or the payer's own key of a payment to an offer
ALTER TABLE payments RENAME COLUMN payment_hash TO key;
CREATE TABLE offers (
  id BLOB PRIMARY KEY, bolt12 TEXT NOT NULL, amount INTEGER, expires_at INTEGER, single_use INTEGER NOT NULL) WITHOUT ROWID;
-- payments to these offers: 1 paid, 0 one that the offer will make to itself
CREATE TABLE offer_payments (
  number INTEGER PRIMARY KEY, payment_hash BLOB NOT NULL UNIQUE, preimage BLOB NOT NULL, offer BLOB NOT NULL,
  amount INTEGER NOT NULL, pays_itself_at INTEGER NOT NULL, paid INTEGER NOT NULL);
CREATE INDEX payments_of_offer ON offer_payments (offer, paid);
CREATE INDEX offer_payments_to_come ON offer_payments (pays_itself_at) WHERE paid = 0;
)"}};

/// One statement, so that both tables are seen at one moment.
Result<FakeNodeBook> totals_of(Database& database) {
  TRY(Query row,
      database.query(
          "SELECT i.n, i.paid, i.received + o.received, p.n, p.sent, p.fees, o.n FROM "
          "(SELECT count(*) n, coalesce(sum(paid), 0) paid, coalesce(sum(amount * paid), 0) received FROM "
          "invoices) i, "
          "(SELECT count(*) n, coalesce(sum(amount), 0) received FROM offer_payments WHERE paid = 1) o, "
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
  out.offer_payments = row.unsigned_integer(6);
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

Result<bool> FakeBook::add_payment(const BookedPayment& payment, const OwnPayee& payee, UnixMillis now) {
  TRY(Transaction transaction, Transaction::begin(database_));
  const bool own = !std::holds_alternative<std::monostate>(payee);
  TRY_STATUS(database_.run("DELETE FROM payments WHERE key = ? AND truth = ? AND ends_at <= ?", payment.key,
                           static_cast<int>(PaymentState::failed), count(now)));
  TRY_STATUS(database_.run("INSERT INTO payments VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                           payment.key, payment.amount, payment.fee, static_cast<int>(payment.truth),
                           static_cast<int>(payment.answer), payment.preimage, own, count(payment.ends_at)));
  if (database_.changes() == 0) return false;
  if (payment.truth == PaymentState::paid) {
    if (std::holds_alternative<BookedInvoice>(payee)) {
      TRY(const bool first, mark_paid(payment.key));
      if (!first) return false;
    } else if (const auto* offer = std::get_if<std::pair<BookedOffer, BookedOfferPayment>>(&payee)) {
      TRY(const bool first, arrive(offer->second, offer->first.single_use));
      if (!first) return false;
    }
  }
  TRY_STATUS(transaction.commit());
  return true;
}

Result<std::optional<BookedPayment>> FakeBook::payment(const Hash32& key) {
  TRY(Query row,
      database_.query("SELECT amount, fee, truth, answer, preimage, ends_at FROM payments WHERE key = ?",
                      key));
  TRY(const bool found, row.next());
  if (!found) return std::nullopt;
  BookedPayment out;
  out.key = key;
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
