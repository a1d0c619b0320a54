#include "mint/quotes/mint_quotes.h"

#include "common/telemetry/log.h"
#include "mint/quotes/pricing.h"
#include "mint/quotes/quote_id.h"

namespace manastr::mint {
namespace {

constexpr std::size_t kMaxAsked = 100'000;
constexpr std::size_t kMaxEarly = 10'000;
constexpr Seconds kAskEvery{1};
constexpr std::size_t kMaxDescription = 639;  // BOLT-11's length field
constexpr Seconds kGrace{3600};

}  // namespace

MintQuotes::MintQuotes(const Keysets& keysets, Ledger& ledger, lightning::Node& node,
                       MintQuotesOptions options, const Clock& clock, Random& random)
    : keysets_(&keysets),
      ledger_(&ledger),
      node_(&node),
      options_(options),
      clock_(&clock),
      random_(&random) {
  node.on_invoice_paid(
      [this](const Hash32& payment_hash, Msat received) { heard(payment_hash, {payment_hash, received}); });
  if (lightning::Offers* offers = node.offers()) {
    offers->on_offer_paid([this](const lightning::OfferPayment& payment) {
      heard(payment.offer, {payment.payment_hash, payment.amount});
    });
  }
}

MintQuotes::~MintQuotes() {
  node_->on_invoice_paid(nullptr);
  if (lightning::Offers* offers = node_->offers()) offers->on_offer_paid(nullptr);
}

Status MintQuotes::check(const MintQuoteRequest& request) const {
  const CurrencyConfiguration* currency = keysets_->now()->currency(request.unit);
  if (currency == nullptr) {
    return refused(cashu::kUnitUnsupported,
                   "this mint has no unit " + (cashu::is_unit(request.unit) ? request.unit : "of that name") +
                       ": /v1/keysets lists those it has");
  }
  if (currency->retired) {
    return refused(cashu::kMintingDisabled, request.unit + " is retired: no more of it is issued");
  }
  if (!currency->issued_by_lightning()) {
    return refused(cashu::kMintingDisabled, request.unit + " is not sold for Lightning payments");
  }
  if (request.method == Method::bolt12) {
    if (node_->offers() == nullptr)
      return invalid("this mint's Lightning node makes no offers: ask for a bolt11 quote");
    if (!request.pubkey)
      return refused(cashu::kQuotePubkeyRequired, "pubkey: an offer's quote is locked to a key (NUT-25)");
  }
  if (request.amount && (*request.amount < currency->min_amount || *request.amount > currency->max_amount)) {
    return refused(cashu::kAmountOutsideLimit, "the amount must be from " +
                                                   std::to_string(currency->min_amount) + " to " +
                                                   std::to_string(currency->max_amount) + " " + request.unit);
  }
  if (currency->cap) TRY_STATUS(check_cap(*currency, request.amount.value_or(0)));
  if (request.description.size() > kMaxDescription) {
    return invalid("description: at most " + std::to_string(kMaxDescription) +
                   " bytes fit into an invoice or offer");
  }
  return {};
}

/// For the payer's sake: whether what is paid for now can be issued soon. The ledger decides when it is.
Status MintQuotes::check_cap(const CurrencyConfiguration& currency, cashu::Amount amount) const {
  for (const UnitTotals& unit : ledger_->totals().units) {
    if (unit.unit != currency.unit || unit.owed() + amount <= Wide{*currency.cap}) continue;
    return refused(cashu::kAmountOutsideLimit, "no more than " + std::to_string(*currency.cap) + " " +
                                                   currency.unit + " may be in circulation, " +
                                                   to_text(unit.owed()) +
                                                   " are or are paid for: wait until some are melted, or ask "
                                                   "for less");
  }
  return {};
}

Result<MintQuote> MintQuotes::create_at_node(const MintQuoteRequest& request) {
  const CurrencyConfiguration* currency = keysets_->now()->currency(request.unit);
  if (currency == nullptr) return refused(cashu::kUnitUnsupported, "this mint no longer has this unit");
  MintQuote quote;
  quote.method = request.method;
  quote.unit = request.unit;
  quote.pubkey = request.pubkey;
  quote.amount = request.amount.value_or(0);
  const std::optional<Msat> price = invoice_msat(quote.amount, currency->price_msat);
  if (!price) return refused(cashu::kAmountOutsideLimit, "the amount is worth more than an invoice can say");
  quote.invoice_msat = *price;
  if (request.method == Method::bolt11) {
    TRY(lightning::NewInvoice invoice,
        node_->create_invoice(*price, request.description, options_.invoice_expiry));
    quote.node_key = invoice.payment_hash;
    quote.request = std::move(invoice.bolt11);
    quote.expires_at = invoice.expires_at;
  } else {
    lightning::OfferTerms terms;
    if (request.amount) terms.amount = price;
    terms.description = request.description;
    terms.expiry = options_.offer_expiry;
    TRY(lightning::NewOffer offer, node_->offers()->create_offer(terms));
    quote.node_key = offer.id;
    quote.request = std::move(offer.bolt12);
    quote.expires_at = offer.expires_at.value_or(clock_->now_seconds() + options_.offer_expiry);
  }
  quote.id = make_quote_id(clock_->now(), *random_);
  quote.created_at = quote.updated_at = clock_->now_seconds();
  return quote;
}

Result<MintQuote> MintQuotes::create(const MintQuoteRequest& request,
                                     const std::optional<TokenSpend>& token) {
  {
    const std::lock_guard lock(early_mutex_);
    ++being_made_;
  }
  auto quote = create_at_node(request);
  Result<Written> written = std::unexpected(quote ? Error{} : quote.error());
  if (quote) written = ledger_->write_now(NewMintQuote{*quote, token});
  std::vector<Incoming> early;
  {
    const std::lock_guard lock(early_mutex_);
    if (written) {
      const auto [from, to] = early_.equal_range(quote->node_key);
      for (auto each = from; each != to; ++each) early.push_back(each->second);
      early_.erase(from, to);
    }
    if (--being_made_ == 0) early_.clear();
  }
  if (!written) return std::unexpected(written.error());
  // The quote is there, and its token spent, whatever becomes of these: the client must hear of it.
  for (const Incoming& payment : early) note(payment, credit(quote->id, payment));
  return quote;
}

void MintQuotes::heard(const Hash32& node_key, const Incoming& payment) {
  {
    const std::lock_guard lock(early_mutex_);
    if (being_made_ > 0 && early_.size() < kMaxEarly) early_.emplace(node_key, payment);
  }
  const auto quote = ledger_->mint_quote_of(node_key);
  const Status credited =
      quote ? (*quote ? credit((*quote)->id, payment) : Status{}) : Status(std::unexpected(quote.error()));
  note(payment, credited);
}

void MintQuotes::note(const Incoming& payment, const Status& credited) {
  if (credited) return;
  telemetry::log_error(
      "a payment received could not be booked; it will be when its quote is asked for, or at the next start",
      {{"payment_hash", to_hex(payment.payment_hash)}, {"error", credited.error().message}});
}

Status MintQuotes::credit(const std::string& quote, const Incoming& payment) {
  TRY_STATUS(ledger_->write_now(
      PaymentReceived{quote, payment.payment_hash, payment.received, clock_->now_seconds()}));
  return {};
}

void MintQuotes::catch_up() {
  const auto payable = ledger_->payable_mint_quotes(clock_->now_seconds() - kGrace);
  if (!payable) return;
  for (const MintQuote& quote : *payable) {
    // Those of another mint's node are not this one's to look after.
    if (auto asked = ask(quote); !asked && asked.error().kind != ErrorKind::invalid) {
      telemetry::log_warn("a quote could not be asked for", {{"error", asked.error().message}});
    }
  }
}

bool MintQuotes::ask_due(const MintQuote& quote) {
  if (!quote.awaits_payment()) return false;
  const Monotonic now = clock_->monotonic();
  const std::lock_guard lock(asked_mutex_);
  if (asked_.size() >= kMaxAsked) asked_.clear();
  const auto [it, fresh] = asked_.emplace(quote.id, now);
  if (!fresh && now - it->second < kAskEvery) return false;
  it->second = now;
  return true;
}

/// Those that the ledger may not have.
Result<std::vector<MintQuotes::Incoming>> MintQuotes::payments_of(const MintQuote& quote) {
  std::vector<Incoming> out;
  if (quote.method == Method::bolt11) {
    TRY(const lightning::InvoiceStatus status, node_->lookup_invoice(quote.node_key));
    if (status.state == lightning::InvoiceState::paid) out.push_back({quote.node_key, status.received});
    return out;
  }
  lightning::Offers* offers = node_->offers();
  if (offers == nullptr) return out;  // the node that made this offer is gone
  TRY(const lightning::OfferStatus status, offers->lookup_offer(quote.node_key));
  if (status.received == quote.received_msat) return out;
  TRY(const std::vector<lightning::OfferPayment> payments, offers->offer_payments(quote.node_key));
  for (const lightning::OfferPayment& each : payments) out.push_back({each.payment_hash, each.amount});
  return out;
}

Result<MintQuote> MintQuotes::ask(const MintQuote& quote) {
  TRY(const std::vector<Incoming> payments, payments_of(quote));
  if (payments.empty()) return quote;
  for (const Incoming& payment : payments) TRY_STATUS(credit(quote.id, payment));
  TRY(const std::optional<MintQuote> now, ledger_->mint_quote(quote.id));
  if (!now) return broken("a quote vanished from the ledger");
  return *now;
}

}  // namespace manastr::mint
