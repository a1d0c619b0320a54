#include "common/json/reader.h"
#include "mint/pipeline/fingerprint.h"
#include "mint/pipeline/funds.h"
#include "mint/pipeline/known.h"
#include "mint/pipeline/operations.h"
#include "mint/pipeline/render.h"
#include "mint/pipeline/with_ring.h"
#include "mint/quotes/melt_quotes.h"

namespace manastr::mint {
namespace {

Result<MeltQuoteRequest> read_quote_request(const Parts& parts, Method method, const std::string& body) {
  TRY(const json::Value value, json::parse(body));
  MeltQuoteRequest out;
  out.method = method;
  TRY(out.request, json::get_string(value, "request"));
  TRY(out.unit, json::get_string(value, "unit"));
  const json::Value* options = value.find("options");
  if (options == nullptr || options->is_null()) return out;
  const json::Value* part = options->find("mpp");
  if (part != nullptr && !part->is_null()) {
    if (!parts.pays_parts)
      return invalid("options.mpp: this mint pays an invoice whole, not in parts (NUT-15)");
    TRY(out.part_msat, json::get_uint64(*part, "amount", "options.mpp"));
  }
  const json::Value* amountless = options->find("amountless");
  if (amountless != nullptr && !amountless->is_null()) {
    TRY(out.amount_msat, json::get_uint64(*amountless, "amount_msat", "options.amountless"));
  }
  return out;
}

struct MeltRequest {
  std::string quote;
  Inputs inputs;
  Outputs blanks;
  bool prefer_async = false;
};

Result<MeltRequest> read(Parts& parts, const KeysetRing& ring, const std::string& body, UnixSeconds now) {
  TRY(const json::Value value, json::parse(body));
  MeltRequest out;
  TRY(out.quote, json::get_string(value, "quote"));
  TRY(const auto prefer_async, json::get_optional_bool(value, "prefer_async"));
  out.prefer_async = prefer_async.value_or(false);
  TRY(out.inputs, read_inputs(value, ring, parts.limits.max_inputs, now));
  const json::Value* blanks = value.find("outputs");
  if (blanks != nullptr && !blanks->is_null()) {
    TRY(const json::Array* array, json::get_array(value, "outputs"));
    TRY(auto messages, cashu::blinded_messages_from_json(*array, parts.limits.max_outputs, "outputs"));
    TRY(out.blanks, check_outputs(std::move(messages), ring, now, true));
  }
  TRY_STATUS(check_stakes(out.inputs, now));
  return out;
}

Status check_against_quote(Parts& parts, const MeltRequest& request, const MeltQuote& quote,
                           UnixSeconds now) {
  if (request.inputs.unit != quote.unit) {
    return refused(cashu::kUnitMismatch,
                   "the quote is in " + quote.unit + ", the inputs are " + request.inputs.unit);
  }
  if (!request.blanks.messages.empty() && request.blanks.unit != quote.unit) {
    return refused(cashu::kUnitMismatch,
                   "the quote is in " + quote.unit + ", the outputs are " + request.blanks.unit);
  }
  const Wide needed = Wide{quote.amount} + quote.fee_reserve + request.inputs.fee;
  if (needed > Wide{request.inputs.sum}) {
    return refused(cashu::kNotBalanced, "inputs of " + to_text(needed) +
                                            " are needed (amount, fee reserve and input fee), these are " +
                                            std::to_string(request.inputs.sum));
  }
  if (quote.state == MeltQuote::State::pending) {
    return refused(cashu::kQuotePending, "this quote is being paid: ask for its state");
  }
  if (quote.state == MeltQuote::State::paid)
    return refused(cashu::kInvoiceAlreadyPaid, "this quote has been paid");
  TRY_STATUS(check_held(parts, quote.created_at));
  const CurrencyConfiguration* currency = parts.keysets->now()->currency(quote.unit);
  if (quote.expires_at <= now || currency == nullptr) {
    return refused(cashu::kQuoteExpired, "the quote is no longer valid: ask for a new one");
  }
  return {};
}

Result<BeginMelt> prepare(Parts& parts, const Hash32& operation, MeltRequest& request, const MeltQuote& quote,
                          UnixSeconds now) {
  TRY_STATUS(check_against_quote(parts, request, quote, now));
  if (request.blanks.unusable) return std::unexpected(*request.blanks.unusable);
  compute_ys(request.inputs);
  TRY([[maybe_unused]] const Known known,
      look_up(*parts.ledger, operation, request.inputs.ys, request.blanks));
  TRY_STATUS(check_locks(request.inputs, request.blanks.messages, quote.id, now));
  TRY_STATUS(verify_proofs(request.inputs));
  BeginMelt write;
  write.operation = operation;
  write.quote = quote.id;
  write.spends = to_spends(request.inputs);
  write.input_fee = request.inputs.fee;
  for (std::size_t i = 0; i < request.blanks.messages.size(); ++i) {
    write.blanks.push_back(
        {request.blanks.messages[i].b_blinded.bytes(), request.blanks.keysets[i]->number()});
  }
  return write;
}

/// No two alike among the tries of one quote.
std::uint64_t new_attempt(Random& random) {
  std::uint64_t out = 0;
  for (const Byte byte : random.bytes<8>()) out = out << 8 | byte;
  return out >> 1;
}

Reply show(const Result<MeltQuote>& quote, const Keysets& keysets) {
  if (!quote) return error_reply(quote.error());
  auto body = to_body(*quote, keysets);
  return body ? Reply{200, *std::move(body), Millis{0}} : error_reply(body.error());
}

/// The melt is journaled: pays it, and answers at once (`prefer_async`) or when it is over.
void pay(Parts& parts, const std::shared_ptr<Flight>& flight, MeltQuote quote, bool prefer_async) {
  if (prefer_async) {
    Reply pending = show(quote, *parts.keysets);
    // First: who is told that it is pending finds it counted.
    parts.melt_payments->pay(std::move(quote), nullptr);
    return flight->finish(std::move(pending));
  }
  parts.melt_payments->pay(std::move(quote), [&parts, flight](Result<MeltQuote> ended) {
    flight->finish(show(ended, *parts.keysets));
  });
}

}  // namespace

// By value, as each operation takes it.
void request_melt_quote(Parts& parts, Method method,
                        std::string body,  // NOLINT(performance-unnecessary-value-param)
                        const Admitted& admitted, Answer answer) {
  auto request = read_quote_request(parts, method, body);
  if (!request) return answer(error_reply(request.error()));
  auto quote = make_melt_quote(*request, *parts.keysets->now(), parts.melt_quote_rules, parts.clock->now(),
                               *parts.random);
  if (!quote) return answer(error_reply(quote.error()));
  Reply reply = show(*quote, *parts.keysets);
  const auto shared = std::make_shared<Answer>(std::move(answer));
  const bool queued =
      parts.ledger->write(NewMeltQuote{*std::move(quote), token_of(admitted)},
                          [admitted, shared, reply = std::move(reply)](Result<Written> done) mutable {
                            if (done) note_spent(admitted, *done);
                            (*shared)(done ? std::move(reply) : error_reply(done.error()));
                          });
  if (!queued) (*shared)(overloaded());
}

void show_melt_quote(Parts& parts, Method method, const std::string& id, Answer answer) {
  auto quote = parts.ledger->melt_quote(id);
  if (!quote) return answer(error_reply(quote.error()));
  if (!*quote || (*quote)->method != method) return answer(error_reply(unknown_quote()));
  if ((*quote)->state == MeltQuote::State::pending) parts.melt_payments->ask_soon(id);
  answer(show(**quote, *parts.keysets));
}

void melt(Parts& parts, Method method, std::string body, bool prefer_async, const Admitted& admitted,
          Answer answer) {
  const UnixSeconds now = parts.clock->now_seconds();
  const KeysetRing* ring = nullptr;
  auto request =
      with_ring(parts, ring, [&](const KeysetRing& in_force) { return read(parts, in_force, body, now); });
  if (!request) return answer(error_reply(request.error()));
  prefer_async = prefer_async || request->prefer_async;

  Reservations::Request reservation;
  reservation.operation =
      fingerprint(kMeltEndpoint, request->inputs.proofs, request->blanks.messages, request->quote);
  if (const Status bound = bind_token(admitted, reservation.operation); !bound)
    return answer(error_reply(bound.error()));
  reservation.witnesses = witness_fingerprint(request->inputs.proofs);
  reservation.keys.push_back(Reservations::of_quote(request->quote));
  for (const auto& proof : request->inputs.proofs) reservation.keys.push_back(Reservations::of_proof(proof));
  for (const auto& output : request->blanks.messages)
    reservation.keys.push_back(Reservations::of_output(output));
  reservation.answer = std::move(answer);
  if (request->inputs.any_condition) {
    reservation.again = [&parts, method, body = std::move(body), prefer_async,
                         admitted](Answer next) mutable {
      parts.crypto->post_next(
          [&parts, method, body = std::move(body), prefer_async, admitted, next = std::move(next)]() mutable {
            melt(parts, method, std::move(body), prefer_async, admitted, std::move(next));
          });
    };
  }
  const std::shared_ptr<Flight> flight = parts.reservations->enter(std::move(reservation));
  if (!flight) return;

  auto found = parts.ledger->melt_quote(request->quote);
  if (!found) return flight->fail(found.error());
  if (!*found || (*found)->method != method) return flight->fail(unknown_quote());
  MeltQuote quote = **std::move(found);
  if (quote.state != MeltQuote::State::unpaid && quote.operation == flight->operation()) {
    return flight->finish(show(quote, *parts.keysets));  // a retry: how far it is now
  }
  if (!parts.melt_payments->has_room()) return flight->finish(overloaded());
  auto write = prepare(parts, flight->operation(), *request, quote, now);
  if (!write) return flight->fail(write.error());
  // Free again if the payment fails; spent for good before a success is told.
  write->token = token_of(admitted);
  quote.state = MeltQuote::State::pending;
  quote.operation = flight->operation();
  quote.inputs = request->inputs.sum;
  quote.input_fee = request->inputs.fee;
  quote.attempt = write->attempt = new_attempt(*parts.random);
  const bool queued = parts.ledger->write(*std::move(write), [&parts, flight, quote = std::move(quote),
                                                              prefer_async](Result<Written> done) mutable {
    if (!done) {
      // It may be journaled all the same, if the ledger could not tell.
      const ErrorKind kind = done.error().kind;
      if (kind == ErrorKind::unavailable || kind == ErrorKind::broken)
        parts.melt_payments->find_out(std::move(quote));
      return flight->fail(done.error());
    }
    pay(parts, flight, std::move(quote), prefer_async);
  });
  if (!queued) flight->finish(overloaded());
}

}  // namespace manastr::mint
