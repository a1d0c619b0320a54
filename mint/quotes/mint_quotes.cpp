#include "mint/quotes/mint_quotes.h"

#include "common/telemetry/log.h"
#include "mint/quotes/pricing.h"
#include "mint/quotes/quote_id.h"

namespace manastr::mint {
namespace {

constexpr std::size_t kMaxAsked = 100'000;
constexpr Seconds kAskEvery{1};
constexpr std::size_t kMaxDescription = 639;  // BOLT-11's length field
constexpr Seconds kGrace{3600};

}  // namespace

MintQuotes::MintQuotes(const Keysets& keysets, Ledger& ledger, lightning::Node& node, Seconds expiry,
                       const Clock& clock, Random& random)
    : keysets_(&keysets), ledger_(&ledger), node_(&node), expiry_(expiry), clock_(&clock), random_(&random) {
  node.on_invoice_paid([this](const Hash32& payment_hash, Msat received) {
    if (const Status credited = credit(payment_hash, received); !credited) {
      telemetry::log_error("a payment received could not be booked; it will be at the next start",
                           {{"payment_hash", to_hex(payment_hash)}, {"error", credited.error().message}});
    }
  });
}

MintQuotes::~MintQuotes() { node_->on_invoice_paid(nullptr); }

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
  if (request.amount < currency->min_amount || request.amount > currency->max_amount) {
    return refused(cashu::kAmountOutsideLimit, "the amount must be from " +
                                                   std::to_string(currency->min_amount) + " to " +
                                                   std::to_string(currency->max_amount) + " " + request.unit);
  }
  if (currency->cap) TRY_STATUS(check_cap(*currency, request.amount));
  if (request.description.size() > kMaxDescription) {
    return invalid("description: at most " + std::to_string(kMaxDescription) + " bytes fit into an invoice");
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

Result<MintQuote> MintQuotes::create(const MintQuoteRequest& request) {
  const CurrencyConfiguration* currency = keysets_->now()->currency(request.unit);
  if (currency == nullptr) return refused(cashu::kUnitUnsupported, "this mint no longer has this unit");
  const std::optional<Msat> price = invoice_msat(request.amount, currency->price_msat);
  if (!price) return refused(cashu::kAmountOutsideLimit, "the amount is worth more than an invoice can say");
  TRY(const lightning::NewInvoice invoice, node_->create_invoice(*price, request.description, expiry_));
  MintQuote quote;
  quote.id = make_quote_id(clock_->now(), *random_);
  quote.payment_hash = invoice.payment_hash;
  quote.request = invoice.bolt11;
  quote.unit = request.unit;
  quote.amount = request.amount;
  quote.invoice_msat = *price;
  quote.pubkey = request.pubkey;
  quote.created_at = quote.updated_at = clock_->now_seconds();
  quote.expires_at = invoice.expires_at;
  TRY_STATUS(ledger_->write_now(NewMintQuote{quote}));
  return quote;
}

Status MintQuotes::credit(const Hash32& payment_hash, Msat received) {
  TRY_STATUS(ledger_->write_now(InvoicePaid{payment_hash, received, clock_->now_seconds()}));
  return {};
}

void MintQuotes::catch_up() {
  const auto unpaid = ledger_->unpaid_mint_quotes(clock_->now_seconds() - kGrace);
  if (!unpaid) return;
  for (const MintQuote& quote : *unpaid) {
    if (auto asked = ask(quote); !asked) {
      telemetry::log_warn("an unpaid quote could not be asked for", {{"error", asked.error().message}});
    }
  }
}

bool MintQuotes::ask_due(const MintQuote& quote) {
  const Monotonic now = clock_->monotonic();
  const std::lock_guard lock(asked_mutex_);
  if (asked_.size() >= kMaxAsked) asked_.clear();
  const auto [it, fresh] = asked_.emplace(quote.id, now);
  if (!fresh && now - it->second < kAskEvery) return false;
  it->second = now;
  return true;
}

Result<MintQuote> MintQuotes::ask(const MintQuote& quote) {
  TRY(const lightning::InvoiceStatus status, node_->lookup_invoice(quote.payment_hash));
  if (status.state != lightning::InvoiceState::paid) return quote;
  TRY_STATUS(credit(quote.payment_hash, status.received));
  TRY(const std::optional<MintQuote> now, ledger_->mint_quote(quote.id));
  if (!now) return broken("a quote vanished from the ledger");
  return *now;
}

}  // namespace manastr::mint
