// The inside of FakeNode: one lock, one thread that pays what is due and tells of what came in. Used by
// fake_node.cpp and fake_offers.cpp alone.
#pragma once
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "lightning/fake_book.h"
#include "lightning/fake_script.h"

namespace manastr::lightning {

// NUT error codes (cashubtc/nuts error_codes.md) that a payment can be refused with.
inline constexpr int kAmountOutsideLimit = 11006;
inline constexpr int kAmountMissing = 11011;
inline constexpr int kAmountMismatch = 11012;
inline constexpr int kPending = 20005;
inline constexpr int kAlreadyPaid = 20006;
inline constexpr int kExpired = 20007;

class FakeNode::Impl {
 public:
  Impl(FakeNodeOptions options, FakeBook book, const Clock& clock, Random& random);
  ~Impl();
  Status start();

  Result<NewInvoice> create(Msat amount, std::string_view description, Seconds expiry);
  Result<InvoiceStatus> lookup_invoice(const Hash32& hash);
  void observe(std::function<void(const Hash32&, Msat)> observer);
  Status receive(const Hash32& hash);
  Msat fee_of(Msat amount) const;
  Result<Payment> pay(std::string_view text, std::optional<Msat> amount, Msat max_fee);
  /// By payment hash, or by the key of a payment to an offer.
  Payment lookup_payment(const Hash32& key);

  Result<NewOffer> create_offer(const OfferTerms& terms);
  Result<OfferStatus> lookup_offer(const Hash32& offer);
  Result<std::vector<OfferPayment>> offer_payments(const Hash32& offer);
  void observe_offers(std::function<void(const OfferPayment&)> observer);
  Result<Payment> pay_offer(const Hash32& key, std::string_view text, Msat amount, Msat max_fee);
  Status receive_through(const Hash32& offer, Msat amount);

  Status health();
  Result<FakeNodeBook> totals();
  const crypto::PublicKey& public_key() const { return public_key_; }
  const FakeNodeOptions& options() const { return options_; }

 private:
  /// Money of an invoice (its payment hash and amount) or of an offer.
  struct Paid {
    Hash32 payment_hash{};
    Msat amount = 0;
  };
  using Income = std::variant<Paid, BookedOfferPayment>;

  Result<Msat> payable(const Bolt11& invoice, std::optional<Msat> amount) const;
  Status check_limit(Msat amount) const;
  /// `payment` has its key, amount and preimage.
  Result<Payment> settle(BookedPayment payment, const FakeScript& script, const FakeBook::OwnPayee& payee,
                         Msat max_fee);
  BookedOfferPayment payment_to(const Hash32& offer, const Hash32& key, Msat amount) const;
  void schedule(const BookedInvoice& invoice);
  void schedule(const BookedOfferPayment& payment, const std::optional<UnixSeconds>& expires_at);
  void tell(const Income& income);
  void run();
  void pay_due();
  void tell_observers(const std::deque<Income>& news);

  const FakeNodeOptions options_;
  const Clock& clock_;
  Random& random_;

  std::mutex observer_mutex_;  // held while an observer runs; never taken while mutex_ is held
  std::function<void(const Hash32&, Msat)> observer_;
  std::function<void(const OfferPayment&)> offer_observer_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  FakeBook book_;
  const crypto::PublicKey public_key_;
  std::multimap<UnixMillis, Income> due_;
  std::deque<Income> news_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace manastr::lightning
