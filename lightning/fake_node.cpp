#include "lightning/fake_node.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "common/crypto/hash.h"
#include "lightning/fake_book.h"
#include "lightning/fake_script.h"
#include "lightning/play_invoice.h"

namespace manastr::lightning {
namespace {

// NUT error codes (cashubtc/nuts error_codes.md) that a payment can be refused with.
constexpr int kAmountOutsideLimit = 11006;
constexpr int kAmountMissing = 11011;
constexpr int kAmountMismatch = 11012;
constexpr int kPending = 20005;
constexpr int kAlreadyPaid = 20006;
constexpr int kExpired = 20007;

Payment answer(PaymentState state, const BookedPayment& payment) {
  Payment out;
  out.state = state;
  if (state == PaymentState::paid) {
    out.preimage = payment.preimage;
    out.fee = payment.fee;
  } else {
    out.reason = "the invoice's description says so";
  }
  return out;
}

}  // namespace

class FakeNode::Impl {
 public:
  Impl(FakeNodeOptions options, FakeBook book, const Clock& clock, Random& random)
      : options_(std::move(options)),
        clock_(clock),
        random_(random),
        book_(std::move(book)),
        public_key_(book_.key().public_key()) {}
  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  Status start() {
    TRY(const auto unpaid, book_.unpaid_invoices());
    for (const BookedInvoice& invoice : unpaid) schedule(invoice);
    thread_ = std::thread([this] { run(); });
    return {};
  }

  Result<NewInvoice> create(Msat amount, std::string_view description, Seconds expiry) {
    if (amount == 0 || amount > options_.most) {
      return refused(kAmountOutsideLimit,
                     "the amount must lie between 1 and " + std::to_string(options_.most) + " msat");
    }
    const std::lock_guard lock(mutex_);
    TRY(const auto made, make_play_invoice(book_.key(), options_.network, amount, description,
                                           clock_.now_seconds(), expiry, random_));
    BookedInvoice booked;
    booked.preimage = made.preimage;
    booked.payment_hash = made.invoice.payment_hash;
    booked.bolt11 = made.text;
    booked.amount = amount;
    booked.expires_at = made.invoice.expires_at();
    booked.pays_itself_at = clock_.now() + options_.invoice_delay;
    TRY_STATUS(book_.add_invoice(booked));
    schedule(booked);
    return NewInvoice{booked.bolt11, booked.payment_hash, booked.expires_at};
  }

  Result<InvoiceStatus> lookup_invoice(const Hash32& hash) {
    const std::lock_guard lock(mutex_);
    TRY(const auto invoice, book_.invoice(hash));
    if (!invoice) return invalid("this node gave no invoice of that payment hash");
    if (invoice->paid) return InvoiceStatus{InvoiceState::paid, invoice->amount};
    return InvoiceStatus{clock_.now() >= invoice->expires_at ? InvoiceState::expired : InvoiceState::unpaid,
                         0};
  }

  void observe(std::function<void(const Hash32&, Msat)> observer) {
    const std::lock_guard lock(observer_mutex_);
    observer_ = std::move(observer);
  }

  Status receive(const Hash32& hash) {
    const std::lock_guard lock(mutex_);
    TRY(const auto invoice, book_.invoice(hash));
    if (!invoice) return invalid("this node gave no invoice of that payment hash");
    if (!invoice->paid && clock_.now() >= invoice->expires_at)
      return refused(kExpired, "the invoice has expired");
    TRY(const bool first, book_.mark_paid(hash));
    if (!first) return refused(kAlreadyPaid, "the invoice is paid already");
    tell(hash, invoice->amount);
    return {};
  }

  Msat fee_of(Msat amount) const {
    // amount is bounded by options_.most, fee_ppm by a million: no overflow in this order.
    const Msat whole = amount / 1'000'000 * options_.fee_ppm;
    const Msat rest = (amount % 1'000'000 * options_.fee_ppm + 999'999) / 1'000'000;
    return options_.fee_base + whole + rest;
  }

  Result<Payment> pay(std::string_view text, std::optional<Msat> amount, Msat max_fee) {
    TRY(const Bolt11 invoice, decode_bolt11(text));
    TRY(const Msat paid, payable(invoice, amount));
    const bool part = invoice.amount && paid < *invoice.amount;
    const std::lock_guard lock(mutex_);
    const UnixMillis now = clock_.now();
    if (now >= invoice.expires_at()) return invalid("the invoice has expired; ask for a new one");
    TRY(const auto own, book_.invoice(invoice.payment_hash));
    if (own && invoice.payee != public_key_) {
      return invalid("another node's invoice names the payment hash of one of ours");
    }
    if (own && own->paid) return refused(kAlreadyPaid, "the invoice is paid already");
    if (own && part) return failed("the other parts of an invoice of this node can't reach it");

    const FakeScript script = fake_script(invoice.description).value_or(FakeScript{});
    BookedPayment payment;
    payment.payment_hash = invoice.payment_hash;
    payment.amount = paid;
    payment.fee = own ? 0 : script.fee.value_or(fee_of(paid));
    if (payment.fee > max_fee)
      return failed("no route costs less than " + std::to_string(payment.fee) + " msat");
    payment.truth = script.truth();
    payment.answer = script.answer_to_lookup();
    payment.ends_at = now + (own ? Millis{0} : script.in_flight.value_or(options_.payment_delay));
    const Hash32 derived =
        play_preimage(*invoice.payment_secret, invoice.amount.value_or(paid), invoice.description);
    if (crypto::sha256(derived) == invoice.payment_hash) payment.preimage = derived;

    TRY(const bool booked, book_.add_payment(payment, own.has_value(), now));
    if (!booked) {
      TRY(const auto before, book_.payment(invoice.payment_hash));
      if (before && before->truth == PaymentState::paid && before->ends_at <= now)
        return refused(kAlreadyPaid, "the invoice is paid already");
      return refused(kPending, "a payment of this invoice is under way; ask for its state");
    }
    if (own && payment.truth == PaymentState::paid) tell(payment.payment_hash, payment.amount);
    const bool under_way = payment.ends_at > now && !script.pay_unreachable;
    return answer(under_way ? PaymentState::pending : script.answer_to_pay(), payment);
  }

  Payment lookup_payment(const Hash32& hash) {
    const std::lock_guard lock(mutex_);
    const auto payment = book_.payment(hash);
    if (!payment) return Payment{PaymentState::unknown, std::nullopt, 0, payment.error().message};
    if (!*payment) return failed("it was never sent");
    const bool under_way = (*payment)->ends_at > clock_.now();
    return answer(under_way ? PaymentState::pending : (*payment)->answer, **payment);
  }

  Status health() {
    const std::lock_guard lock(mutex_);
    return book_.check();
  }
  Result<FakeNodeBook> totals() {
    const std::lock_guard lock(mutex_);
    return book_.totals();
  }
  const crypto::PublicKey& public_key() const { return public_key_; }
  const FakeNodeOptions& options() const { return options_; }

 private:
  static Payment failed(std::string why) { return {PaymentState::failed, std::nullopt, 0, std::move(why)}; }
  Result<Msat> payable(const Bolt11& invoice, std::optional<Msat> amount) const {
    if (!invoice.amount && !amount)
      return invalid("the invoice names no amount; say how much to pay", kAmountMissing);
    if (invoice.amount && amount && *amount > *invoice.amount)
      return invalid("the amount is more than the invoice's", kAmountMismatch);
    const Msat out = amount ? *amount : *invoice.amount;
    if (out == 0 || out > options_.most) {
      return refused(kAmountOutsideLimit,
                     "the amount must lie between 1 and " + std::to_string(options_.most) + " msat");
    }
    return out;
  }
  void schedule(const BookedInvoice& invoice) {
    if (!options_.auto_pay || invoice.expires_at < invoice.pays_itself_at) return;
    due_.emplace(invoice.pays_itself_at, std::pair(invoice.payment_hash, invoice.amount));
    wake_.notify_all();
  }
  void tell(const Hash32& hash, Msat amount) {
    news_.emplace_back(hash, amount);
    wake_.notify_all();
  }

  /// The node's thread: pays the invoices that are due and tells of every payment that came in.
  void run() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      if (!news_.empty()) {
        std::deque<std::pair<Hash32, Msat>> news;
        news.swap(news_);
        lock.unlock();
        tell_observer(news);
        lock.lock();
      } else if (due_.empty()) {
        wake_.wait(lock);
      } else if (const auto wait = due_.begin()->first - clock_.now(); wait > Millis{0}) {
        wake_.wait_for(lock, wait);
      } else {
        pay_due();
      }
    }
  }

  void pay_due() {
    std::map<Hash32, Msat> amounts;
    std::vector<Hash32> hashes;
    const auto end = due_.upper_bound(clock_.now());
    for (auto each = due_.begin(); each != end; ++each) {
      hashes.push_back(each->second.first);
      amounts.insert(each->second);
    }
    due_.erase(due_.begin(), end);
    const auto paid = book_.mark_all_paid(hashes);
    if (!paid) return;  // health() says why; the next start pays them
    for (const Hash32& hash : *paid) news_.emplace_back(hash, amounts.at(hash));
  }

  void tell_observer(const std::deque<std::pair<Hash32, Msat>>& news) {
    const std::lock_guard lock(observer_mutex_);
    if (!observer_) return;
    for (const auto& [hash, amount] : news) observer_(hash, amount);
  }

  const FakeNodeOptions options_;
  const Clock& clock_;
  Random& random_;

  std::mutex observer_mutex_;  // held while the observer runs; never taken while mutex_ is held
  std::function<void(const Hash32&, Msat)> observer_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  FakeBook book_;
  const crypto::PublicKey public_key_;
  std::multimap<UnixMillis, std::pair<Hash32, Msat>> due_;
  std::deque<std::pair<Hash32, Msat>> news_;
  bool stopping_ = false;
  std::thread thread_;
};

FakeNode::FakeNode(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FakeNode::~FakeNode() = default;

Result<std::unique_ptr<FakeNode>> FakeNode::open(FakeNodeOptions options, const Clock& clock,
                                                 Random& random) {
  if (options.fee_ppm > 1'000'000 || options.most > 2'100'000'000'000'000'000 ||
      options.invoice_delay < Millis{0} || options.payment_delay < Millis{0}) {
    return invalid("the fake node's fee, limit or delay is out of range");
  }
  TRY(FakeBook book, FakeBook::open(options.file, options.vfs, random));
  auto impl = std::make_unique<Impl>(std::move(options), std::move(book), clock, random);
  TRY_STATUS(impl->start());
  return std::unique_ptr<FakeNode>(new FakeNode(std::move(impl)));
}

Result<NewInvoice> FakeNode::create_invoice(Msat amount, std::string_view description, Seconds expiry) {
  return impl_->create(amount, description, expiry);
}
Result<InvoiceStatus> FakeNode::lookup_invoice(const Hash32& payment_hash) {
  return impl_->lookup_invoice(payment_hash);
}
void FakeNode::on_invoice_paid(std::function<void(const Hash32&, Msat)> observer) {
  impl_->observe(std::move(observer));
}
Msat FakeNode::fee_reserve(Msat amount) const {
  return impl_->fee_of(std::min(amount, impl_->options().most));
}
Result<Payment> FakeNode::pay(std::string_view bolt11, std::optional<Msat> amount, Msat max_fee) {
  return impl_->pay(bolt11, amount, max_fee);
}
Payment FakeNode::lookup_payment(const Hash32& payment_hash) { return impl_->lookup_payment(payment_hash); }
Status FakeNode::health() { return impl_->health(); }
Status FakeNode::receive(const Hash32& payment_hash) { return impl_->receive(payment_hash); }
Result<FakeNodeBook> FakeNode::book() { return impl_->totals(); }
const crypto::PublicKey& FakeNode::public_key() const { return impl_->public_key(); }

}  // namespace manastr::lightning
