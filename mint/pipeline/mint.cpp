#include "common/cashu/quote_signature.h"
#include "common/json/reader.h"
#include "mint/pipeline/fingerprint.h"
#include "mint/pipeline/funds.h"
#include "mint/pipeline/known.h"
#include "mint/pipeline/operations.h"
#include "mint/pipeline/render.h"

namespace manastr::mint {
namespace {

Result<MintQuoteRequest> read_quote_request(Parts& parts, const std::string& body) {
  TRY(const json::Value value, json::parse(body));
  MintQuoteRequest out;
  TRY(out.unit, json::get_string(value, "unit"));
  TRY(out.amount, json::get_uint64(value, "amount"));
  TRY(const auto description, json::get_optional_string(value, "description"));
  TRY(const auto pubkey, json::get_optional_string(value, "pubkey"));
  out.description = description.value_or("");
  if (pubkey) {
    out.pubkey = crypto::PublicKey::from_hex(*pubkey);
    if (!out.pubkey) return invalid("pubkey: expected a compressed public key, 66 hex digits");
  }
  TRY_STATUS(parts.mint_quotes->check(out));
  return out;
}

struct MintRequest {
  std::string quote;
  std::string signature;
  Outputs outputs;
};

Result<MintRequest> read(Parts& parts, const std::string& body, UnixSeconds now) {
  TRY(const json::Value value, json::parse(body));
  MintRequest out;
  TRY(out.quote, json::get_string(value, "quote"));
  TRY(const auto signature, json::get_optional_string(value, "signature"));
  out.signature = signature.value_or("");
  TRY(out.outputs, read_outputs(value, *parts.ring, parts.limits.max_outputs, now));
  return out;
}

Status check_signature(const MintQuote& quote, const MintRequest& request) {
  if (!quote.pubkey) return {};
  if (request.signature.empty()) {
    return refused(cashu::kQuoteSignatureInvalid,
                   "this quote is locked to a key: send its signature over quote and outputs (NUT-20)");
  }
  if (!cashu::verify_quote_signature(*quote.pubkey, request.signature, quote.id, request.outputs.messages)) {
    return refused(cashu::kQuoteSignatureInvalid,
                   "signature: not by the key of the quote over its id and these outputs (NUT-20)");
  }
  return {};
}

/// The write to commit, or nothing if the reply is at hand. `quote` as it stands in the ledger.
Result<std::optional<MintWrite>> work(Parts& parts, const Hash32& operation, const MintRequest& request,
                                      const MintQuote& quote, UnixSeconds now, std::string& body) {
  auto known = look_up(*parts.ledger, operation, {}, request.outputs);
  if (known && known->done) {
    body = signatures_body(*known->done, *parts.ring);
    return std::nullopt;
  }
  if (request.outputs.unit != quote.unit) {
    return refused(cashu::kUnitMismatch,
                   "the quote is for " + quote.unit + ", the outputs are " + request.outputs.unit);
  }
  if (quote.state() == MintQuote::State::unpaid) {
    return refused(cashu::kQuoteNotPaid, "the quote is not paid yet: pay its request first");
  }
  if (quote.state() == MintQuote::State::issued)
    return refused(cashu::kAlreadyIssued, "the quote has been issued already");
  if (request.outputs.sum > quote.amount_paid - quote.amount_issued) {
    return refused(cashu::kNotBalanced,
                   "the outputs are " + std::to_string(request.outputs.sum) + ", the quote has " +
                       std::to_string(quote.amount_paid - quote.amount_issued) + " left");
  }
  TRY_STATUS(check_signature(quote, request));
  if (request.outputs.unusable) return std::unexpected(*request.outputs.unusable);
  if (!known) return std::unexpected(known.error());
  MintWrite write{operation, quote.id, sign_outputs(request.outputs), now};
  body = signatures_body(write.issues, *parts.ring);
  return write;
}

void go_on(Parts& parts, const std::shared_ptr<Flight>& flight, const MintRequest& request,
           const MintQuote& quote) {
  Reply reply;
  auto write = work(parts, flight->operation(), request, quote, parts.clock->now_seconds(), reply.body);
  if (!write) return flight->fail(write.error());
  if (!*write) return flight->finish(std::move(reply));
  const bool queued = parts.ledger->write(
      **std::move(write), [flight, reply = std::move(reply)](Result<Written> done) mutable {
        done ? flight->finish(std::move(reply)) : flight->fail(done.error());
      });
  if (!queued) flight->finish(overloaded());
}

}  // namespace

void request_mint_quote(Parts& parts, const std::string& body, Answer answer) {
  auto request = read_quote_request(parts, body);
  if (!request) return answer(error_reply(request.error()));
  const auto shared = std::make_shared<Answer>(std::move(answer));
  const bool posted = parts.lightning->try_post([&parts, request = *std::move(request), shared] {
    auto quote = parts.mint_quotes->create(request);
    (*shared)(quote ? Reply{200, to_body(*quote), Millis{0}} : error_reply(quote.error()));
  });
  if (!posted) (*shared)(overloaded());
}

void show_mint_quote(Parts& parts, const std::string& id, Answer answer) {
  auto quote = parts.ledger->mint_quote(id);
  if (!quote) return answer(error_reply(quote.error()));
  if (!*quote) return answer(error_reply(unknown_quote()));
  if ((*quote)->state() != MintQuote::State::unpaid || !parts.mint_quotes->ask_due(**quote)) {
    return answer({200, to_body(**quote), Millis{0}});
  }
  const auto shared = std::make_shared<Answer>(std::move(answer));
  const bool posted = parts.lightning->try_post([&parts, quote = **quote, shared] {
    auto asked = parts.mint_quotes->ask(quote);
    (*shared)({200, to_body(asked ? *asked : quote), Millis{0}});
  });
  if (!posted) (*shared)({200, to_body(**quote), Millis{0}});
}

void mint(Parts& parts, std::string body, Answer answer) {
  auto read_request = read(parts, body, parts.clock->now_seconds());
  if (!read_request) return answer(error_reply(read_request.error()));
  auto request = std::make_shared<const MintRequest>(*std::move(read_request));

  Reservations::Request reservation;
  reservation.operation = fingerprint(kMintEndpoint, {}, request->outputs.messages, request->quote);
  reservation.witnesses = witness_fingerprint({}, request->signature);
  reservation.keys.push_back(Reservations::of_quote(request->quote));
  for (const auto& output : request->outputs.messages)
    reservation.keys.push_back(Reservations::of_output(output));
  reservation.answer = std::move(answer);
  reservation.again = [&parts, body = std::move(body)](Answer next) mutable {
    parts.crypto->post_next([&parts, body = std::move(body), next = std::move(next)]() mutable {
      mint(parts, std::move(body), std::move(next));
    });
  };
  const std::shared_ptr<Flight> flight = parts.reservations->enter(std::move(reservation));
  if (!flight) return;

  auto quote = parts.ledger->mint_quote(request->quote);
  if (!quote) return flight->fail(quote.error());
  if (!*quote) return flight->fail(unknown_quote());
  if ((*quote)->state() == MintQuote::State::unpaid && parts.mint_quotes->ask_due(**quote)) {
    const bool posted = parts.lightning->try_post([&parts, flight, request, quote = **quote] {
      auto asked = parts.mint_quotes->ask(quote);
      parts.crypto->post_next([&parts, flight, request, quote = asked ? *asked : quote] {
        go_on(parts, flight, *request, quote);
      });
    });
    if (!posted) flight->finish(overloaded());
    return;
  }
  go_on(parts, flight, *request, **quote);
}

}  // namespace manastr::mint
