#include "common/match/protocol.h"

#include <algorithm>
#include <bit>
#include <charconv>

#include "common/json/writer.h"

namespace manastr::match {
namespace {

/// Decimal without sign or leading zero, within [min, max].
std::optional<unsigned> number(std::string_view text, unsigned min, unsigned max) {
  if (text.empty() || text.size() > 5 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < min || value > max)
    return std::nullopt;
  return value;
}

bool is_plain(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

}  // namespace

std::optional<Slot> parse_slot(std::uint32_t kind, std::string_view d) {
  Slot slot;
  if (kind == kEngine && d == kAnnouncementD) {
    slot.form = Slot::Form::announcement;
    return slot;
  }
  if (d.size() < 64 || !from_hex_into(d.substr(0, 64), slot.match)) return std::nullopt;
  std::string_view rest = d.substr(64);
  if (kind == kChallenge || kind == kAcceptance) {
    if (!rest.empty()) return std::nullopt;
    slot.form = kind == kChallenge ? Slot::Form::random : Slot::Form::match;
    return slot;
  }
  if (rest.empty() || rest[0] != ':') return std::nullopt;
  rest.remove_prefix(1);
  if (kind == kEngine && rest.starts_with("x:")) {
    if (!from_hex_into(rest.substr(2), slot.rejected)) return std::nullopt;
    slot.form = Slot::Form::rejection;
    return slot;
  }
  slot.form = Slot::Form::numbers;
  if (kind == kFunding) {
    const std::size_t colon = rest.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const auto part = number(rest.substr(colon + 1), 1, kMaxParts);
    if (!part) return std::nullopt;
    slot.second = *part;
    rest = rest.substr(0, colon);
  }
  std::optional<unsigned> first;
  switch (kind) {
    case kFunding:
    case kClaim:
      first = number(rest, 1, kMaxAttempts);
      break;
    case kCommitment:
      first = number(rest, 1, 3);
      break;
    case kReveal:
      first = number(rest, 0, 3);
      break;
    case kEngine:
      first = number(rest, 0, 99999);
      break;
    default:
      break;
  }
  if (!first) return std::nullopt;
  slot.first = *first;
  return slot;
}

std::string slot_text(std::uint32_t kind, const Slot& slot) {
  if (slot.form == Slot::Form::announcement) return std::string(kAnnouncementD);
  std::string out = to_hex(slot.match);
  if (slot.form == Slot::Form::rejection) return out + ":x:" + to_hex(slot.rejected);
  if (slot.form == Slot::Form::numbers) out += ":" + std::to_string(slot.first);
  if (kind == kFunding) out += ":" + std::to_string(slot.second);
  return out;
}

std::optional<MatchId> match_of(const Event& event) {
  if (event.kind < kChallenge || event.kind > kEngine) return std::nullopt;
  const auto slot = parse_slot(event.kind, event.d());
  if (!slot || slot->form == Slot::Form::announcement) return std::nullopt;
  return event.kind == kChallenge ? event.id : slot->match;
}

Status check_envelope(const Event& event) {
  if (event.kind < kChallenge || event.kind > kEngine) return invalid("not a kind of this protocol");
  const std::size_t limit = event.kind == kEngine ? kMaxEngineEvent : kMaxPartyEvent;
  if (event.content.size() > limit || event.tags.size() > kMaxTags || nostr::dump(event).size() > limit) {
    return invalid("the event is larger than " + std::to_string(limit) + " bytes or has more than " +
                   std::to_string(kMaxTags) + " tags");
  }
  if (event.kind != kEngine && embedded_size(event) > kMaxEmbedded) {
    return invalid("the event has too many quotes or backslashes to fit into a receipt");
  }
  if (!is_plain(event.content)) return invalid("the content holds a byte below 0x20 or 0x7F");
  std::size_t names = 0;
  for (const nostr::Tag& tag : event.tags) {
    if (tag.empty()) return invalid("a tag has no elements");
    if (!std::all_of(tag.begin(), tag.end(), is_plain))
      return invalid("a tag holds a byte below 0x20 or 0x7F");
    if (tag[0] == "d") ++names;
    if (tag[0] == "expiration" || tag[0] == "-") {
      return invalid("an event of a match must have no " + tag[0] + " tag: relays would drop the evidence");
    }
  }
  if (names != 1) return invalid("exactly one d tag is needed");
  if (!parse_slot(event.kind, event.d())) return invalid("the d tag is not of this kind's form");
  return {};
}

std::size_t embedded_size(const Event& event) {
  std::string text;
  json::append_string(text, nostr::dump(event));
  return text.size();
}

unsigned work_of(const EventId& id) {
  unsigned bits = 0;
  for (const Byte byte : id) {
    if (byte == 0) {
      bits += 8;
      continue;
    }
    return bits + static_cast<unsigned>(std::countl_zero(byte));
  }
  return bits;
}

}  // namespace manastr::match
