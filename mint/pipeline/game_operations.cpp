#include "mint/pipeline/game_operations.h"

#include "common/gameapi/requests.h"
#include "common/json/reader.h"
#include "mint/pipeline/fingerprint.h"
#include "mint/pipeline/funds.h"
#include "mint/pipeline/known.h"
#include "mint/pipeline/render.h"
#include "mint/pipeline/with_ring.h"

namespace manastr::mint {
namespace {

/// Names the match in the fingerprint too, for the credit belongs to it.
std::string scope(const Hash32& operation, const match::MatchId& match) {
  return to_hex(operation) + to_hex(match);
}

Result<gameapi::BurnManaRequest> read_burn(Parts& parts, const std::string& body) {
  TRY(const json::Value value, json::parse(body));
  return gameapi::burn_mana_request_from_json(value, parts.limits.max_inputs);
}

Result<gameapi::MintLootRequest> read_mint(Parts& parts, const std::string& body) {
  TRY(const json::Value value, json::parse(body));
  return gameapi::mint_loot_request_from_json(value, parts.limits.max_outputs);
}

/// nullopt: a fresh operation. An error: the id was used for another request.
Result<std::optional<std::uint64_t>> credit_of_retry(Parts& parts, const Hash32& key,
                                                     const Hash32& operation) {
  TRY(const std::optional<StoredOperation> stored, parts.ledger->operation(key));
  if (!stored) return std::nullopt;
  if (stored->operation != operation) {
    return invalid("operation: this id was used for another request, take a fresh one");
  }
  return stored->credit_msat;
}

std::string burn_body(const cashu::Unit& unit, cashu::Amount burned, std::uint64_t credit_msat) {
  return gameapi::to_json(gameapi::BurnManaResponse{unit, burned, credit_msat}).dump();
}

std::string mint_body(std::string signatures, std::uint64_t credit_msat) {
  signatures.pop_back();
  return signatures + ",\"credit_msat\":" + std::to_string(credit_msat) + "}";
}

Result<const CurrencyConfiguration*> currency_in_force(Parts& parts, const cashu::Unit& unit) {
  const CurrencyConfiguration* currency = parts.keysets->now()->currency(unit);
  if (currency == nullptr) return refused(cashu::kUnitUnsupported, "the mint no longer has the unit " + unit);
  return currency;
}

Result<BurnWrite> prepare_burn(Parts& parts, const AuthorizedEngine& engine,
                               const gameapi::BurnManaRequest& request, const Hash32& operation,
                               Inputs& inputs, UnixSeconds now) {
  TRY(const CurrencyConfiguration* currency, currency_in_force(parts, inputs.unit));
  if (currency->retired)
    return refused(cashu::kUnitUnsupported, inputs.unit + " is retired: it can be melted or swapped");
  if (!currency->issued_by_lightning()) {
    return refused(cashu::kUnitUnsupported,
                   inputs.unit + " is what engines issue, it can't be burned for more");
  }
  TRY_STATUS(check_request_limit(engine, inputs.sum));
  if (inputs.fee >= inputs.sum)
    return refused(cashu::kNotBalanced, "the inputs are worth no more than their fee");
  compute_ys(inputs);
  TRY([[maybe_unused]] const Known known, look_up(*parts.ledger, operation, inputs.ys, {}));
  TRY_STATUS(check_locks(inputs, {}, "", now));
  TRY_STATUS(verify_proofs(inputs));
  return BurnWrite{request.operation,       operation,           request.match, to_spends(inputs),
                   inputs.sum - inputs.fee, currency->price_msat};
}

Result<CreditedIssue> prepare_mint(Parts& parts, const AuthorizedEngine& engine,
                                   const gameapi::MintLootRequest& request, const Hash32& operation,
                                   const Outputs& outputs) {
  TRY(const CurrencyConfiguration* currency, currency_in_force(parts, outputs.unit));
  if (currency->retired)
    return refused(cashu::kMintingDisabled, outputs.unit + " is retired: no more of it is issued");
  if (!currency->issued_by_engine()) {
    return refused(cashu::kMintingDisabled, outputs.unit + " is not issued by engines");
  }
  TRY_STATUS(check_request_limit(engine, outputs.sum));
  // The match's credit may have been used up since the backup.
  if (parts.held_before) return held();
  TRY([[maybe_unused]] const Known known, look_up(*parts.ledger, operation, {}, outputs));
  if (outputs.unusable) return std::unexpected(*outputs.unusable);
  return CreditedIssue{request.operation, operation, request.match, sign_outputs(outputs),
                       value_of(outputs.sum, currency->price_msat)};
}

}  // namespace

void burn_mana(Parts& parts, const AuthorizedEngine& engine, const std::string& body, Answer answer) {
  const UnixSeconds now = parts.clock->now_seconds();
  auto request = read_burn(parts, body);
  if (!request) return answer(error_reply(request.error()));
  const KeysetRing* ring = nullptr;
  auto inputs = with_ring(
      parts, ring, [&](const KeysetRing& in_force) { return check_inputs(request->inputs, in_force, now); });
  if (!inputs) return answer(error_reply(inputs.error()));
  if (const Status free = check_stakes(*inputs, now); !free) return answer(error_reply(free.error()));

  Reservations::Request reservation;
  reservation.operation =
      fingerprint(kBurnEndpoint, inputs->proofs, {}, scope(request->operation, request->match));
  reservation.keys.push_back(Reservations::of_operation(request->operation));
  for (const auto& proof : inputs->proofs) reservation.keys.push_back(Reservations::of_proof(proof));
  reservation.answer = std::move(answer);
  const auto flight = parts.reservations->enter(std::move(reservation));
  if (!flight) return;

  const auto retry = credit_of_retry(parts, request->operation, flight->operation());
  if (!retry) return flight->fail(retry.error());
  const cashu::Amount burned = inputs->sum - std::min(inputs->fee, inputs->sum);
  if (*retry) return flight->finish({200, burn_body(inputs->unit, burned, **retry), Millis{0}});
  auto write = prepare_burn(parts, engine, *request, flight->operation(), *inputs, now);
  if (!write) return flight->fail(write.error());
  const bool queued =
      parts.ledger->write(*std::move(write), [flight, unit = inputs->unit, burned](Result<Written> done) {
        if (!done) return flight->fail(done.error());
        flight->finish({200, burn_body(unit, burned, done->credit_msat), Millis{0}});
      });
  if (!queued) flight->finish(overloaded());
}

void mint_loot(Parts& parts, const AuthorizedEngine& engine, const std::string& body, Answer answer) {
  auto request = read_mint(parts, body);
  if (!request) return answer(error_reply(request.error()));
  if (request->outputs.empty())
    return answer(error_reply(invalid("outputs: at least one is needed").error()));
  const KeysetRing* ring = nullptr;
  auto outputs = with_ring(parts, ring, [&](const KeysetRing& in_force) {
    return check_outputs(request->outputs, in_force, parts.clock->now_seconds());
  });
  if (!outputs) return answer(error_reply(outputs.error()));

  Reservations::Request reservation;
  reservation.operation =
      fingerprint(kCreditEndpoint, {}, outputs->messages, scope(request->operation, request->match));
  reservation.keys.push_back(Reservations::of_operation(request->operation));
  for (const auto& output : outputs->messages) reservation.keys.push_back(Reservations::of_output(output));
  reservation.answer = std::move(answer);
  const auto flight = parts.reservations->enter(std::move(reservation));
  if (!flight) return;

  const auto retry = credit_of_retry(parts, request->operation, flight->operation());
  if (!retry) return flight->fail(retry.error());
  if (*retry) {
    const auto known = look_up(*parts.ledger, flight->operation(), {}, *outputs, true);
    if (!known || !known->done) return flight->fail(broken("a done operation lacks its signatures").error());
    auto signatures = signatures_body(*known->done, *parts.keysets);
    if (!signatures) return flight->fail(signatures.error());
    return flight->finish({200, mint_body(*std::move(signatures), **retry), Millis{0}});
  }
  auto write = prepare_mint(parts, engine, *request, flight->operation(), *outputs);
  if (!write) return flight->fail(write.error());
  std::string signatures = signatures_body(write->issues, *ring);
  const bool queued = parts.ledger->write(
      *std::move(write), [flight, signatures = std::move(signatures)](Result<Written> done) mutable {
        if (!done) return flight->fail(done.error());
        flight->finish({200, mint_body(std::move(signatures), done->credit_msat), Millis{0}});
      });
  if (!queued) flight->finish(overloaded());
}

void spent_status(Parts& parts, const AuthorizedEngine&, const std::string& body, Answer answer) {
  const auto work = [&]() -> Result<std::string> {
    TRY(const json::Value value, json::parse(body));
    TRY(const gameapi::SpentStatusRequest request, gameapi::spent_status_request_from_json(value));
    std::vector<PointBytes> ys;
    ys.reserve(request.ys.size());
    for (const auto& y : request.ys) ys.push_back(y.bytes());
    TRY(const auto states, parts.ledger->proof_states(ys));
    gameapi::SpentStatusResponse out;
    for (std::size_t i = 0; i < states.size(); ++i) {
      gameapi::SpentState state = gameapi::SpentState::unspent;
      if (states[i].state == ProofState::State::pending) state = gameapi::SpentState::pending;
      if (states[i].state == ProofState::State::spent) state = gameapi::SpentState::spent;
      out.states.push_back({request.ys[i], state, states[i].match});
    }
    return gameapi::to_json(out).dump();
  };
  auto reply = work();
  answer(reply ? Reply{200, *std::move(reply), Millis{0}} : error_reply(reply.error()));
}

void show_verdicts(Parts& parts, const std::string& match, Answer answer) {
  const auto id = array_from_hex<32>(match);
  if (!id) return answer(error_reply(400, kMalformed, "the match id is 64 lower-case hex digits"));
  const auto stored = parts.ledger->verdict(*id);
  if (!stored) return answer(error_reply(stored.error()));
  if (!*stored) return answer(error_reply(404, kNotFound, "no settlement of this match was made here"));
  std::string body =
      "{\"announcement\":" + (*stored)->announcement + ",\"verdict\":" + (*stored)->verdict + ",\"claims\":[";
  for (std::size_t i = 0; i < (*stored)->claims.size(); ++i) {
    if (i > 0) body += ',';
    body += (*stored)->claims[i];
  }
  answer({200, body + "]}", Millis{0}});
}

}  // namespace manastr::mint
