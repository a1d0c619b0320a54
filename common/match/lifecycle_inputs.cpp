// The journal's form of an input. Additive only: journals of older versions must decode for ever.
#include "common/match/fields.h"
#include "common/match/lifecycle.h"

namespace manastr::match {
namespace {

constexpr std::uint64_t kMaxMillis = 1ULL << 50;
constexpr std::array<std::string_view, 4> kStates{"unspent", "pending", "spent", "reserved"};
constexpr std::array<std::string_view, std::variant_size_v<Input>> kTypes{
    "opening",     "party",           "timer",     "mint-states", "settlement-done", "settlement-refused",
    "relays-lost", "relays-regained", "restarted", "withdrawn",   "foreign-receipt"};

json::Value millis(UnixMillis at) { return std::int64_t{count(at)}; }

struct Writer {
  json::Value& out;
  void operator()(const Opening& input) const {
    out.set("challenge", nostr::to_json(input.challenge));
    out.set("announcement", nostr::to_json(input.announcement));
    out.set("keyset", cashu::to_json(input.keyset));
    out.set("max_inputs", std::uint64_t{input.max_inputs});
    out.set("work", std::uint64_t{input.work});
  }
  void operator()(const PartyInput& input) const {
    out.set("event", nostr::to_json(input.event));
    out.set("work", std::uint64_t{input.work});
  }
  void operator()(const TimerFired&) const {}
  void operator()(const MintStates& input) const {
    json::Value states{json::Array{}};
    for (const ProofState state : input.states) states.push(kStates[static_cast<std::size_t>(state)]);
    out.set("request", std::uint64_t{input.request});
    out.set("states", std::move(states));
  }
  void operator()(const SettlementDone& input) const {
    json::Value groups{json::Array{}};
    for (const auto& group : input.signatures) groups.push(cashu::to_json(group));
    out.set("operation", to_hex(input.operation));
    out.set("signatures", std::move(groups));
  }
  void operator()(const SettlementRefused& input) const {
    out.set("operation", to_hex(input.operation));
    out.set("code", std::int64_t{input.code});
    out.set("message", input.message);
  }
  void operator()(const RelaysLost&) const {}
  void operator()(const RelaysRegained&) const {}
  void operator()(const Restarted& input) const { out.set("down_since", millis(input.down_since)); }
  void operator()(const Withdrawn& input) const { out.set("evidence", nostr::to_json(input.evidence)); }
  void operator()(const ForeignReceipt& input) const { out.set("event", nostr::to_json(input.event)); }
};

Result<UnixMillis> time_field(const json::Value& value, std::string_view key) {
  TRY(const std::uint64_t at, number_field(value, key, 0, kMaxMillis));
  return unix_millis(static_cast<std::int64_t>(at));
}

Result<Input> read_opening(const json::Value& value, UnixMillis at) {
  Opening input;
  input.at = at;
  TRY(input.challenge, event_field(value, "challenge"));
  TRY(input.announcement, event_field(value, "announcement"));
  TRY(const json::Value* keyset, json::get_object(value, "keyset"));
  TRY(input.keyset, cashu::keyset_from_json(*keyset, "keyset"));
  TRY(const std::uint64_t max_inputs, number_field(value, "max_inputs", 1, 1'000'000));
  input.max_inputs = static_cast<std::size_t>(max_inputs);
  TRY(const std::uint64_t work, number_field(value, "work", 0, 255));
  input.work = static_cast<unsigned>(work);
  return input;
}

Result<Input> read_party(const json::Value& value, UnixMillis at) {
  PartyInput input;
  input.at = at;
  TRY(input.event, event_field(value, "event"));
  TRY(const std::uint64_t work, number_field(value, "work", 0, 255));
  input.work = static_cast<unsigned>(work);
  return input;
}

Result<Input> read_states(const json::Value& value, UnixMillis at) {
  MintStates input;
  input.at = at;
  TRY(const std::uint64_t request, number_field(value, "request", 0, UINT32_MAX));
  input.request = static_cast<unsigned>(request);
  TRY(const json::Array* states, json::get_array(value, "states"));
  for (const json::Value& element : *states) {
    const std::string* name = element.if_string();
    std::size_t i = 0;
    while (i < kStates.size() && (name == nullptr || kStates[i] != *name)) ++i;
    if (i == kStates.size()) return invalid("states: unknown state");
    input.states.push_back(static_cast<ProofState>(i));
  }
  return input;
}

Result<Input> read_done(const json::Value& value, UnixMillis at) {
  SettlementDone input;
  input.at = at;
  TRY(input.operation, hex_field<32>(value, "operation"));
  TRY(const json::Array* groups, json::get_array(value, "signatures"));
  for (const json::Value& element : *groups) {
    const json::Array* group = element.if_array();
    if (group == nullptr) return invalid("signatures: expected arrays");
    TRY(auto signatures, cashu::blind_signatures_from_json(*group, kMaxOutputs, "signatures"));
    input.signatures.push_back(std::move(signatures));
  }
  return input;
}

Result<Input> read_refused(const json::Value& value, UnixMillis at) {
  SettlementRefused input;
  input.at = at;
  TRY(input.operation, hex_field<32>(value, "operation"));
  TRY(const std::int64_t code, json::get_int64(value, "code"));
  input.code = static_cast<int>(code);
  TRY(input.message, text_field(value, "message", 64 * 1024));
  return input;
}

}  // namespace

std::string encode(const Input& input) {
  json::Value out{json::Object{}};
  out.set("v", kVersion);
  out.set("type", kTypes[input.index()]);
  out.set("at", std::visit([](const auto& i) { return millis(i.at); }, input));
  std::visit(Writer{out}, input);
  return out.dump();
}

Result<Input> decode_input(std::string_view text) {
  TRY(const json::Value value, json::parse(text));
  TRY_STATUS(number_field(value, "v", kVersion, kVersion));
  TRY(const std::string type, json::get_string(value, "type"));
  TRY(const UnixMillis at, time_field(value, "at"));
  if (type == "opening") return read_opening(value, at);
  if (type == "party") return read_party(value, at);
  if (type == "timer") return TimerFired{at};
  if (type == "mint-states") return read_states(value, at);
  if (type == "settlement-done") return read_done(value, at);
  if (type == "settlement-refused") return read_refused(value, at);
  if (type == "relays-lost") return RelaysLost{at};
  if (type == "relays-regained") return RelaysRegained{at};
  if (type == "restarted") {
    TRY(const UnixMillis down_since, time_field(value, "down_since"));
    return Restarted{at, down_since};
  }
  if (type == "withdrawn") {
    TRY(Event evidence, event_field(value, "evidence"));
    return Withdrawn{at, std::move(evidence)};
  }
  if (type == "foreign-receipt") {
    TRY(Event event, event_field(value, "event"));
    return ForeignReceipt{at, std::move(event)};
  }
  return invalid("type: not an input of this version");
}

}  // namespace manastr::match
