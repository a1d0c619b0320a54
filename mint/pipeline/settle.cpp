#include <algorithm>
#include <map>

#include "common/crypto/hash.h"
#include "common/gameapi/requests.h"
#include "common/json/reader.h"
#include "common/match/referee.h"
#include "mint/pipeline/fingerprint.h"
#include "mint/pipeline/funds.h"
#include "mint/pipeline/game_operations.h"
#include "mint/pipeline/known.h"
#include "mint/pipeline/render.h"
#include "mint/pipeline/with_ring.h"

namespace manastr::mint {
namespace {

struct Group {
  Hash32 operation{};
  Inputs inputs;
  Outputs outputs;
  std::optional<std::vector<StoredSignature>> done;  ///< it was executed before with these very outputs
  std::vector<Issue> issues;
};

struct Settlement {
  match::SettlementOrder order;
  AuthorizedEngine engine;
  std::vector<Group> groups;
};

std::unexpected<Error> unproven(std::string message) {
  return refused(gameapi::kVerdictInvalid, std::move(message));
}

std::string at(std::size_t group) { return "groups[" + std::to_string(group) + "]: "; }

Result<gameapi::SettleRequest> read(Parts& parts, const std::string& body) {
  TRY(const json::Value value, json::parse(body));
  return gameapi::settle_request_from_json(value, parts.limits.max_inputs, parts.limits.max_outputs);
}

/// The engine that signed the verdict, if it may settle.
Result<AuthorizedEngine> authority(Parts& parts, const nostr::Event& verdict) {
  auto engine = parts.engines->find(verdict.pubkey);
  if (!engine || !engine->can_burn_mana || !engine->can_mint_loot) {
    return unproven("verdict: signed by no active engine of this mint with can_burn_mana and can_mint_loot");
  }
  return *std::move(engine);
}

/// What the verdict's terms say of units and prices is what holds here, and each group keeps its value.
Status check_group(const KeysetRing& ring, const match::Terms& terms, const match::Group& planned,
                   const Group& group, std::size_t i) {
  if (group.inputs.unit != terms.stake_unit) {
    return refused(cashu::kUnitMismatch,
                   at(i) + "the stake is in " + terms.stake_unit + ", the inputs are " + group.inputs.unit);
  }
  if (group.outputs.unit != planned.unit) {
    return refused(cashu::kUnitMismatch,
                   at(i) + "the verdict pays " + planned.unit + ", the outputs are " + group.outputs.unit);
  }
  if (group.inputs.fee >= group.inputs.sum)
    return refused(cashu::kNotBalanced, at(i) + "the inputs don't cover their fee");
  const cashu::Amount stake = group.inputs.sum - group.inputs.fee;
  if (group.outputs.unit == group.inputs.unit) {
    if (stake == group.outputs.sum) return {};
  } else {
    const CurrencyConfiguration* from = ring.currency(group.inputs.unit);
    const CurrencyConfiguration* to = ring.currency(group.outputs.unit);
    if (from == nullptr || to == nullptr || !to->issued_by_engine()) {
      return refused(cashu::kMintingDisabled, at(i) + group.outputs.unit + " is not issued by engines");
    }
    if (value_of(stake, from->price_msat) == value_of(group.outputs.sum, to->price_msat)) return {};
  }
  return refused(cashu::kNotBalanced, at(i) + "inputs of " + std::to_string(stake) + " " + group.inputs.unit +
                                          " after the fee are not worth outputs of " +
                                          std::to_string(group.outputs.sum) + " " + group.outputs.unit);
}

Status check_limits(const Settlement& settlement) {
  std::map<cashu::Unit, Wide> moved;
  for (const Group& group : settlement.groups) {
    moved[group.inputs.unit] += group.inputs.sum;
    if (group.outputs.unit != group.inputs.unit) moved[group.outputs.unit] += group.outputs.sum;
  }
  for (const auto& [unit, sum] : moved) TRY_STATUS(check_request_limit(settlement.engine, sum));
  return {};
}

/// Everything that needs neither the ledger nor a mint key.
Result<Settlement> check(Parts& parts, const KeysetRing& ring, gameapi::SettleRequest& request,
                         UnixSeconds now) {
  TRY(AuthorizedEngine engine, authority(parts, request.verdict));
  TRY(match::SettlementOrder order,
      match::check_settlement(request.announcement, request.verdict, request.claim, request.groups));
  if (order.operation != request.operation) {
    return unproven("operation: expected " + to_hex(order.operation) +
                    ", the key of these inputs and outputs");
  }
  Settlement out{std::move(order), std::move(engine), {}};
  for (std::size_t i = 0; i < request.groups.size(); ++i) {
    Group group;
    TRY(group.inputs, check_inputs(request.groups[i].inputs, ring, now));
    TRY(group.outputs, check_outputs(request.groups[i].outputs, ring, now));
    TRY_STATUS(check_group(ring, out.order.verdict.terms, out.order.payout.groups[i], group, i));
    group.operation = fingerprint(kSwapEndpoint, group.inputs.proofs, group.outputs.messages);
    out.groups.push_back(std::move(group));
  }
  TRY_STATUS(check_limits(out));
  return out;
}

Status work_group(Parts& parts, Group& group, UnixSeconds now) {
  compute_ys(group.inputs);
  auto known = look_up(*parts.ledger, group.operation, group.inputs.ys, group.outputs,
                       group.outputs.unusable.has_value());
  if (known && known->done) {
    group.done = std::move(known->done);
    return {};
  }
  if (group.outputs.unusable) return std::unexpected(*group.outputs.unusable);
  if (!known) return std::unexpected(known.error());
  TRY_STATUS(check_locks(group.inputs, group.outputs.messages, "", now));
  TRY_STATUS(verify_proofs(group.inputs));
  group.issues = sign_outputs(group.outputs);
  return {};
}

Result<std::string> body_of(const Settlement& settlement, const Keysets& keysets, const KeysetRing& ring) {
  std::string out = "{\"signatures\":[";
  for (std::size_t i = 0; i < settlement.groups.size(); ++i) {
    if (i > 0) out += ',';
    const Group& group = settlement.groups[i];
    if (group.done) {
      TRY(const KeysetRing* knowing, ring_of(keysets, *group.done));
      append_signatures(out, *group.done, *knowing);
    } else {
      append_signatures(out, group.issues, ring);
    }
  }
  return out + "]}";
}

SettleWrite to_write(const Settlement& settlement, const gameapi::SettleRequest& request) {
  SettleWrite out;
  out.match = settlement.order.match;
  out.verdict_id = request.verdict.id;
  out.claim_id = request.claim.id;
  out.announcement = nostr::dump(request.announcement);
  out.verdict = nostr::dump(request.verdict);
  out.claim = nostr::dump(request.claim);
  for (const Group& group : settlement.groups) {
    if (!group.done) out.groups.push_back({group.operation, to_spends(group.inputs), group.issues});
  }
  return out;
}

Reservations::Request reserve(const Settlement& settlement, const gameapi::SettleRequest& request) {
  Reservations::Request out;
  out.operation =
      crypto::sha256({as_bytes("settle"), request.operation, request.verdict.id, request.claim.id});
  out.keys.push_back(Reservations::of_operation(request.operation));
  Bytes witnesses;
  for (const Group& group : settlement.groups) {
    for (const auto& proof : group.inputs.proofs) out.keys.push_back(Reservations::of_proof(proof));
    for (const auto& output : group.outputs.messages) out.keys.push_back(Reservations::of_output(output));
    append(witnesses, witness_fingerprint(group.inputs.proofs));
  }
  out.witnesses = crypto::sha256(witnesses);
  return out;
}

}  // namespace

void settle(Parts& parts, const std::string& body, Answer answer) {
  const UnixSeconds now = parts.clock->now_seconds();
  auto request = read(parts, body);
  if (!request) return answer(error_reply(request.error()));
  const KeysetRing* ring = nullptr;
  auto settlement = with_ring(
      parts, ring, [&](const KeysetRing& in_force) { return check(parts, in_force, *request, now); });
  if (!settlement) return answer(error_reply(settlement.error()));

  Reservations::Request reservation = reserve(*settlement, *request);
  reservation.answer = std::move(answer);
  reservation.again = [&parts, body](Answer next) {
    parts.crypto->post_next(
        [&parts, body, next = std::move(next)]() mutable { settle(parts, body, std::move(next)); });
  };
  const auto flight = parts.reservations->enter(std::move(reservation));
  if (!flight) return;

  for (Group& group : settlement->groups) {
    if (const Status worked = work_group(parts, group, now); !worked) return flight->fail(worked.error());
  }
  const bool all_done =
      std::ranges::all_of(settlement->groups, [](const Group& group) { return group.done.has_value(); });
  if (!all_done) {
    if (const auto wait = parts.engines->admit(settlement->engine)) return flight->finish(too_often(*wait));
  }
  auto body_text = body_of(*settlement, *parts.keysets, *ring);
  if (!body_text) return flight->fail(body_text.error());
  Reply reply{200, *std::move(body_text), Millis{0}};
  // Also when all groups are done: the claim is part of the evidence.
  const bool queued = parts.ledger->write(
      to_write(*settlement, *request), [flight, reply = std::move(reply)](Result<Written> done) mutable {
        done ? flight->finish(std::move(reply)) : flight->fail(done.error());
      });
  if (!queued) flight->finish(overloaded());
}

}  // namespace manastr::mint
