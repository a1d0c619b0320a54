#include "lightning/fake_node.h"

#include <algorithm>

#include "common/crypto/hash.h"
#include "lightning/fake_node_impl.h"
#include "lightning/play_invoice.h"

namespace manastr::lightning {
namespace {

Payment answer(PaymentState state, const BookedPayment& payment) {
  Payment out;
  out.state = state;
  if (state == PaymentState::paid) {
    out.preimage = payment.preimage;
    out.fee = payment.fee;
  } else {
    out.reason = "the description of what is paid says so";
  }
  return out;
}

Payment failed(std::string why) { return {PaymentState::failed, std::nullopt, 0, std::move(why)}; }

}  // namespace

FakeNode::Impl::Impl(FakeNodeOptions options, FakeBook book, const Clock& clock, Random& random)
    : options_(std::move(options)),
      clock_(clock),
      random_(random),
      book_(std::move(book)),
      public_key_(book_.key().public_key()) {}

FakeNode::Impl::~Impl() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Status FakeNode::Impl::start() {
  TRY(const auto unpaid, book_.unpaid_invoices());
  for (const BookedInvoice& invoice : unpaid) schedule(invoice);
  TRY(const auto to_come, book_.offer_payments_to_come());
  for (const BookedOfferPayment& each : to_come) {
    TRY(const auto offer, book_.offer(each.payment.offer));
    schedule(each, offer ? offer->expires_at : std::nullopt);
  }
  thread_ = std::thread([this] { run(); });
  return {};
}

// --- invoices

Result<NewInvoice> FakeNode::Impl::create(Msat amount, std::string_view description, Seconds expiry) {
  TRY_STATUS(check_limit(amount));
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

Result<InvoiceStatus> FakeNode::Impl::lookup_invoice(const Hash32& hash) {
  const std::lock_guard lock(mutex_);
  TRY(const auto invoice, book_.invoice(hash));
  if (!invoice) return invalid("this node gave no invoice of that payment hash");
  if (invoice->paid) return InvoiceStatus{InvoiceState::paid, invoice->amount};
  return InvoiceStatus{clock_.now() >= invoice->expires_at ? InvoiceState::expired : InvoiceState::unpaid, 0};
}

Status FakeNode::Impl::receive(const Hash32& hash) {
  const std::lock_guard lock(mutex_);
  TRY(const auto invoice, book_.invoice(hash));
  if (!invoice) return invalid("this node gave no invoice of that payment hash");
  if (!invoice->paid && clock_.now() >= invoice->expires_at)
    return refused(kExpired, "the invoice has expired");
  TRY(const bool first, book_.mark_paid(hash));
  if (!first) return refused(kAlreadyPaid, "the invoice is paid already");
  tell(Paid{hash, invoice->amount});
  return {};
}

// --- payments

Msat FakeNode::Impl::fee_of(Msat amount) const {
  // amount is bounded by options_.most, fee_ppm by a million: no overflow in this order.
  const Msat whole = amount / 1'000'000 * options_.fee_ppm;
  const Msat rest = (amount % 1'000'000 * options_.fee_ppm + 999'999) / 1'000'000;
  return options_.fee_base + whole + rest;
}

Status FakeNode::Impl::check_limit(Msat amount) const {
  if (amount > 0 && amount <= options_.most) return {};
  return refused(kAmountOutsideLimit,
                 "the amount must lie between 1 and " + std::to_string(options_.most) + " msat");
}

Result<Msat> FakeNode::Impl::payable(const Bolt11& invoice, std::optional<Msat> amount) const {
  if (!invoice.amount && !amount)
    return invalid("the invoice names no amount; say how much to pay", kAmountMissing);
  if (invoice.amount && amount && *amount > *invoice.amount)
    return invalid("the amount is more than the invoice's", kAmountMismatch);
  const Msat out = amount ? *amount : *invoice.amount;
  TRY_STATUS(check_limit(out));
  return out;
}

Result<Payment> FakeNode::Impl::pay(std::string_view text, std::optional<Msat> amount, Msat max_fee) {
  TRY(const Bolt11 invoice, decode_bolt11(text));
  TRY(const Msat paid, payable(invoice, amount));
  const bool part = invoice.amount && paid < *invoice.amount;
  const std::lock_guard lock(mutex_);
  if (clock_.now() >= invoice.expires_at()) return invalid("the invoice has expired; ask for a new one");
  TRY(const auto own, book_.invoice(invoice.payment_hash));
  if (own && invoice.payee != public_key_)
    return invalid("another node's invoice names the payment hash of one of ours");
  if (own && own->paid) return refused(kAlreadyPaid, "the invoice is paid already");
  if (own && part) return failed("the other parts of an invoice of this node can't reach it");

  BookedPayment payment;
  payment.key = invoice.payment_hash;
  payment.amount = paid;
  const Hash32 derived =
      play_preimage(*invoice.payment_secret, invoice.amount.value_or(paid), invoice.description);
  if (crypto::sha256(derived) == invoice.payment_hash) payment.preimage = derived;
  FakeBook::OwnPayee payee;
  if (own) payee = *own;
  return settle(payment, fake_script(invoice.description).value_or(FakeScript{}), payee, max_fee);
}

Result<Payment> FakeNode::Impl::settle(BookedPayment payment, const FakeScript& script,
                                       const FakeBook::OwnPayee& payee, Msat max_fee) {
  const bool own = !std::holds_alternative<std::monostate>(payee);
  const UnixMillis now = clock_.now();
  payment.fee = own ? 0 : script.fee.value_or(fee_of(payment.amount));
  if (payment.fee > max_fee)
    return failed("no route costs less than " + std::to_string(payment.fee) + " msat");
  payment.truth = script.truth();
  payment.answer = script.answer_to_lookup();
  payment.ends_at = now + (own ? Millis{0} : script.in_flight.value_or(options_.payment_delay));
  TRY(const bool booked, book_.add_payment(payment, payee, now));
  if (!booked) {
    TRY(const auto before, book_.payment(payment.key));
    if (!before || (before->truth == PaymentState::paid && before->ends_at <= now))
      return refused(kAlreadyPaid, "it is paid already");
    return refused(kPending, "this payment is under way; ask for its state");
  }
  if (payment.truth == PaymentState::paid) {
    if (std::holds_alternative<BookedInvoice>(payee)) tell(Paid{payment.key, payment.amount});
    if (const auto* offer = std::get_if<std::pair<BookedOffer, BookedOfferPayment>>(&payee))
      tell(offer->second);
  }
  const bool under_way = payment.ends_at > now && !script.pay_unreachable;
  return answer(under_way ? PaymentState::pending : script.answer_to_pay(), payment);
}

Payment FakeNode::Impl::lookup_payment(const Hash32& key) {
  const std::lock_guard lock(mutex_);
  const auto payment = book_.payment(key);
  if (!payment) return Payment{PaymentState::unknown, std::nullopt, 0, payment.error().message};
  if (!*payment) return failed("it was never sent");
  const bool under_way = (*payment)->ends_at > clock_.now();
  return answer(under_way ? PaymentState::pending : (*payment)->answer, **payment);
}

Status FakeNode::Impl::health() {
  const std::lock_guard lock(mutex_);
  return book_.check();
}

Result<FakeNodeBook> FakeNode::Impl::totals() {
  const std::lock_guard lock(mutex_);
  return book_.totals();
}

// --- the thread

void FakeNode::Impl::observe(std::function<void(const Hash32&, Msat)> observer) {
  const std::lock_guard lock(observer_mutex_);
  observer_ = std::move(observer);
}

void FakeNode::Impl::schedule(const BookedInvoice& invoice) {
  if (!options_.auto_pay || invoice.expires_at < invoice.pays_itself_at) return;
  due_.emplace(invoice.pays_itself_at, Paid{invoice.payment_hash, invoice.amount});
  wake_.notify_all();
}

void FakeNode::Impl::tell(const Income& income) {
  news_.push_back(income);
  wake_.notify_all();
}

/// Pays what is due and tells of every payment that came in.
void FakeNode::Impl::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (!news_.empty()) {
      std::deque<Income> news;
      news.swap(news_);
      lock.unlock();
      tell_observers(news);
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

void FakeNode::Impl::pay_due() {
  std::map<Hash32, Msat> amounts;
  std::vector<Hash32> hashes;
  std::vector<BookedOfferPayment> to_offers;
  const auto end = due_.upper_bound(clock_.now());
  for (auto each = due_.begin(); each != end; ++each) {
    if (const auto* invoice = std::get_if<Paid>(&each->second)) {
      hashes.push_back(invoice->payment_hash);
      amounts.emplace(invoice->payment_hash, invoice->amount);
    } else {
      to_offers.push_back(std::get<BookedOfferPayment>(each->second));
    }
  }
  due_.erase(due_.begin(), end);
  // If the disk fails, health() says why, and the next start pays them.
  if (!hashes.empty()) {
    if (const auto paid = book_.mark_all_paid(hashes)) {
      for (const Hash32& hash : *paid) news_.push_back(Paid{hash, amounts.at(hash)});
    }
  }
  if (!to_offers.empty()) {
    if (const auto arrived = book_.arrive_all(to_offers)) {
      for (const OfferPayment& each : *arrived) news_.push_back(BookedOfferPayment{each, {}, {}});
    }
  }
}

void FakeNode::Impl::tell_observers(const std::deque<Income>& news) {
  const std::lock_guard lock(observer_mutex_);
  for (const Income& each : news) {
    if (const auto* invoice = std::get_if<Paid>(&each)) {
      if (observer_) observer_(invoice->payment_hash, invoice->amount);
    } else if (offer_observer_) {
      offer_observer_(std::get<BookedOfferPayment>(each).payment);
    }
  }
}

// --- the node

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
Offers* FakeNode::offers() { return impl_->options().offers ? this : nullptr; }
Result<NewOffer> FakeNode::create_offer(const OfferTerms& terms) { return impl_->create_offer(terms); }
Result<OfferStatus> FakeNode::lookup_offer(const Hash32& offer) { return impl_->lookup_offer(offer); }
Result<std::vector<OfferPayment>> FakeNode::offer_payments(const Hash32& offer) {
  return impl_->offer_payments(offer);
}
void FakeNode::on_offer_paid(std::function<void(const OfferPayment&)> observer) {
  impl_->observe_offers(std::move(observer));
}
Result<Payment> FakeNode::pay_offer(const Hash32& key, std::string_view bolt12, Msat amount, Msat max_fee) {
  return impl_->pay_offer(key, bolt12, amount, max_fee);
}
Payment FakeNode::lookup_offer_payment(const Hash32& key) { return impl_->lookup_payment(key); }
Status FakeNode::receive_through(const Hash32& offer, Msat amount) {
  return impl_->receive_through(offer, amount);
}
Status FakeNode::health() { return impl_->health(); }
Status FakeNode::receive(const Hash32& payment_hash) { return impl_->receive(payment_hash); }
Result<FakeNodeBook> FakeNode::book() { return impl_->totals(); }
const crypto::PublicKey& FakeNode::public_key() const { return impl_->public_key(); }

}  // namespace manastr::lightning
