#include "lightning/fake_book.h"

namespace manastr::lightning {
namespace {

using storage::Query;
using storage::Transaction;

}  // namespace

Status FakeBook::add_offer(const BookedOffer& offer, const std::vector<BookedOfferPayment>& to_come) {
  TRY(Transaction transaction, Transaction::begin(database_));
  TRY_STATUS(database_.run("INSERT INTO offers VALUES (?, ?, ?, ?, ?)", offer.id, offer.bolt12, offer.amount,
                           offer.expires_at ? std::optional(count(*offer.expires_at)) : std::nullopt,
                           offer.single_use));
  for (const BookedOfferPayment& each : to_come) {
    TRY_STATUS(
        database_.run("INSERT INTO offer_payments(payment_hash, preimage, offer, amount, pays_itself_at, "
                      "paid) VALUES (?, ?, "
                      "?, ?, ?, 0)",
                      each.payment.payment_hash, each.preimage, each.payment.offer, each.payment.amount,
                      count(each.pays_itself_at)));
  }
  return transaction.commit();
}

Result<std::optional<BookedOffer>> FakeBook::offer(const Hash32& id) {
  TRY(Query row,
      database_.query("SELECT bolt12, amount, expires_at, single_use FROM offers WHERE id = ?", id));
  TRY(const bool found, row.next());
  if (!found) return std::nullopt;
  BookedOffer out;
  out.id = id;
  out.bolt12 = row.text(0);
  if (!row.is_null(1)) out.amount = row.unsigned_integer(1);
  if (!row.is_null(2)) out.expires_at = unix_seconds(row.integer(2));
  out.single_use = row.integer(3) != 0;
  return out;
}

Result<OfferStatus> FakeBook::offer_status(const Hash32& id) {
  TRY(Query row,
      database_.query("SELECT count(*), coalesce(sum(amount), 0) FROM offer_payments WHERE offer = ? "
                      "AND paid = 1",
                      id));
  TRY([[maybe_unused]] const bool found, row.next());
  return OfferStatus{row.unsigned_integer(0), row.unsigned_integer(1)};
}

Result<std::vector<OfferPayment>> FakeBook::offer_payments(const Hash32& id) {
  std::vector<OfferPayment> out;
  TRY(Query row,
      database_.query("SELECT payment_hash, amount FROM offer_payments WHERE offer = ? AND paid = 1 "
                      "ORDER BY number",
                      id));
  for (;;) {
    TRY(const bool more, row.next());
    if (!more) return out;
    TRY(const Hash32 payment_hash, row.array<32>(0));
    out.push_back({id, payment_hash, row.unsigned_integer(1)});
  }
}

Result<std::vector<BookedOfferPayment>> FakeBook::offer_payments_to_come() {
  std::vector<BookedOfferPayment> out;
  TRY(Query row, database_.query("SELECT offer, payment_hash, amount, preimage, pays_itself_at FROM "
                                 "offer_payments WHERE paid = 0 ORDER BY pays_itself_at"));
  for (;;) {
    TRY(const bool more, row.next());
    if (!more) return out;
    BookedOfferPayment each;
    TRY(each.payment.offer, row.array<32>(0));
    TRY(each.payment.payment_hash, row.array<32>(1));
    each.payment.amount = row.unsigned_integer(2);
    TRY(each.preimage, row.array<32>(3));
    each.pays_itself_at = unix_millis(row.integer(4));
    out.push_back(each);
  }
}

Result<bool> FakeBook::arrive(const BookedOfferPayment& payment, bool single_use) {
  if (single_use) {
    TRY(const OfferStatus before, offer_status(payment.payment.offer));
    if (before.payments > 0) return false;
  }
  TRY_STATUS(
      database_.run("INSERT INTO offer_payments(payment_hash, preimage, offer, amount, pays_itself_at, paid) "
                    "VALUES (?, ?, ?, "
                    "?, ?, 1) ON CONFLICT (payment_hash) DO UPDATE SET paid = 1 WHERE paid = 0",
                    payment.payment.payment_hash, payment.preimage, payment.payment.offer,
                    payment.payment.amount, count(payment.pays_itself_at)));
  return database_.changes() == 1;
}

Result<std::vector<OfferPayment>> FakeBook::arrive_all(const std::vector<BookedOfferPayment>& payments) {
  TRY(Transaction transaction, Transaction::begin(database_));
  std::vector<OfferPayment> out;
  for (const BookedOfferPayment& each : payments) {
    TRY(const auto to, offer(each.payment.offer));
    TRY(const bool first, arrive(each, to && to->single_use));
    if (first) out.push_back(each.payment);
  }
  TRY_STATUS(transaction.commit());
  return out;
}

}  // namespace manastr::lightning
