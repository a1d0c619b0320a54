#include "mint/quotes/melt_quotes.h"

#include <algorithm>

#include "common/crypto/hash.h"
#include "lightning/bolt12.h"
#include "mint/quotes/pricing.h"
#include "mint/quotes/quote_id.h"

namespace manastr::mint {
namespace {

/// What the request to be paid says, in whichever form.
struct Payable {
  Hash32 payment_hash{};  ///< of an invoice
  std::optional<Msat> amount;
  std::optional<UnixSeconds> expires_at;
};

Result<Payable> read_invoice(const std::string& text) {
  TRY(const lightning::Bolt11 invoice, lightning::decode_bolt11(text));
  return Payable{invoice.payment_hash, invoice.amount, invoice.expires_at()};
}

Result<Payable> read_offer(const std::string& text, lightning::Network network) {
  TRY(const lightning::Offer offer, lightning::decode_offer(text));
  if (!offer.is_for(network)) return invalid("the offer is for another network than this mint's");
  if (offer.currency) {
    return refused(cashu::kUnitUnsupported,
                   "the offer is in " + *offer.currency + ": this mint pays offers in bitcoin");
  }
  Payable out{{}, offer.amount, std::nullopt};
  // Beyond what a clock can say there is no expiry.
  constexpr std::uint64_t kLastYear = 253'402'300'799;
  if (offer.expires_at && *offer.expires_at <= kLastYear)
    out.expires_at = unix_seconds(static_cast<std::int64_t>(*offer.expires_at));
  return out;
}

Result<Msat> payable_amount(const MeltQuoteRequest& request, const std::optional<Msat>& named) {
  if (request.part_msat) {
    if (!named || request.amount_msat) {
      return refused(cashu::kAmountlessUnsupported,
                     "options.mpp is a part of the amount that an invoice names (NUT-15)");
    }
    if (*request.part_msat == 0 || *request.part_msat > *named) {
      return refused(
          cashu::kInvoiceAmountMismatch,
          "options.mpp.amount: expected 1 to " + std::to_string(*named) + " msat, the invoice's amount");
    }
    return *request.part_msat;
  }
  if (named) {
    if (request.amount_msat && *request.amount_msat != *named) {
      return refused(cashu::kInvoiceAmountMismatch,
                     "options.amountless names another amount than the invoice or offer");
    }
    return *named;
  }
  if (!request.amount_msat || *request.amount_msat == 0) {
    return refused(cashu::kAmountlessUnsupported,
                   "no amount is named: say it in options.amountless.amount_msat");
  }
  return *request.amount_msat;
}

/// Each quote pays an offer once.
Hash32 payment_key(const std::string& quote) {
  return crypto::tagged_hash("manastr/mint/offer-payment", as_bytes(quote));
}

}  // namespace

Result<MeltQuote> make_melt_quote(const MeltQuoteRequest& request, const KeysetRing& ring,
                                  const MeltQuoteRules& rules, UnixMillis now, Random& random) {
  const CurrencyConfiguration* currency = ring.currency(request.unit);
  if (currency == nullptr) {
    return refused(cashu::kUnitUnsupported, "this mint has no such unit: /v1/keysets lists those it has");
  }
  if (!currency->meltable)
    return refused(cashu::kUnitUnsupported, request.unit + " can't be melted at this mint");
  const bool bolt12 = request.method == Method::bolt12;
  if (bolt12 && !rules.offers)
    return invalid("this mint's Lightning node pays no offers: ask the payee for a BOLT11 invoice");
  if (bolt12 && request.part_msat) return invalid("options.mpp: an offer is paid whole, not in parts");
  TRY(const Payable payable,
      bolt12 ? read_offer(request.request, rules.network) : read_invoice(request.request));
  const UnixSeconds second = std::chrono::floor<Seconds>(now);
  if (payable.expires_at && *payable.expires_at <= second) {
    return refused(cashu::kQuoteExpired, std::string(bolt12 ? "the offer" : "the invoice") +
                                             " has expired: ask the payee for a new one");
  }

  MeltQuote quote;
  TRY(quote.invoice_msat, payable_amount(request, payable.amount));
  quote.amount = melt_amount(quote.invoice_msat, currency->price_msat);
  if (quote.amount < currency->min_amount || quote.amount > currency->max_amount) {
    return refused(cashu::kAmountOutsideLimit, "the payment costs " + std::to_string(quote.amount) + " " +
                                                   request.unit + ", the mint melts from " +
                                                   std::to_string(currency->min_amount) + " to " +
                                                   std::to_string(currency->max_amount));
  }
  quote.id = make_quote_id(now, random);
  quote.method = request.method;
  quote.node_key = bolt12 ? payment_key(quote.id) : payable.payment_hash;
  quote.request = request.request;
  quote.unit = request.unit;
  quote.fee_reserve = fee_reserve(quote.amount, currency->fee_reserve_ppm);
  quote.names_amount = payable.amount == quote.invoice_msat;
  quote.price_msat = currency->price_msat;
  quote.created_at = second;
  quote.expires_at = std::min(second + rules.expiry, payable.expires_at.value_or(UnixSeconds::max()));
  return quote;
}

}  // namespace manastr::mint
