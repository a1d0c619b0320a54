// A Lightning node of play money, for demo, tests and development: real BOLT-11 invoices signed by its own
// key, real BOLT-12 offers, no network. Promises: key, invoices, offers and payments outlive the process
// (SQLite, synchronous=FULL); its own book says what came in and went out, so that a test can check that a
// mint conserves money; a payment is made once at most.
//
// Its invoices pay themselves after `invoice_delay`. It pays any valid BOLT-11 with an amount and answers
// with the preimage that belongs to the payment hash whenever it can know it:
//   preimage = tagged_hash("manastr/fake-lightning/preimage", payment_secret ‖ u64be amount_msat ‖
//   SHA-256(description))
// Every fake node derives the preimages of its invoices so, hence every other one can tell them from the
// invoice alone. That is worth nothing, like the money. For invoices of real nodes the payment is booked and
// there is no preimage. There is no network: another node, a fake one too, hears nothing of what is paid to
// its invoices and offers (which pay themselves); only what a node pays to itself arrives.
//
// An invoice to be paid whose description is a JSON object with the four members pay_invoice_state,
// check_payment_state (PAID, FAILED, UNPAID, PENDING, UNKNOWN), pay_err and check_err (booleans) says how its
// payment shall go: what pay() answers, what lookup_payment() answers, and whether the one or the other can't
// be reached (answer: unknown). Money leaves if pay_invoice_state is PAID and reached, else if
// check_payment_state is PAID: so FAILED and PAID is a node that gives a payment up and sees it succeed. Two
// more members may say how long it is under way (in_flight_ms) and what it costs (fee_msat).
//
// A part of an invoice of someone else's is paid as if the other parts came too. To itself the node pays
// whole invoices only, and at once.
//
// Offers: one with an amount pays itself once after `invoice_delay`; one whose description is a JSON object
// with auto_pay_msat, a list of amounts, pays itself each of these (so does one without an amount, which
// waits for a payment otherwise). It pays any valid offer of its network, as the description says (as above),
// and what it pays to an offer of its own arrives there. Every payment has a preimage that nobody but its
// book knows of.
#pragma once
#include <memory>

#include "common/base/random.h"
#include "lightning/bolt11.h"
#include "lightning/lightning.h"

namespace manastr::lightning {

struct FakeNodeOptions {
  std::string file;  ///< SQLite, made at the first start; ":memory:" for tests
  Network network = Network::regtest;
  bool auto_pay = true;       ///< false: invoices wait for receive()
  bool offers = true;         ///< false: a node that has none, as LND
  Millis invoice_delay{100};  ///< from the invoice to its payment
  Millis payment_delay{0};    ///< how long a payment to others is under way
  std::uint32_t fee_ppm = 0;  ///< what a payment to others costs, rounded up to whole msat
  Msat fee_base = 0;
  Msat most{500'000'000'000};  ///< per invoice and payment: 5 BTC
  std::string vfs;             ///< of storage::OpenOptions
};

/// Everything that moved, in msat.
struct FakeNodeBook {
  Msat received = 0;  ///< invoices of this node that were paid, and payments to its offers
  Msat sent = 0;      ///< payments made, without fees
  Msat fees = 0;      ///< fees of those payments
  std::uint64_t invoices = 0;
  std::uint64_t invoices_paid = 0;
  std::uint64_t payments = 0;
  std::uint64_t offer_payments = 0;  ///< that came in
};

class FakeNode final : public Node, public Offers {
 public:
  static Result<std::unique_ptr<FakeNode>> open(FakeNodeOptions options, const Clock& clock = system_clock(),
                                                Random& random = system_random());
  /// Stops its thread. Invoices not yet paid are paid after the next start.
  ~FakeNode() override;

  Result<NewInvoice> create_invoice(Msat amount, std::string_view description, Seconds expiry) override;
  Result<InvoiceStatus> lookup_invoice(const Hash32& payment_hash) override;
  void on_invoice_paid(std::function<void(const Hash32&, Msat)> observer) override;
  Msat fee_reserve(Msat amount) const override;
  Result<Payment> pay(std::string_view bolt11, std::optional<Msat> amount, Msat max_fee) override;
  Payment lookup_payment(const Hash32& payment_hash) override;
  bool pays_parts() const override { return true; }
  Offers* offers() override;

  Result<NewOffer> create_offer(const OfferTerms& terms) override;
  Result<OfferStatus> lookup_offer(const Hash32& offer) override;
  Result<std::vector<OfferPayment>> offer_payments(const Hash32& offer) override;
  void on_offer_paid(std::function<void(const OfferPayment&)> observer) override;
  Result<Payment> pay_offer(const Hash32& key, std::string_view bolt12, Msat amount, Msat max_fee) override;
  Payment lookup_offer_payment(const Hash32& key) override;
  Status health() override;
  std::string identity() const override { return public_key().hex(); }
  std::string_view name() const override { return "fake"; }

  /// Someone pays this invoice of ours now. `invalid` if there is none such, code 20006 if it is paid, 20007
  /// if expired.
  Status receive(const Hash32& payment_hash);
  /// Someone pays this offer of ours now, with `amount`. `invalid` if there is none such or it is for more,
  /// code 20006 if it was for one payment alone, 20007 if expired.
  Status receive_through(const Hash32& offer, Msat amount);
  Result<FakeNodeBook> book();
  const crypto::PublicKey& public_key() const;

 private:
  class Impl;
  explicit FakeNode(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The book of a fake node, read from its file while it runs (for tests and tools).
Result<FakeNodeBook> read_fake_book(const std::string& file);

}  // namespace manastr::lightning
