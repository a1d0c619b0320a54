#include "mint/quotes/melt_payments.h"

#include "common/base/failpoint.h"
#include "common/telemetry/log.h"
#include "mint/quotes/pricing.h"

namespace manastr::mint {
namespace {

constexpr Millis kFollowEvery{1'000};

}  // namespace

MeltPayments::MeltPayments(const KeysetRing& ring, Ledger& ledger, lightning::Node& node, std::size_t threads,
                           std::size_t queue)
    : ring_(&ring), ledger_(&ledger), node_(&node), queue_(queue), workers_(threads, queue * 2) {
  follower_ = std::thread([this] { follow_loop(); });
}

MeltPayments::~MeltPayments() { stop(); }

void MeltPayments::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (follower_.joinable()) follower_.join();
  workers_.stop();
}

void MeltPayments::recover() {
  auto pending = ledger_->pending_melts();
  if (!pending) {
    telemetry::log_error("melts under way could not be read from the ledger",
                         {{"error", pending.error().message}});
    return;
  }
  if (pending->empty()) return;
  telemetry::log_info("melts under way at the last stop are followed up", {{"melts", pending->size()}});
  for (MeltQuote& quote : *pending) follow(std::move(quote));
}

std::size_t MeltPayments::pending() const {
  const std::lock_guard lock(mutex_);
  return followed_.size() + workers_.queued();
}

void MeltPayments::pay(MeltQuote quote, Done done) {
  const bool posted = workers_.post_next([this, quote, done = std::move(done)]() mutable {
    failpoint("mint.before-pay");
    const std::optional<Msat> amount = quote.names_amount ? std::nullopt : std::optional(quote.invoice_msat);
    const auto max_fee = static_cast<Msat>(value_of(quote.fee_reserve, quote.price_msat));
    auto payment = node_->pay(quote.request, amount, max_fee);
    failpoint("mint.after-pay");
    if (!payment) {  // this call sent nothing
      Error why = payment.error();
      if (why.code == 0)
        why = Error{ErrorKind::refused, cashu::kLightningFailed, "the payment was not sent: " + why.message};
      done(std::unexpected(release(quote, std::move(why))));
      return;
    }
    done(settle(quote, *payment));
  });
  // Only while the mint stops: the next start finds it pending, and that nothing was sent.
  if (!posted)
    telemetry::log_warn("a melt is left to the next start", {{"payment_hash", to_hex(quote.payment_hash)}});
}

Result<MeltQuote> MeltPayments::settle(const MeltQuote& quote, const lightning::Payment& payment) {
  switch (payment.state) {
    case lightning::PaymentState::paid:
      return finish(quote, payment);
    case lightning::PaymentState::failed:
      return std::unexpected(release(
          quote, Error{ErrorKind::refused, cashu::kLightningFailed,
                       "the payment failed" + (payment.reason.empty() ? "" : " (" + payment.reason + ")") +
                           "; the inputs can be spent again"}));
    default:
      follow(quote);
      return quote;
  }
}

Result<MeltQuote> MeltPayments::finish(const MeltQuote& quote, const lightning::Payment& payment) {
  FinishMelt write;
  write.quote = quote.id;
  write.preimage = payment.preimage;
  write.paid = quote.invoice_msat + payment.fee;
  TRY(const std::vector<BlankOutput> blanks, ledger_->blank_outputs(quote.id));
  if (!blanks.empty()) {
    const SigningKeyset* keyset = ring_->by_number(blanks.front().keyset);
    if (keyset == nullptr) return broken("a melt's change is for a keyset that the mint lacks");
    const cashu::Amount change = change_amount(quote.inputs, quote.input_fee, write.paid, quote.price_msat);
    const auto amounts =
        change_split(change, static_cast<std::uint32_t>(keyset->denominations().size()), blanks.size());
    for (std::size_t i = 0; i < amounts.size(); ++i) {
      const auto b_blinded = crypto::PublicKey::parse(blanks[i].b_blinded);
      const SigningKeyset::Denomination* key = keyset->denomination(amounts[i]);
      if (!b_blinded || key == nullptr) return broken("a melt's change can't be signed");
      const crypto::SignedBlind made = crypto::sign_blinded(key->secret, key->key, *b_blinded);
      write.change.push_back(
          {blanks[i].b_blinded, blanks[i].keyset, amounts[i], made.c_blinded.bytes(), made.dleq});
    }
  }
  if (auto written = ledger_->write_now(std::move(write)); !written) {
    telemetry::log_error("a payment made could not be booked; the next start will find it",
                         {{"payment_hash", to_hex(quote.payment_hash)}, {"error", written.error().message}});
    return quote;  // still pending, for all that the ledger knows
  }
  TRY(std::optional<MeltQuote> paid, ledger_->melt_quote(quote.id));
  if (!paid) return broken("a quote vanished from the ledger");
  return *std::move(paid);
}

Error MeltPayments::release(const MeltQuote& quote, Error why) {
  if (auto written = ledger_->write_now(ReleaseMelt{quote.id}); !written) return written.error();
  return why;
}

void MeltPayments::follow(MeltQuote quote) {
  {
    const std::lock_guard lock(mutex_);
    followed_.push_back(std::move(quote));
  }
  wake_.notify_all();
}

void MeltPayments::follow_loop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    wake_.wait(lock, [&] { return stopping_ || !followed_.empty(); });
    std::vector<MeltQuote> round;
    round.swap(followed_);
    lock.unlock();
    for (MeltQuote& quote : round) {
      const lightning::Payment payment = node_->lookup_payment(quote.payment_hash);
      const auto settled = settle(quote, payment);  // follows it again while it is not final
      const bool final = !settled || settled->state == MeltQuote::State::paid;
      if (final) {
        telemetry::log_info("a payment that was under way has ended",
                            {{"payment_hash", to_hex(quote.payment_hash)}, {"paid", settled.has_value()}});
      }
      {
        const std::lock_guard check(mutex_);
        if (stopping_) return;
      }
    }
    lock.lock();
    wake_.wait_for(lock, kFollowEvery, [&] { return stopping_; });
  }
}

}  // namespace manastr::mint
