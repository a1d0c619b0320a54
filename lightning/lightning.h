// The one interface to a Lightning node: the mint takes and makes payments through it and knows no more of
// Lightning. Implementations: FakeNode (fake_node.h); LND later. All of them are thread-safe. What a
// payment's answer means decides about money: only `paid` and `failed` are final; `pending` and `unknown` say
// that the amount may yet leave, so that the proofs behind it stay locked until lookup_payment() has a final
// answer.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/clock.h"
#include "common/base/error.h"

namespace manastr::lightning {

using Msat = std::uint64_t;  ///< thousandths of a satoshi

struct NewInvoice {
  std::string bolt11;
  Hash32 payment_hash{};
  UnixSeconds expires_at{};
};

enum class InvoiceState { unpaid, paid, expired };
struct InvoiceStatus {
  InvoiceState state = InvoiceState::unpaid;
  Msat received = 0;  ///< 0 unless paid
};

enum class PaymentState {
  paid,     ///< final: the money is with the payee
  failed,   ///< of a lookup, final: no money has left, nor will
  pending,  ///< under way
  unknown,  ///< the node can't tell now; ask again
};
struct Payment {
  PaymentState state = PaymentState::unknown;
  std::optional<Hash32> preimage;  ///< when paid and the node has it; SHA-256 of it is the payment hash
  Msat fee = 0;                    ///< when paid: what the route took, never more than max_fee
  std::string reason;              ///< when not paid: a sentence for the log
};

/// What an offer of one's own (BOLT-12) shall say.
struct OfferTerms {
  std::optional<Msat> amount;     ///< nullopt: the payer says how much; never 0
  std::string description;        ///< at most 639 bytes of UTF-8
  std::optional<Seconds> expiry;  ///< 1 s to 10 years; nullopt: never
  bool single_use = false;        ///< one payment only; else as many as come
};
struct NewOffer {
  std::string bolt12;
  Hash32 id{};  ///< offer_id() of it
  std::optional<UnixSeconds> expires_at;
};
struct OfferStatus {
  std::uint64_t payments = 0;
  Msat received = 0;  ///< their sum
};
/// One of those that came in through an offer. Each has a payment hash of its own.
struct OfferPayment {
  Hash32 offer{};
  Hash32 payment_hash{};
  Msat amount = 0;
};

/// BOLT-12, for nodes that can: of those alone is Node::offers() not null. Thread-safe.
class Offers {
 public:
  virtual ~Offers() = default;

  virtual Result<NewOffer> create_offer(const OfferTerms& terms) = 0;
  /// `invalid` if this node made no such offer, `unavailable` if it can't be asked now.
  virtual Result<OfferStatus> lookup_offer(const Hash32& offer) = 0;
  /// All of them, in the order in which they came; errors as lookup_offer().
  virtual Result<std::vector<OfferPayment>> offer_payments(const Hash32& offer) = 0;
  /// As Node::on_invoice_paid(), for each payment to an offer.
  virtual void on_offer_paid(std::function<void(const OfferPayment&)> observer) = 0;

  /// Asks the payee for an invoice over `amount` and pays it. `key` is the caller's name for this one
  /// payment: under one key money leaves once at most, whatever is sent again; under another the same offer
  /// is paid again. `amount` is not less than what the offer names. Errors and the answer as of Node::pay().
  virtual Result<Payment> pay_offer(const Hash32& key, std::string_view bolt12, Msat amount,
                                    Msat max_fee) = 0;
  /// As Node::lookup_payment(), of a payment made by pay_offer().
  virtual Payment lookup_offer_payment(const Hash32& key) = 0;
};

class Node {
 public:
  virtual ~Node() = default;

  /// BOLT-11 invoice over `amount` (> 0). `description` at most 639 bytes of UTF-8. `expiry` 1 s to 1 year.
  virtual Result<NewInvoice> create_invoice(Msat amount, std::string_view description, Seconds expiry) = 0;
  /// `invalid` if this node gave no such invoice, `unavailable` if it can't be asked now.
  virtual Result<InvoiceStatus> lookup_invoice(const Hash32& payment_hash) = 0;
  /// One observer, called from a thread of the node at least once for each payment received after it was set
  /// (so the same one may come twice, and lookup_invoice() is the truth after a restart). Never called from
  /// within a call to the node; it may call the node, but not this function. When this returns, the former
  /// observer does not run any more.
  /// Null: none any more, once a call under way has returned.
  virtual void on_invoice_paid(std::function<void(const Hash32& payment_hash, Msat received)> observer) = 0;

  /// What to hold back for the route of a payment of `amount`: an upper bound to offer as max_fee.
  virtual Msat fee_reserve(Msat amount) const = 0;
  /// Pays an invoice. `amount`: what the invoice doesn't name itself; or less than it names, one part of a
  /// payment whose others are sent by others (BOLT-4, NUT-15), if pays_parts(). Idempotent by payment hash:
  /// money leaves once at most, whatever is sent again. An error means that this call sent nothing: `invalid`
  /// (no BOLT-11, no amount, expired), code 20006 (paid already) or 20005 (under way already), `unavailable`.
  /// Answers when it knows the end, or with `pending` when it pleases. `failed` is what the node thinks now;
  /// that nothing can leave any more is for lookup_payment() to say.
  virtual Result<Payment> pay(std::string_view bolt11, std::optional<Msat> amount, Msat max_fee) = 0;
  /// Of a payment made by pay(): `paid` and `failed` are final here. A hash that was never sent is `failed`:
  /// no money has left, nor will by itself.
  virtual Payment lookup_payment(const Hash32& payment_hash) = 0;
  /// Whether pay() takes a part of an invoice's amount.
  virtual bool pays_parts() const = 0;
  /// Null: this node makes and pays no offers.
  virtual Offers* offers() { return nullptr; }

  /// For /health: an error says in a sentence what is wrong with the node.
  virtual Status health() = 0;
  /// The node's public key in hex: processes that see the same one share its payments. "" if it can't be
  /// told.
  virtual std::string identity() const { return ""; }
  /// "fake" or "lnd", for /v1/info and logs.
  virtual std::string_view name() const = 0;
};

}  // namespace manastr::lightning
