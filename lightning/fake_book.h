// What a fake node remembers: its key, its invoices and offers, what was paid to them and the payments it
// made, in one SQLite file. Called by FakeNode alone, one thread at a time.
#pragma once
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/base/clock.h"
#include "common/crypto/keys.h"
#include "common/storage/database.h"
#include "lightning/fake_node.h"

namespace manastr::lightning {

struct BookedInvoice {
  Hash32 payment_hash{};
  Hash32 preimage{};
  std::string bolt11;
  Msat amount = 0;
  UnixSeconds expires_at{};
  UnixMillis pays_itself_at{};
  bool paid = false;
};

struct BookedOffer {
  Hash32 id{};
  std::string bolt12;
  std::optional<Msat> amount;
  std::optional<UnixSeconds> expires_at;
  bool single_use = false;
};

/// To one of the node's own offers.
struct BookedOfferPayment {
  OfferPayment payment;
  Hash32 preimage{};
  UnixMillis pays_itself_at{};  ///< of one that is yet to come
};

struct BookedPayment {
  Hash32 key{};  ///< the payment hash of an invoice; the payer's own key of a payment to an offer
  Msat amount = 0;
  Msat fee = 0;
  PaymentState truth = PaymentState::unknown;   ///< paid: the money has left
  PaymentState answer = PaymentState::unknown;  ///< what lookup_payment() says
  std::optional<Hash32> preimage;
  UnixMillis ends_at{};  ///< until then it is under way
};

class FakeBook {
 public:
  static Result<FakeBook> open(const std::string& file, const std::string& vfs, Random& random);

  const crypto::SecretKey& key() const { return key_; }
  Status add_invoice(const BookedInvoice& invoice);
  Result<std::optional<BookedInvoice>> invoice(const Hash32& payment_hash);
  Result<std::vector<BookedInvoice>> unpaid_invoices();
  /// False if it was paid before.
  Result<bool> mark_paid(const Hash32& payment_hash);
  /// In one commit; those that were not paid before come back.
  Result<std::vector<Hash32>> mark_all_paid(const std::vector<Hash32>& payment_hashes);

  /// With the payments that the offer will make to itself.
  Status add_offer(const BookedOffer& offer, const std::vector<BookedOfferPayment>& to_come);
  Result<std::optional<BookedOffer>> offer(const Hash32& id);
  /// Those that came in, and their sum.
  Result<OfferStatus> offer_status(const Hash32& id);
  Result<std::vector<OfferPayment>> offer_payments(const Hash32& id);
  Result<std::vector<BookedOfferPayment>> offer_payments_to_come();
  /// It came in, as one that was to come or a new one. False: it did before, or the offer was for one payment
  /// alone.
  Result<bool> arrive(const BookedOfferPayment& payment, bool single_use);
  /// In one commit; those that came in by this.
  Result<std::vector<OfferPayment>> arrive_all(const std::vector<BookedOfferPayment>& payments);

  /// What the node pays to itself, in the same transaction as the payment.
  using OwnPayee = std::variant<std::monostate, BookedInvoice, std::pair<BookedOffer, BookedOfferPayment>>;
  /// Replaces a payment that failed before `now`; one that is paid, under way or unknown stays, and false
  /// comes back, also if the payee can't take it.
  Result<bool> add_payment(const BookedPayment& payment, const OwnPayee& payee, UnixMillis now);
  Result<std::optional<BookedPayment>> payment(const Hash32& key);
  Result<FakeNodeBook> totals();
  Status check();

 private:
  FakeBook(storage::Database database, crypto::SecretKey key)
      : database_(std::move(database)), key_(std::move(key)) {}
  storage::Database database_;
  crypto::SecretKey key_;
};

}  // namespace manastr::lightning
