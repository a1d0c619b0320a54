#include "mint/quotes/melt_payments.h"

#include <algorithm>

#include "common/base/failpoint.h"
#include "common/telemetry/log.h"
#include "mint/quotes/melt_change.h"

namespace manastr::mint {
namespace {

// A payment is asked for after 50 ms, then ever more seldom: most end soon, the others may take hours.
constexpr Millis kFirstWait{50};
constexpr Millis kLongestWait{10'000};
constexpr Millis kAdoptEvery{10'000};
constexpr Millis kDoubtsEvery{2'000};
constexpr Seconds kDoubtful{120};  // longer than a database lets a transaction hang
constexpr std::size_t kMostDoubts = 10'000;
constexpr Millis kLeastWait{1'000};  // between two questions that clients bring about
constexpr Millis kHanging{5'000};    // a lookup without an answer for longer

}  // namespace

MeltPayments::MeltPayments(const Keysets& keysets, Ledger& ledger, lightning::Node& node,
                           MeltPaymentsOptions options, const Clock& clock)
    : keysets_(&keysets),
      ledger_(&ledger),
      node_(&node),
      clock_(&clock),
      options_(options),
      workers_(options.threads, options.queue * 2) {
  adopt_at_ = clock_->monotonic() + kAdoptEvery;
  follower_ = std::thread([this] { follow_loop(); });
}

MeltPayments::~MeltPayments() { stop(); }

void MeltPayments::stop() {
  stop_waiting();
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (follower_.joinable()) follower_.join();
  workers_.stop();
}

void MeltPayments::stop_waiting() {
  std::vector<std::pair<MeltQuote, Done>> waiting;
  {
    const std::lock_guard lock(mutex_);
    nobody_waits_ = true;
    for (Followed& each : followed_) {
      if (each.done) waiting.emplace_back(each.quote, std::exchange(each.done, nullptr));
    }
  }
  for (auto& [quote, done] : waiting) done(std::move(quote));
}

std::size_t MeltPayments::pending() const {
  const std::lock_guard lock(mutex_);
  return followed_.size() + static_cast<std::size_t>(sending_);
}

// --- sending

void MeltPayments::pay(MeltQuote quote, Done done) {
  const Hash32 hash = quote.node_key;
  count_sending(+1);
  const bool posted = workers_.post_next([this, quote = std::move(quote), done = std::move(done)]() mutable {
    send(std::move(quote), std::move(done));
  });
  // Only while the mint stops: the next start finds it pending, and that nothing was sent.
  if (posted) return;
  count_sending(-1);
  telemetry::log_warn("a melt is left to the next start", {{"payment", to_hex(hash)}});
}

void MeltPayments::count_sending(int change) {
  const std::lock_guard lock(mutex_);
  sending_ += change;
}

void MeltPayments::send(MeltQuote quote, Done done) {
  // Another mint may have taken it over. It is not sent then, and asked for like any other.
  if (!ledger_->may_pay(quote)) return follow(std::move(quote), std::move(done), 1);
  failpoint("mint.before-pay");
  auto payment = pay_at_node(quote);
  failpoint("mint.after-pay");
  End end;
  if (payment) {
    // A node that gives up, or can't be reached, may yet see the payment arrive: the lookup decides.
    if (payment->state != lightning::PaymentState::paid) *payment = look_up(quote);
    end = settle(quote, *payment);
  } else {  // this call sent nothing
    Error why = payment.error();
    if (why.code == 0)
      why = Error{ErrorKind::refused, cashu::kLightningFailed, "the payment was not sent: " + why.message};
    end = release(quote, std::move(why));
  }
  if (!end) return follow(std::move(quote), std::move(done), 1);
  count_sending(-1);
  if (done) done(*std::move(end));
}

Result<lightning::Payment> MeltPayments::pay_at_node(const MeltQuote& quote) {
  const auto max_fee = static_cast<Msat>(value_of(quote.fee_reserve, quote.price_msat));
  if (quote.method == Method::bolt12) {
    lightning::Offers* offers = node_->offers();
    if (offers == nullptr) return invalid("the mint's Lightning node pays no offers any more");
    return offers->pay_offer(quote.node_key, quote.request, quote.invoice_msat, max_fee);
  }
  const std::optional<Msat> amount = quote.names_amount ? std::nullopt : std::optional(quote.invoice_msat);
  return node_->pay(quote.request, amount, max_fee);
}

lightning::Payment MeltPayments::look_up(const MeltQuote& quote) {
  if (quote.method == Method::bolt11) return node_->lookup_payment(quote.node_key);
  if (lightning::Offers* offers = node_->offers()) return offers->lookup_offer_payment(quote.node_key);
  return {lightning::PaymentState::unknown, std::nullopt, 0, "the node that paid this offer is gone"};
}

/// `payment` as a lookup has it, or paid.
MeltPayments::End MeltPayments::settle(const MeltQuote& quote, const lightning::Payment& payment) {
  switch (payment.state) {
    case lightning::PaymentState::paid: {
      auto finished = finish(quote, payment);
      if (finished) return finished;
      telemetry::log_error("a payment made could not be booked; it will be tried again",
                           {{"payment", to_hex(quote.node_key)}, {"error", finished.error().message}});
      return std::nullopt;
    }
    case lightning::PaymentState::failed:
      return release(
          quote, Error{ErrorKind::refused, cashu::kLightningFailed,
                       "the payment failed" + (payment.reason.empty() ? "" : " (" + payment.reason + ")") +
                           "; the inputs can be spent again"});
    default:
      return std::nullopt;
  }
}

Result<MeltQuote> MeltPayments::finish(const MeltQuote& quote, const lightning::Payment& payment) {
  FinishMelt write;
  write.quote = quote.id;
  write.preimage = payment.preimage;
  write.paid = quote.invoice_msat + payment.fee;
  TRY(const std::vector<BlankOutput> blanks, ledger_->blank_outputs(quote.id));
  if (!blanks.empty()) {
    // Each under the keyset that it was reserved for, whatever became of that meanwhile; they may be of
    // several.
    std::vector<const SigningKeyset*> keysets;
    for (const BlankOutput& blank : blanks) {
      const SigningKeyset* keyset = keysets_->now()->by_number(blank.keyset);
      if (keyset == nullptr) {
        TRY(const KeysetRing* newer, keysets_->look());
        keyset = newer->by_number(blank.keyset);
      }
      if (keyset == nullptr) return broken("a melt's change is for a keyset that the mint lacks");
      keysets.push_back(keyset);
    }
    TRY(write.change, sign_change(keysets, blanks, quote, write.paid));
  }
  TRY([[maybe_unused]] const Written written, ledger_->write_now(std::move(write)));
  TRY(std::optional<MeltQuote> paid, ledger_->melt_quote(quote.id));
  if (!paid) return broken("a quote vanished from the ledger");
  return *std::move(paid);
}

MeltPayments::End MeltPayments::release(const MeltQuote& quote, Error why) {
  if (const auto written = ledger_->write_now(ReleaseMelt{quote.id, quote.attempt}); !written) {
    telemetry::log_error("a payment that failed could not be booked; it will be tried again",
                         {{"payment", to_hex(quote.node_key)}, {"error", written.error().message}});
    return std::nullopt;
  }
  return std::unexpected(std::move(why));
}

// --- following

void MeltPayments::follow(MeltQuote quote, Done done, int was_sending) {
  const Monotonic now = clock_->monotonic();
  Followed entry;
  entry.asked_at = now;
  entry.wait = kFirstWait;
  entry.ask_at = now + kFirstWait;
  entry.answer_by = now + options_.answer_within;
  {
    const std::lock_guard lock(mutex_);
    entry.quote = quote;
    if (!nobody_waits_) entry.done = std::exchange(done, nullptr);
    followed_.push_back(std::move(entry));
    sending_ -= was_sending;
  }
  wake_.notify_all();
  if (done) done(std::move(quote));
}

Status MeltPayments::recover() {
  TRY(std::vector<MeltQuote> pending, ledger_->pending_melts());
  if (pending.empty()) return {};
  telemetry::log_info("melts under way at the last stop are followed up", {{"melts", pending.size()}});
  for (MeltQuote& quote : pending) follow(std::move(quote), nullptr);
  return {};
}

void MeltPayments::ask_soon(std::string_view quote) {
  const std::lock_guard lock(mutex_);
  const auto entry =
      std::ranges::find_if(followed_, [&](const Followed& each) { return each.quote.id == quote; });
  if (entry == followed_.end()) return;
  entry->ask_at = std::min(entry->ask_at, std::max(entry->asked_at + kLeastWait, clock_->monotonic()));
  wake_.notify_all();
}

void MeltPayments::adopt() {
  auto left = ledger_->adopt_melts();
  if (!left || left->empty()) return;  // a ledger that can't be read now can later
  telemetry::log_warn("melts that another mint left under way are followed up", {{"melts", left->size()}});
  for (MeltQuote& quote : *left) follow(std::move(quote), nullptr);
}

void MeltPayments::find_out(MeltQuote quote) {
  const std::lock_guard lock(mutex_);
  if (doubts_.size() >= kMostDoubts) return;  // the next start finds it
  const Monotonic now = clock_->monotonic();
  if (doubts_.empty()) doubts_at_ = now + kDoubtsEvery;
  doubts_.push_back({std::move(quote.id), quote.attempt, now + kDoubtful});
  wake_.notify_all();
}

void MeltPayments::settle_doubts() {
  std::vector<Doubt> doubts;
  {
    const std::lock_guard lock(mutex_);
    doubts.swap(doubts_);
  }
  bool readable = true;
  std::vector<Doubt> left;
  for (Doubt& doubt : doubts) {
    const Monotonic asked_at = clock_->monotonic();
    auto found = readable ? ledger_->melt_quote(doubt.quote) : broken("");
    readable = found.has_value();
    if (!readable) {
      left.push_back(std::move(doubt));
    } else if (*found && (*found)->state == MeltQuote::State::pending && (*found)->attempt == doubt.attempt) {
      telemetry::log_warn("a melt was journaled after all, and is followed up",
                          {{"payment", to_hex((*found)->node_key)}});
      follow(**std::move(found), nullptr);
    } else if (asked_at < doubt.until) {
      left.push_back(std::move(doubt));
    }
  }
  const std::lock_guard lock(mutex_);
  doubts_.insert(doubts_.end(), std::make_move_iterator(left.begin()), std::make_move_iterator(left.end()));
  doubts_at_ = clock_->monotonic() + kDoubtsEvery;
}

/// On a worker. The entry stays in the list, and no one else touches it, while `asking`.
void MeltPayments::ask(std::list<Followed>::iterator entry) {
  End end = settle(entry->quote, look_up(entry->quote));
  Done done;
  {
    const std::lock_guard lock(mutex_);
    if (end) {
      telemetry::log_info("a payment that was under way has ended",
                          {{"payment", to_hex(entry->quote.node_key)}, {"paid", end->has_value()}});
      done = std::move(entry->done);
      followed_.erase(entry);
    } else {
      entry->asking = false;
      entry->asked_at = clock_->monotonic();
      entry->wait = std::min(entry->wait * 2, kLongestWait);
      entry->ask_at = entry->asked_at + entry->wait;
      if (entry->answer_by <= entry->asked_at) {
        done = std::exchange(entry->done, nullptr);
        end = entry->quote;
      }
    }
    wake_.notify_all();
  }
  if (done) done(*std::move(end));
}

/// When it is asked for next; who waits is answered by a last question, or without if the node hangs.
Monotonic MeltPayments::due(const Followed& entry) {
  if (entry.asking) return entry.done ? entry.answer_by + kHanging : Monotonic::max();
  return entry.done ? std::min(entry.ask_at, entry.answer_by) : entry.ask_at;
}

void MeltPayments::follow_loop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const Monotonic now = clock_->monotonic();
    if (adopt_at_ <= now) {
      adopt_at_ = now + kAdoptEvery;
      lock.unlock();
      adopt();
      lock.lock();
      continue;
    }
    if (!doubts_.empty() && doubts_at_ <= now) {
      lock.unlock();
      settle_doubts();
      lock.lock();
      continue;
    }
    Monotonic next = doubts_.empty() ? adopt_at_ : std::min(adopt_at_, doubts_at_);
    std::vector<std::pair<MeltQuote, Done>> unheard;
    for (auto entry = followed_.begin(); entry != followed_.end(); ++entry) {
      if (due(*entry) > now) {
        next = std::min(next, due(*entry));
      } else if (entry->asking) {
        unheard.emplace_back(entry->quote, std::exchange(entry->done, nullptr));
      } else {
        entry->asking = workers_.try_post([this, entry] { ask(entry); });
        next = std::min(next, entry->asking ? due(*entry) : now + kLeastWait);
      }
    }
    if (unheard.empty()) {
      wake_.wait_until(lock, next);
      continue;
    }
    lock.unlock();
    for (auto& [quote, done] : unheard) done(std::move(quote));
    lock.lock();
  }
}

}  // namespace manastr::mint
