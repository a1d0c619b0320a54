// The fake node's offers.
#include "common/crypto/hash.h"
#include "lightning/fake_node_impl.h"
#include "lightning/play_invoice.h"

namespace manastr::lightning {
namespace {

std::unexpected<Error> not_ours() { return invalid("this node made no such offer"); }
std::unexpected<Error> expired() { return refused(kExpired, "the offer has expired"); }

/// With what the offer pays itself.
std::vector<Msat> own_payments(const OfferTerms& terms) {
  if (auto scripted = scripted_payments(terms.description)) return *std::move(scripted);
  return terms.amount ? std::vector{*terms.amount} : std::vector<Msat>{};
}

}  // namespace

BookedOfferPayment FakeNode::Impl::payment_to(const Hash32& offer, const Hash32& key, Msat amount) const {
  BookedOfferPayment out;
  out.preimage = play_offer_preimage(offer, key, amount);
  out.payment = {offer, crypto::sha256(out.preimage), amount};
  return out;
}

Result<NewOffer> FakeNode::Impl::create_offer(const OfferTerms& terms) {
  if (terms.amount) TRY_STATUS(check_limit(*terms.amount));
  const std::lock_guard lock(mutex_);
  TRY(const PlayOffer made,
      make_play_offer(book_.key(), options_.network, terms, clock_.now_seconds(), random_));
  BookedOffer offer;
  offer.id = offer_id(made.offer);
  offer.bolt12 = made.text;
  offer.amount = terms.amount;
  offer.single_use = terms.single_use;
  if (made.offer.expires_at)
    offer.expires_at = unix_seconds(static_cast<std::int64_t>(*made.offer.expires_at));
  std::vector<BookedOfferPayment> to_come;
  for (const Msat amount : own_payments(terms)) {
    if (amount < terms.amount.value_or(1) || amount > options_.most) continue;
    to_come.push_back(payment_to(offer.id, random_.bytes<32>(), amount));
    to_come.back().pays_itself_at = clock_.now() + options_.invoice_delay;
  }
  TRY_STATUS(book_.add_offer(offer, to_come));
  for (const BookedOfferPayment& each : to_come) schedule(each, offer.expires_at);
  return NewOffer{offer.bolt12, offer.id, offer.expires_at};
}

Result<OfferStatus> FakeNode::Impl::lookup_offer(const Hash32& id) {
  const std::lock_guard lock(mutex_);
  TRY(const auto offer, book_.offer(id));
  if (!offer) return not_ours();
  return book_.offer_status(id);
}

Result<std::vector<OfferPayment>> FakeNode::Impl::offer_payments(const Hash32& id) {
  const std::lock_guard lock(mutex_);
  TRY(const auto offer, book_.offer(id));
  if (!offer) return not_ours();
  return book_.offer_payments(id);
}

void FakeNode::Impl::observe_offers(std::function<void(const OfferPayment&)> observer) {
  const std::lock_guard lock(observer_mutex_);
  offer_observer_ = std::move(observer);
}

Status FakeNode::Impl::receive_through(const Hash32& id, Msat amount) {
  TRY_STATUS(check_limit(amount));
  const std::lock_guard lock(mutex_);
  TRY(const auto offer, book_.offer(id));
  if (!offer) return not_ours();
  if (amount < offer->amount.value_or(0)) return invalid("the offer is for more", kAmountMismatch);
  if (offer->expires_at && clock_.now() >= *offer->expires_at) return expired();
  const BookedOfferPayment payment = payment_to(id, random_.bytes<32>(), amount);
  TRY(const bool first, book_.arrive(payment, offer->single_use));
  if (!first) return refused(kAlreadyPaid, "the offer was for one payment, which it has had");
  tell(payment);
  return {};
}

Result<Payment> FakeNode::Impl::pay_offer(const Hash32& key, std::string_view text, Msat amount,
                                          Msat max_fee) {
  TRY(const Offer offer, decode_offer(text));
  if (!offer.is_for(options_.network)) return invalid("the offer is for another network");
  if (offer.currency)
    return invalid("the offer is in " + *offer.currency + ", which this node can't convert");
  if (amount < offer.amount.value_or(0)) return invalid("the offer is for more", kAmountMismatch);
  TRY_STATUS(check_limit(amount));
  const std::lock_guard lock(mutex_);
  if (offer.expired(clock_.now_seconds())) return expired();
  const Hash32 id = offer_id(offer);
  TRY(const auto own, book_.offer(id));
  BookedPayment payment;
  payment.key = key;
  payment.amount = amount;
  const BookedOfferPayment to_offer = payment_to(id, key, amount);
  payment.preimage = to_offer.preimage;
  FakeBook::OwnPayee payee;
  if (own) payee = std::pair(*own, to_offer);
  return settle(payment, fake_script(offer.description.value_or("")).value_or(FakeScript{}), payee, max_fee);
}

void FakeNode::Impl::schedule(const BookedOfferPayment& payment,
                              const std::optional<UnixSeconds>& expires_at) {
  if (!options_.auto_pay || (expires_at && *expires_at < payment.pays_itself_at)) return;
  due_.emplace(payment.pays_itself_at, payment);
  wake_.notify_all();
}

}  // namespace manastr::lightning
