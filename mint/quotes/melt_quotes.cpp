#include "mint/quotes/melt_quotes.h"

#include <algorithm>

#include "lightning/bolt11.h"
#include "mint/quotes/pricing.h"
#include "mint/quotes/quote_id.h"

namespace manastr::mint {
namespace {

Result<Msat> payable_amount(const MeltQuoteRequest& request, const lightning::Bolt11& invoice) {
  if (request.part_msat) {
    if (!invoice.amount || request.amount_msat) {
      return refused(cashu::kAmountlessUnsupported,
                     "options.mpp is a part of the amount that an invoice names (NUT-15)");
    }
    if (*request.part_msat == 0 || *request.part_msat > *invoice.amount) {
      return refused(cashu::kInvoiceAmountMismatch, "options.mpp.amount: expected 1 to " +
                                                        std::to_string(*invoice.amount) +
                                                        " msat, the invoice's amount");
    }
    return *request.part_msat;
  }
  if (invoice.amount) {
    if (request.amount_msat && *request.amount_msat != *invoice.amount) {
      return refused(cashu::kInvoiceAmountMismatch,
                     "options.amountless names another amount than the invoice");
    }
    return *invoice.amount;
  }
  if (!request.amount_msat || *request.amount_msat == 0) {
    return refused(cashu::kAmountlessUnsupported,
                   "the invoice names no amount: say it in options.amountless.amount_msat");
  }
  return *request.amount_msat;
}

}  // namespace

Result<MeltQuote> make_melt_quote(const MeltQuoteRequest& request, const KeysetRing& ring, Seconds expiry,
                                  UnixMillis now, Random& random) {
  const CurrencyConfiguration* currency = ring.currency(request.unit);
  if (currency == nullptr) {
    return refused(cashu::kUnitUnsupported, "this mint has no such unit: /v1/keysets lists those it has");
  }
  if (!currency->meltable)
    return refused(cashu::kUnitUnsupported, request.unit + " can't be melted at this mint");
  TRY(const lightning::Bolt11 invoice, lightning::decode_bolt11(request.request));
  const UnixSeconds second = std::chrono::floor<Seconds>(now);
  if (invoice.expires_at() <= second)
    return refused(cashu::kQuoteExpired, "the invoice has expired: ask the payee for a new one");

  MeltQuote quote;
  TRY(quote.invoice_msat, payable_amount(request, invoice));
  quote.amount = melt_amount(quote.invoice_msat, currency->price_msat);
  if (quote.amount < currency->min_amount || quote.amount > currency->max_amount) {
    return refused(cashu::kAmountOutsideLimit, "the invoice costs " + std::to_string(quote.amount) + " " +
                                                   request.unit + ", the mint melts from " +
                                                   std::to_string(currency->min_amount) + " to " +
                                                   std::to_string(currency->max_amount));
  }
  quote.id = make_quote_id(now, random);
  quote.payment_hash = invoice.payment_hash;
  quote.request = request.request;
  quote.unit = request.unit;
  quote.fee_reserve = fee_reserve(quote.amount, currency->fee_reserve_ppm);
  quote.names_amount = invoice.amount == quote.invoice_msat;
  quote.price_msat = currency->price_msat;
  quote.created_at = second;
  quote.expires_at = std::min(second + expiry, invoice.expires_at());
  return quote;
}

}  // namespace manastr::mint
