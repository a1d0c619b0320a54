#include "relay-client/relay_message.h"

#include <array>

#include "common/json/writer.h"

namespace manastr::relay {
namespace {

constexpr json::Limits kLimits{.bytes = 4 << 20, .depth = 8, .values = 100'000, .string_bytes = 4 << 20};
constexpr std::size_t kSubscriptionBytes = 256;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

Verb verb_of(std::string_view name) {
  if (name == "EVENT") return Verb::event;
  if (name == "EOSE") return Verb::eose;
  if (name == "OK") return Verb::ok;
  if (name == "CLOSED") return Verb::closed;
  if (name == "NOTICE") return Verb::notice;
  if (name == "AUTH") return Verb::auth;
  if (name == "COUNT") return Verb::count;
  return Verb::unknown;
}

const std::string* text_at(const json::Array& items, std::size_t index) {
  return index < items.size() ? items[index].if_string() : nullptr;
}

std::string_view skip_spaces(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  return text;
}

bool starts_with_caseless(std::string_view text, std::string_view lower) {
  if (text.size() < lower.size()) return false;
  for (std::size_t i = 0; i < lower.size(); ++i) {
    const char c = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] + ('a' - 'A')) : text[i];
    if (c != lower[i]) return false;
  }
  return true;
}

}  // namespace

Verb peek_verb(std::string_view text) {
  text = skip_spaces(text);
  if (text.empty() || text.front() != '[') return Verb::unknown;
  text = skip_spaces(text.substr(1));
  if (text.empty() || text.front() != '"') return Verb::unknown;
  const std::size_t end = text.find('"', 1);  // npos is larger, too
  return end > 16 ? Verb::unknown : verb_of(text.substr(1, end - 1));
}

Result<RelayMessage> parse_relay_message(std::string_view text) {
  TRY(const json::Value value, json::parse(text, kLimits));
  const json::Array* items = value.if_array();
  if (items == nullptr) return invalid("expected an array");
  const std::string* name = text_at(*items, 0);
  if (name == nullptr) return invalid("expected the message's name first");
  RelayMessage out;
  out.verb = verb_of(*name);
  const std::string* first = text_at(*items, 1);
  switch (out.verb) {
    case Verb::event:
    case Verb::eose:
    case Verb::closed:
    case Verb::count:
      if (first == nullptr) return invalid("expected a subscription id second");
      if (first->size() > kSubscriptionBytes) return invalid("the subscription id is too long");
      out.subscription = *first;
      if (out.verb == Verb::event) {
        if (items->size() != 3) return invalid("expected an event third and nothing after it");
        TRY(out.event, nostr::event_from_json((*items)[2]));
      } else if (const std::string* said = text_at(*items, 2)) {
        out.text = *said;
      }
      return out;
    case Verb::ok: {
      if (first == nullptr) return invalid("expected an event id second");
      if (!first->empty()) {
        out.id = array_from_hex<32>(*first);
        if (!out.id) return invalid("the event id of an OK is no hash");
      }
      const bool* accepted = items->size() > 2 ? (*items)[2].if_bool() : nullptr;
      if (accepted == nullptr) return invalid("expected true or false third");
      out.accepted = *accepted;
      if (const std::string* said = text_at(*items, 3)) out.text = *said;
      return out;
    }
    case Verb::notice:
    case Verb::auth:
      if (first == nullptr) return invalid("expected a text second");
      out.text = *first;
      return out;
    case Verb::unknown:
      break;
  }
  return invalid("unknown message");
}

Reason reason_of(std::string_view text) {
  text = skip_spaces(text);
  constexpr std::string_view kShout = "error: ";
  static constexpr std::array<std::pair<std::string_view, Reason>, 12> kPrefixes{{
      {"duplicate", Reason::duplicate},
      {"pow", Reason::pow},
      {"blocked", Reason::blocked},
      {"rate-limited", Reason::rate_limited},
      {"invalid", Reason::invalid},
      {"restricted", Reason::restricted},
      {"mute", Reason::mute},
      {"auth-required", Reason::auth_required},
      {"replaced", Reason::replaced},
      {"deleted", Reason::deleted},
      {"unsupported", Reason::unsupported},
      {"error", Reason::error},
  }};
  const auto find = [](std::string_view said) {
    for (const auto& [prefix, reason] : kPrefixes) {
      if (starts_with_caseless(said, prefix) && said.size() > prefix.size() && said[prefix.size()] == ':')
        return reason;
    }
    return Reason::none;
  };
  if (starts_with_caseless(text, kShout)) {
    const Reason inner = find(skip_spaces(text.substr(kShout.size())));
    if (inner != Reason::none) return inner;
  }
  return find(text);
}

std::string request_message(std::string_view subscription, const std::vector<nostr::Filter>& filters) {
  std::string out = "[\"REQ\",";
  json::append_string(out, subscription);
  for (const nostr::Filter& filter : filters) {
    out += ',';
    nostr::to_json(filter).dump_to(out);
  }
  return out += ']';
}

std::string close_message(std::string_view subscription) {
  std::string out = "[\"CLOSE\",";
  json::append_string(out, subscription);
  return out += ']';
}

std::string event_message(const nostr::Event& event) { return "[\"EVENT\"," + nostr::dump(event) + ']'; }
std::string auth_message(const nostr::Event& event) { return "[\"AUTH\"," + nostr::dump(event) + ']'; }

RelayLimits parse_relay_limits(std::string_view nip11) {
  RelayLimits out;
  const auto value = json::parse(nip11, {.bytes = 64 * 1024, .depth = 16});
  const json::Value* limitation = value ? value->find("limitation") : nullptr;
  if (limitation == nullptr) return out;
  const auto number = [&](std::string_view key) -> std::optional<std::uint64_t> {
    const json::Value* member = limitation->find(key);
    const auto found = member == nullptr ? std::nullopt : member->if_uint64();
    return found && *found > 0 ? found : std::nullopt;
  };
  out.message_bytes = number("max_message_length");
  out.subscriptions = number("max_subscriptions");
  out.limit = number("max_limit");
  out.event_tags = number("max_event_tags");
  out.content_characters = number("max_content_length");
  return out;
}

}  // namespace manastr::relay
