#include "common/json/reader.h"
#include "mint/pipeline/fingerprint.h"
#include "mint/pipeline/funds.h"
#include "mint/pipeline/known.h"
#include "mint/pipeline/operations.h"
#include "mint/pipeline/render.h"
#include "mint/pipeline/with_ring.h"

namespace manastr::mint {
namespace {

struct SwapRequest {
  Inputs inputs;
  Outputs outputs;
};

Result<SwapRequest> read(Parts& parts, const KeysetRing& ring, const std::string& body, UnixSeconds now) {
  TRY(const json::Value value, json::parse(body));
  SwapRequest out;
  TRY(out.inputs, read_inputs(value, ring, parts.limits.max_inputs, now));
  TRY(out.outputs, read_outputs(value, ring, parts.limits.max_outputs, now));
  if (out.inputs.unit != out.outputs.unit) {
    return refused(cashu::kUnitMismatch,
                   "the inputs are " + out.inputs.unit + ", the outputs " + out.outputs.unit);
  }
  if (out.inputs.fee > out.inputs.sum || out.inputs.sum - out.inputs.fee != out.outputs.sum) {
    return refused(cashu::kNotBalanced, "inputs of " + std::to_string(out.inputs.sum) + " less the fee of " +
                                            std::to_string(out.inputs.fee) +
                                            " must equal the outputs, which are " +
                                            std::to_string(out.outputs.sum));
  }
  TRY_STATUS(check_stakes(out.inputs, now));
  return out;
}

/// The write to commit, or nothing if the reply is at hand.
Result<std::optional<SwapWrite>> work(Parts& parts, const KeysetRing& ring, const Hash32& operation,
                                      SwapRequest& request, UnixSeconds now, std::string& body) {
  compute_ys(request.inputs);
  auto known = look_up(*parts.ledger, operation, request.inputs.ys, request.outputs,
                       request.outputs.unusable.has_value());
  if (known && known->done) {
    TRY(body, signatures_body(*known->done, *parts.keysets));
    return std::nullopt;
  }
  if (request.outputs.unusable) return std::unexpected(*request.outputs.unusable);
  if (!known) return std::unexpected(known.error());
  TRY_STATUS(check_locks(request.inputs, request.outputs.messages, "", now));
  TRY_STATUS(verify_proofs(request.inputs));
  SwapWrite write{operation, to_spends(request.inputs), sign_outputs(request.outputs)};
  body = signatures_body(write.issues, ring);
  return write;
}

}  // namespace

void swap(Parts& parts, std::string body, const Admitted& admitted, Answer answer) {
  const UnixSeconds now = parts.clock->now_seconds();
  const KeysetRing* ring = nullptr;
  auto request =
      with_ring(parts, ring, [&](const KeysetRing& in_force) { return read(parts, in_force, body, now); });
  if (!request) return answer(error_reply(request.error()));

  Reservations::Request reservation;
  reservation.operation = fingerprint(kSwapEndpoint, request->inputs.proofs, request->outputs.messages);
  if (const Status bound = bind_token(admitted, reservation.operation); !bound)
    return answer(error_reply(bound.error()));
  if (request->inputs.any_condition) reservation.witnesses = witness_fingerprint(request->inputs.proofs);
  reservation.keys.reserve(request->inputs.proofs.size() + request->outputs.messages.size());
  for (const auto& proof : request->inputs.proofs) reservation.keys.push_back(Reservations::of_proof(proof));
  for (const auto& output : request->outputs.messages)
    reservation.keys.push_back(Reservations::of_output(output));
  reservation.answer = std::move(answer);
  if (request->inputs.any_condition) {
    reservation.again = [&parts, body = std::move(body), admitted](Answer next) mutable {
      parts.crypto->post_next([&parts, body = std::move(body), admitted, next = std::move(next)]() mutable {
        swap(parts, std::move(body), admitted, std::move(next));
      });
    };
  }
  const std::shared_ptr<Flight> flight = parts.reservations->enter(std::move(reservation));
  if (!flight) return;

  Reply reply;
  auto write = work(parts, *ring, flight->operation(), *request, now, reply.body);
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

}  // namespace manastr::mint
