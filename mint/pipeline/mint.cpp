#include <algorithm>

#include "common/cashu/quote_signature.h"
#include "common/json/reader.h"
#include "mint/pipeline/fingerprint.h"
#include "mint/pipeline/funds.h"
#include "mint/pipeline/known.h"
#include "mint/pipeline/operations.h"
#include "mint/pipeline/quote_batch.h"
#include "mint/pipeline/render.h"
#include "mint/pipeline/with_ring.h"

namespace manastr::mint {
namespace {

/// NUT-04, or NUT-29 of several quotes.
struct MintRequest {
  Method method = Method::bolt11;
  bool batch = false;
  std::vector<std::string> quotes;
  std::vector<std::uint64_t> amounts;                  ///< of a batch: as many as quotes, or none
  std::vector<std::optional<std::string>> signatures;  ///< as many as quotes, or none
  Outputs outputs;
};

Result<MintRequest> read_single(Parts& parts, const KeysetRing& ring, const json::Value& value,
                                UnixSeconds now) {
  MintRequest out;
  TRY(std::string quote, json::get_string(value, "quote"));
  out.quotes.push_back(std::move(quote));
  TRY(auto signature, json::get_optional_string(value, "signature"));
  out.signatures.push_back(std::move(signature));
  TRY(out.outputs, read_outputs(value, ring, parts.limits.max_outputs, now));
  return out;
}

Result<MintRequest> read_batch(Parts& parts, const KeysetRing& ring, Method method, const json::Value& value,
                               UnixSeconds now) {
  MintRequest out;
  out.batch = true;
  TRY(out.quotes, read_quote_ids(value, parts.limits.max_batch_quotes));
  const auto list_of = [&](std::string_view name) -> Result<const json::Array*> {
    const json::Value* member = value.find(name);
    if (member == nullptr || member->is_null()) return nullptr;
    return json::get_array(value, name);
  };
  TRY(const json::Array* amounts, list_of("quote_amounts"));
  if (amounts == nullptr && method == Method::bolt12)
    return invalid("quote_amounts: needed of quotes that are paid more than once (NUT-29)");
  if (amounts != nullptr) {
    for (const json::Value& each : *amounts) {
      const auto amount = each.if_uint64();
      if (!amount) return invalid("quote_amounts: expected amounts");
      out.amounts.push_back(*amount);
    }
    if (out.amounts.size() != out.quotes.size())
      return invalid("quote_amounts: expected one for each of the quotes, in their order");
  }
  TRY(const json::Array* signatures, list_of("signatures"));
  if (signatures != nullptr) {
    for (const json::Value& each : *signatures) {
      if (!each.is_null() && !each.is_string())
        return invalid("signatures: expected a signature, or null for a quote that is not locked");
      out.signatures.push_back(each.is_null() ? std::nullopt : std::optional(*each.if_string()));
    }
    if (out.signatures.size() != out.quotes.size()) {
      return refused(cashu::kQuoteSignatureInvalid,
                     "signatures: expected one for each of the quotes, null where it is not locked (NUT-29)");
    }
  }
  TRY(out.outputs, read_outputs(value, ring, parts.limits.max_outputs, now));
  return out;
}

Result<MintRequest> read(Parts& parts, const KeysetRing& ring, Method method, const std::string& body,
                         bool batch, UnixSeconds now) {
  TRY(const json::Value value, json::parse(body));
  TRY(MintRequest out,
      batch ? read_batch(parts, ring, method, value, now) : read_single(parts, ring, value, now));
  out.method = method;
  return out;
}

Hash32 fingerprint_of(const MintRequest& request) {
  if (!request.batch) return fingerprint(kMintEndpoint, {}, request.outputs.messages, request.quotes.front());
  std::string quotes;
  for (const std::string& id : request.quotes) quotes += std::to_string(id.size()) + ":" + id;
  return fingerprint(kBatchEndpoint, {}, request.outputs.messages, quotes);
}

Hash32 witnesses_of(const MintRequest& request) {
  std::string all;
  for (const auto& each : request.signatures) all += each.value_or("-") + ",";
  return witness_fingerprint({}, all);
}

Status check_signature(const MintQuote& quote, const std::optional<std::string>& signature,
                       const MintRequest& request) {
  if (!quote.pubkey) {
    if (!request.batch || !signature) return {};
    return refused(cashu::kQuoteSignatureInvalid,
                   "signatures: null for a quote that is not locked to a key (NUT-29)");
  }
  if (!signature || signature->empty()) {
    return refused(cashu::kQuoteSignatureInvalid,
                   "a quote is locked to a key: send its signature over quote and outputs (NUT-20)");
  }
  if (!cashu::verify_quote_signature(*quote.pubkey, *signature, quote.id, request.outputs.messages)) {
    return refused(cashu::kQuoteSignatureInvalid,
                   "signature: not by the key of the quote over its id and these outputs (NUT-20)");
  }
  return {};
}

Status check_quote(const MintQuote& quote, const MintQuote& first, const Outputs& outputs) {
  if (quote.unit != first.unit) {
    return refused(cashu::kMultipleUnits, "the quotes are for " + first.unit + " and for " + quote.unit);
  }
  if (outputs.unit != quote.unit) {
    return refused(cashu::kUnitMismatch,
                   "the quote is for " + quote.unit + ", the outputs are " + outputs.unit);
  }
  if (quote.state() == MintQuote::State::unpaid) {
    return refused(cashu::kQuoteNotPaid, "the quote is not paid yet: pay its request first");
  }
  if (quote.state() == MintQuote::State::issued)
    return refused(cashu::kAlreadyIssued, "the quote has been issued already");
  return {};
}

/// What is issued of each quote of a batch of offers' quotes: one after the other up to what was asked of it,
/// until the outputs are covered.
Result<std::vector<MintWrite::Part>> shares_of_offers(const MintRequest& request,
                                                      const std::vector<MintQuote>& quotes) {
  std::vector<MintWrite::Part> out;
  cashu::Amount wanted = request.outputs.sum;
  for (std::size_t i = 0; i < quotes.size(); ++i) {
    const cashu::Amount left = quotes[i].amount_paid - quotes[i].amount_issued;
    if (request.amounts[i] > left) {
      return refused(cashu::kNotBalanced, "quote_amounts: quote " + std::to_string(i) + " has " +
                                              std::to_string(left) + " to mint");
    }
    const cashu::Amount share = std::min(wanted, request.amounts[i]);
    if (share > 0) out.push_back({quotes[i].id, share});
    wanted -= share;
  }
  if (wanted == 0) return out;
  return refused(cashu::kNotBalanced,
                 "the outputs are " + std::to_string(wanted) + " more than the quote_amounts");
}

/// What is issued of each quote. A single one may be minted in parts, a batch takes all that is left.
Result<std::vector<MintWrite::Part>> shares(const MintRequest& request,
                                            const std::vector<MintQuote>& quotes) {
  if (request.batch && request.method == Method::bolt12) return shares_of_offers(request, quotes);
  std::vector<MintWrite::Part> out;
  Wide sum = 0;
  for (std::size_t i = 0; i < quotes.size(); ++i) {
    const cashu::Amount left = quotes[i].amount_paid - quotes[i].amount_issued;
    if (!request.amounts.empty() && request.amounts[i] != left) {
      return refused(cashu::kNotBalanced, "quote_amounts: quote " + std::to_string(i) + " has " +
                                              std::to_string(left) + " to mint");
    }
    out.push_back({quotes[i].id, left});
    sum += left;
  }
  const Wide wanted = request.outputs.sum;
  if (request.batch ? wanted != sum : wanted > sum) {
    return refused(cashu::kNotBalanced, "the outputs are " + to_text(wanted) + ", there is " + to_text(sum) +
                                            " left to mint" +
                                            (request.batch ? ", and a batch takes all of it" : ""));
  }
  if (!request.batch) out.front().amount = request.outputs.sum;
  return out;
}

/// The write to commit, or nothing if the reply is at hand. `quotes` as they stand in the ledger.
Result<std::optional<MintWrite>> work(Parts& parts, const KeysetRing& ring, const Hash32& operation,
                                      const MintRequest& request, const std::vector<MintQuote>& quotes,
                                      UnixSeconds now, std::string& body) {
  // Perhaps by this very request, at another mint.
  const bool issued =
      std::ranges::any_of(quotes, [](const MintQuote& quote) { return quote.amount_issued > 0; });
  auto known = look_up(*parts.ledger, operation, {}, request.outputs, issued);
  if (known && known->done) {
    TRY(body, signatures_body(*known->done, *parts.keysets));
    return std::nullopt;
  }
  for (const MintQuote& quote : quotes) {
    TRY_STATUS(check_held(parts, quote.created_at));
    TRY_STATUS(check_quote(quote, quotes.front(), request.outputs));
  }
  MintWrite write;
  write.operation = operation;
  write.at = now;
  TRY(write.parts, shares(request, quotes));
  for (std::size_t i = 0; i < quotes.size(); ++i) {
    TRY_STATUS(check_signature(quotes[i], request.signatures.empty() ? std::nullopt : request.signatures[i],
                               request));
  }
  if (request.outputs.unusable) return std::unexpected(*request.outputs.unusable);
  if (!known) return std::unexpected(known.error());
  write.issues = sign_outputs(request.outputs);
  body = signatures_body(write.issues, ring);
  return write;
}

void go_on(Parts& parts, const KeysetRing& ring, const std::shared_ptr<Flight>& flight,
           const MintRequest& request, const Admitted& admitted,
           const Result<std::vector<MintQuote>>& quotes) {
  if (!quotes) return flight->fail(quotes.error());
  Reply reply;
  auto write =
      work(parts, ring, flight->operation(), request, *quotes, parts.clock->now_seconds(), reply.body);
  if (!write) return flight->fail(write.error());
  if (!*write) return flight->finish(std::move(reply));
  (*write)->token = token_of(admitted);
  const bool queued = parts.ledger->write(
      **std::move(write), [flight, admitted, reply = std::move(reply)](Result<Written> done) mutable {
        if (!done) return flight->fail(done.error());
        note_spent(admitted, *done);
        flight->finish(std::move(reply));
      });
  if (!queued) flight->finish(overloaded());
}

void mint(Parts& parts, Method method, std::string body, bool batch, const Admitted& admitted,
          Answer answer) {
  const KeysetRing* ring = nullptr;
  auto read_request = with_ring(parts, ring, [&](const KeysetRing& in_force) {
    return read(parts, in_force, method, body, batch, parts.clock->now_seconds());
  });
  if (!read_request) return answer(error_reply(read_request.error()));
  auto request = std::make_shared<const MintRequest>(*std::move(read_request));

  Reservations::Request reservation;
  reservation.operation = fingerprint_of(*request);
  if (const Status bound = bind_token(admitted, reservation.operation); !bound)
    return answer(error_reply(bound.error()));
  reservation.witnesses = witnesses_of(*request);
  for (const std::string& id : request->quotes) reservation.keys.push_back(Reservations::of_quote(id));
  for (const auto& output : request->outputs.messages)
    reservation.keys.push_back(Reservations::of_output(output));
  reservation.answer = std::move(answer);
  reservation.again = [&parts, method, body = std::move(body), batch, admitted](Answer next) mutable {
    parts.crypto->post_next(
        [&parts, method, body = std::move(body), batch, admitted, next = std::move(next)]() mutable {
          mint(parts, method, std::move(body), batch, admitted, std::move(next));
        });
  };
  const std::shared_ptr<Flight> flight = parts.reservations->enter(std::move(reservation));
  if (!flight) return;
  with_mint_quotes(parts, method, request->quotes,
                   [&parts, ring, flight, request, admitted](const Result<std::vector<MintQuote>>& quotes) {
                     go_on(parts, *ring, flight, *request, admitted, quotes);
                   });
}

}  // namespace

void mint(Parts& parts, Method method, std::string body, const Admitted& admitted, Answer answer) {
  mint(parts, method, std::move(body), false, admitted, std::move(answer));
}

void mint_batch(Parts& parts, Method method, std::string body, const Admitted& admitted, Answer answer) {
  mint(parts, method, std::move(body), true, admitted, std::move(answer));
}

}  // namespace manastr::mint
