#include "common/gameapi/requests.h"

#include "common/match/fields.h"

namespace manastr::gameapi {
namespace {

using match::event_field;
using match::hex_field;
using match::path_of;
using match::point_from;

constexpr std::array<std::string_view, 3> kStates{"UNSPENT", "PENDING", "SPENT"};
constexpr std::size_t kMaxClaims = 2;

json::Value request_head(const Hash32& operation, const match::MatchId& match) {
  json::Value out{json::Object{}};
  out.set("operation", to_hex(operation));
  out.set("match", to_hex(match));
  return out;
}

json::Value groups_json(const std::vector<std::vector<cashu::BlindSignature>>& groups) {
  json::Value out{json::Array{}};
  for (const auto& group : groups) out.push(cashu::to_json(group));
  return out;
}

Result<std::vector<cashu::BlindSignature>> signatures_from(const json::Value& value,
                                                           const std::string& where) {
  const json::Array* array = value.if_array();
  if (array == nullptr) return invalid(where + ": expected an array");
  return cashu::blind_signatures_from_json(*array, 1000, where);
}

}  // namespace

std::string_view state_name(SpentState state) { return kStates[static_cast<std::size_t>(state)]; }

json::Value to_json(const BurnManaRequest& request) {
  json::Value out = request_head(request.operation, request.match);
  out.set("inputs", cashu::to_json(request.inputs));
  return out;
}

json::Value to_json(const BurnManaResponse& response) {
  json::Value out{json::Object{}};
  out.set("unit", response.unit);
  out.set("burned", response.burned);
  out.set("credit_msat", response.credit_msat);
  return out;
}

json::Value to_json(const MintLootRequest& request) {
  json::Value out = request_head(request.operation, request.match);
  out.set("outputs", cashu::to_json(request.outputs));
  return out;
}

json::Value to_json(const MintLootResponse& response) {
  json::Value out{json::Object{}};
  out.set("signatures", cashu::to_json(response.signatures));
  out.set("credit_msat", response.credit_msat);
  return out;
}

json::Value to_json(const SpentStatusRequest& request) {
  json::Value ys{json::Array{}};
  for (const crypto::PublicKey& y : request.ys) ys.push(y.hex());
  json::Value out{json::Object{}};
  out.set("Ys", std::move(ys));
  return out;
}

json::Value to_json(const SpentStatusResponse& response) {
  json::Value states{json::Array{}};
  for (const auto& entry : response.states) {
    json::Value item{json::Object{}};
    item.set("Y", entry.y.hex());
    item.set("state", state_name(entry.state));
    item.set("match", entry.match ? json::Value(to_hex(*entry.match)) : json::Value());
    states.push(std::move(item));
  }
  json::Value out{json::Object{}};
  out.set("states", std::move(states));
  return out;
}

json::Value to_json(const SettleRequest& request) {
  json::Value groups{json::Array{}};
  for (const match::SignedGroup& group : request.groups) {
    json::Value item{json::Object{}};
    item.set("inputs", cashu::to_json(group.inputs));
    item.set("outputs", cashu::to_json(group.outputs));
    groups.push(std::move(item));
  }
  json::Value out{json::Object{}};
  out.set("operation", to_hex(request.operation));
  out.set("announcement", nostr::to_json(request.announcement));
  out.set("verdict", nostr::to_json(request.verdict));
  out.set("claim", nostr::to_json(request.claim));
  out.set("groups", std::move(groups));
  return out;
}

json::Value to_json(const SettleResponse& response) {
  json::Value out{json::Object{}};
  out.set("signatures", groups_json(response.signatures));
  return out;
}

json::Value to_json(const VerdictsResponse& response) {
  json::Value claims{json::Array{}};
  for (const nostr::Event& claim : response.claims) claims.push(nostr::to_json(claim));
  json::Value out{json::Object{}};
  out.set("announcement", nostr::to_json(response.announcement));
  out.set("verdict", nostr::to_json(response.verdict));
  out.set("claims", std::move(claims));
  return out;
}

Result<BurnManaRequest> burn_mana_request_from_json(const json::Value& value, std::size_t max_inputs) {
  BurnManaRequest out;
  TRY(out.operation, hex_field<32>(value, "operation"));
  TRY(out.match, hex_field<32>(value, "match"));
  TRY(const json::Array* inputs, json::get_array(value, "inputs"));
  if (inputs->empty()) return invalid("inputs: none");
  TRY(out.inputs, cashu::proofs_from_json(*inputs, max_inputs, "inputs"));
  return out;
}

Result<BurnManaResponse> burn_mana_response_from_json(const json::Value& value) {
  BurnManaResponse out;
  TRY(out.unit, json::get_string(value, "unit"));
  TRY(out.burned, json::get_uint64(value, "burned"));
  TRY(out.credit_msat, json::get_uint64(value, "credit_msat"));
  return out;
}

Result<MintLootRequest> mint_loot_request_from_json(const json::Value& value, std::size_t max_outputs) {
  MintLootRequest out;
  TRY(out.operation, hex_field<32>(value, "operation"));
  TRY(out.match, hex_field<32>(value, "match"));
  TRY(const json::Array* outputs, json::get_array(value, "outputs"));
  if (outputs->empty()) return invalid("outputs: none");
  TRY(out.outputs, cashu::blinded_messages_from_json(*outputs, max_outputs, "outputs"));
  return out;
}

Result<MintLootResponse> mint_loot_response_from_json(const json::Value& value) {
  MintLootResponse out;
  const json::Value* signatures = value.find("signatures");
  TRY(out.signatures, signatures_from(signatures == nullptr ? json::Value() : *signatures, "signatures"));
  TRY(out.credit_msat, json::get_uint64(value, "credit_msat"));
  return out;
}

Result<SpentStatusRequest> spent_status_request_from_json(const json::Value& value) {
  SpentStatusRequest out;
  TRY(const json::Array* ys, json::get_array(value, "Ys"));
  if (ys->size() > kMaxYs) return invalid("Ys: more than " + std::to_string(kMaxYs), cashu::kTooManyInputs);
  for (std::size_t i = 0; i < ys->size(); ++i) {
    TRY(const crypto::PublicKey y, point_from((*ys)[i], "Ys[" + std::to_string(i) + "]"));
    out.ys.push_back(y);
  }
  return out;
}

Result<SpentStatusResponse> spent_status_response_from_json(const json::Value& value) {
  SpentStatusResponse out;
  TRY(const json::Array* states, json::get_array(value, "states"));
  if (states->size() > kMaxYs) return invalid("states: more than " + std::to_string(kMaxYs));
  for (std::size_t i = 0; i < states->size(); ++i) {
    const std::string where = "states[" + std::to_string(i) + "]";
    const json::Value& element = (*states)[i];
    TRY(const crypto::PublicKey y, match::point_field(element, "Y", where));
    SpentStatusResponse::Entry entry{y, SpentState::unspent, std::nullopt};
    TRY(const std::string state, json::get_string(element, "state", where));
    std::size_t known = 0;
    while (known < kStates.size() && kStates[known] != state) ++known;
    if (known == kStates.size()) return invalid(path_of(where, "state") + ": unknown");
    entry.state = static_cast<SpentState>(known);
    const json::Value* of = element.find("match");
    if (of != nullptr && !of->is_null()) {
      TRY(entry.match, hex_field<32>(element, "match", where));
    }
    out.states.push_back(entry);
  }
  return out;
}

Result<SettleRequest> settle_request_from_json(const json::Value& value, std::size_t max_inputs,
                                               std::size_t max_outputs) {
  SettleRequest out;
  TRY(out.operation, hex_field<32>(value, "operation"));
  TRY(out.announcement, event_field(value, "announcement"));
  TRY(out.verdict, event_field(value, "verdict"));
  TRY(out.claim, event_field(value, "claim"));
  TRY(const json::Array* groups, json::get_array(value, "groups"));
  if (groups->empty() || groups->size() > kMaxGroups) {
    return invalid("groups: expected 1 to " + std::to_string(kMaxGroups));
  }
  std::size_t inputs_left = max_inputs;
  std::size_t outputs_left = max_outputs;
  for (std::size_t i = 0; i < groups->size(); ++i) {
    const std::string where = "groups[" + std::to_string(i) + "]";
    TRY(const json::Array* inputs, json::get_array((*groups)[i], "inputs", where));
    TRY(const json::Array* outputs, json::get_array((*groups)[i], "outputs", where));
    if (inputs->empty() || outputs->empty()) return invalid(where + ": inputs and outputs are needed");
    match::SignedGroup& group = out.groups.emplace_back();
    TRY(group.inputs, cashu::proofs_from_json(*inputs, inputs_left, where + ".inputs"));
    TRY(group.outputs, cashu::blinded_messages_from_json(*outputs, outputs_left, where + ".outputs"));
    inputs_left -= group.inputs.size();
    outputs_left -= group.outputs.size();
  }
  return out;
}

Result<SettleResponse> settle_response_from_json(const json::Value& value) {
  SettleResponse out;
  TRY(const json::Array* groups, json::get_array(value, "signatures"));
  if (groups->size() > kMaxGroups)
    return invalid("signatures: more than " + std::to_string(kMaxGroups) + " groups");
  for (std::size_t i = 0; i < groups->size(); ++i) {
    TRY(auto group, signatures_from((*groups)[i], "signatures[" + std::to_string(i) + "]"));
    out.signatures.push_back(std::move(group));
  }
  return out;
}

Result<VerdictsResponse> verdicts_response_from_json(const json::Value& value) {
  VerdictsResponse out;
  TRY(out.announcement, event_field(value, "announcement"));
  TRY(out.verdict, event_field(value, "verdict"));
  TRY(const json::Array* claims, json::get_array(value, "claims"));
  if (claims->size() > kMaxClaims) return invalid("claims: more than there can be");
  for (const json::Value& element : *claims) {
    auto claim = nostr::event_from_json(element);
    if (!claim) return invalid("claims: " + claim.error().message);
    out.claims.push_back(*std::move(claim));
  }
  return out;
}

}  // namespace manastr::gameapi
