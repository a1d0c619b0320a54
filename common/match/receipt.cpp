#include "common/match/receipt.h"

#include <algorithm>

#include "common/match/fields.h"
#include "common/match/receipt_body.h"

namespace manastr::match {
namespace {

constexpr std::array<std::string_view, 8> kPhases{"open",   "acceptor-stake", "creator-stake", "seeds",
                                                  "commit", "reveal",         "claims",        "closed"};
constexpr std::uint64_t kMaxMillis = 1ULL << 50;

nostr::Draft engine_draft(std::string d, UnixSeconds created_at) {
  return {created_at, kEngine, {{"d", std::move(d)}}, {}};
}

}  // namespace

std::string_view phase_name(Phase phase) { return kPhases[static_cast<std::size_t>(phase)]; }

std::optional<Phase> phase_from(std::string_view name) {
  const auto found = std::find(kPhases.begin(), kPhases.end(), name);
  if (found == kPhases.end()) return std::nullopt;
  return static_cast<Phase>(found - kPhases.begin());
}

nostr::Draft to_draft(const Receipt& receipt, const PubKey& creator, const std::optional<PubKey>& acceptor,
                      const PubKey& engine, std::string_view relay) {
  const ReceiptHead& head = receipt.head;
  json::Value content{json::Object{}};
  content.set("v", kVersion);
  content.set("type", type_name(receipt.body));
  content.set("sequence", std::uint64_t{head.sequence});
  content.set("previous", head.previous ? json::Value(to_hex(*head.previous)) : json::Value());
  content.set("at", std::int64_t{count(head.at)});
  content.set("phase", phase_name(head.phase));
  content.set("round", std::uint64_t{head.round});
  json::Value clocks{json::Array{}};
  for (const Millis left : head.clocks) clocks.push(std::int64_t{left.count()});
  content.set("clocks", std::move(clocks));
  json::Value deadlines{json::Array{}};
  for (const auto& deadline : head.deadlines) {
    deadlines.push(deadline ? json::Value(std::int64_t{count(*deadline)}) : json::Value());
  }
  content.set("deadlines", std::move(deadlines));
  write_body(content, receipt.body);

  nostr::Draft draft =
      engine_draft(slot_text(kEngine, {Slot::Form::numbers, head.match, head.sequence, 0, {}}),
                   std::chrono::floor<Seconds>(head.at));
  draft.content = content.dump();
  draft.tags.push_back({"e", to_hex(head.match), std::string(relay), creator.hex()});
  if (head.previous) draft.tags.push_back({"e", to_hex(*head.previous), std::string(relay), engine.hex()});
  draft.tags.push_back({"p", creator.hex()});
  if (acceptor) draft.tags.push_back({"p", acceptor->hex()});
  return draft;
}

Result<Receipt> parse_receipt(const Event& event) {
  TRY_STATUS(check_envelope(event));
  const auto slot = event.kind == kEngine ? parse_slot(kEngine, event.d()) : std::nullopt;
  if (!slot || slot->form != Slot::Form::numbers) return invalid("not a receipt of a match");
  TRY(const json::Value value, parse_content(event.content));
  TRY_STATUS(number_field(value, "v", kVersion, kVersion));
  ReceiptHead head;
  head.match = slot->match;
  head.sequence = slot->first;
  TRY_STATUS(number_field(value, "sequence", slot->first, slot->first));
  const json::Value* previous = value.find("previous");
  if (previous == nullptr || previous->is_null() != (head.sequence == 0)) {
    return invalid("previous: expected null in the first receipt, an id in every other");
  }
  if (!previous->is_null()) {
    TRY(head.previous, hex_field<32>(value, "previous"));
  }
  TRY(const std::uint64_t at, number_field(value, "at", 0, kMaxMillis));
  head.at = unix_millis(static_cast<std::int64_t>(at));
  TRY(const std::string phase, json::get_string(value, "phase"));
  const auto named = phase_from(phase);
  if (!named) return invalid("phase: unknown");
  head.phase = *named;
  TRY(const std::uint64_t round, number_field(value, "round", 0, 3));
  head.round = static_cast<unsigned>(round);
  TRY(const json::Array* clocks, json::get_array(value, "clocks"));
  TRY(const json::Array* deadlines, json::get_array(value, "deadlines"));
  if (clocks->size() != 2 || deadlines->size() != 2)
    return invalid("clocks and deadlines: expected two elements each");
  for (std::size_t i = 0; i < 2; ++i) {
    const auto left = (*clocks)[i].if_uint64();
    if (!left || *left > kMaxMillis) return invalid("clocks: expected milliseconds");
    head.clocks[i] = Millis{static_cast<std::int64_t>(*left)};
    if ((*deadlines)[i].is_null()) continue;
    const auto deadline = (*deadlines)[i].if_uint64();
    if (!deadline || *deadline > kMaxMillis) return invalid("deadlines: expected milliseconds or null");
    head.deadlines[i] = unix_millis(static_cast<std::int64_t>(*deadline));
  }
  TRY(const std::string type, json::get_string(value, "type"));
  TRY(ReceiptBody body, read_body(type, value));
  return Receipt{head, std::move(body)};
}

nostr::Draft to_draft(const Rejection& rejection, const PubKey& author, UnixSeconds created_at) {
  json::Value content{json::Object{}};
  content.set("v", kVersion);
  content.set("type", "rejection");
  content.set("reason", rejection.reason);
  content.set("receipt", rejection.receipt ? json::Value(to_hex(*rejection.receipt)) : json::Value());
  nostr::Draft draft = engine_draft(
      slot_text(kEngine, {Slot::Form::rejection, rejection.match, 0, 0, rejection.event}), created_at);
  draft.content = content.dump();
  draft.tags.push_back({"e", to_hex(rejection.match)});
  draft.tags.push_back({"e", to_hex(rejection.event)});
  draft.tags.push_back({"p", author.hex()});
  return draft;
}

Result<Rejection> parse_rejection(const Event& event) {
  TRY_STATUS(check_envelope(event));
  const auto slot = event.kind == kEngine ? parse_slot(kEngine, event.d()) : std::nullopt;
  if (!slot || slot->form != Slot::Form::rejection) return invalid("not a rejection");
  TRY(const json::Value value, parse_content(event.content));
  Rejection out{.match = slot->match, .event = slot->rejected, .reason = {}, .receipt = {}};
  TRY(out.reason, text_field(value, "reason", 1024));
  const json::Value* receipt = value.find("receipt");
  if (receipt != nullptr && !receipt->is_null()) {
    TRY(out.receipt, hex_field<32>(value, "receipt"));
  }
  return out;
}

}  // namespace manastr::match
