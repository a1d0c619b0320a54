// What a fake node remembers: its key, its invoices and the payments it made, in one SQLite file. Called by
// FakeNode alone, one thread at a time.
#pragma once
#include <optional>
#include <string>
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

struct BookedPayment {
  Hash32 payment_hash{};
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

  /// Replaces a payment that failed before `now`; one that is paid, under way or unknown stays, and false
  /// comes back. `own`: the invoice is this node's, and is paid by it in the same transaction if the payment
  /// is.
  Result<bool> add_payment(const BookedPayment& payment, bool own, UnixMillis now);
  Result<std::optional<BookedPayment>> payment(const Hash32& payment_hash);
  Result<FakeNodeBook> totals();
  Status check();

 private:
  FakeBook(storage::Database database, crypto::SecretKey key)
      : database_(std::move(database)), key_(std::move(key)) {}
  storage::Database database_;
  crypto::SecretKey key_;
};

}  // namespace manastr::lightning
