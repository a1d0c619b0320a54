#include "common/nostr/event.h"

#include <charconv>

#include "common/json/writer.h"

namespace manastr::nostr {
namespace {

constexpr std::int64_t kMaxCreatedAt = std::int64_t{1} << 53;
constexpr std::uint64_t kMaxKind = 65535;
constexpr json::Limits kEventLimits{
    .bytes = 256 * 1024, .depth = 8, .values = 20'000, .string_bytes = 256 * 1024};

void append_number(std::string& out, std::int64_t value) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

void append_hex(std::string& out, ByteView bytes) {
  out.push_back('"');
  out.append(to_hex(bytes));
  out.push_back('"');
}

void append_tags(std::string& out, const std::vector<Tag>& tags) {
  out.push_back('[');
  for (std::size_t i = 0; i < tags.size(); ++i) {
    if (i > 0) out.push_back(',');
    out.push_back('[');
    for (std::size_t k = 0; k < tags[i].size(); ++k) {
      if (k > 0) out.push_back(',');
      json::append_string(out, tags[i][k]);
    }
    out.push_back(']');
  }
  out.push_back(']');
}

std::size_t text_size(const std::vector<Tag>& tags, std::string_view content) {
  std::size_t out = content.size();
  for (const Tag& tag : tags) {
    for (const std::string& element : tag) out += element.size() + 4;
  }
  return out + content.size() / 8;
}

template <std::size_t N>
Result<ByteArray<N>> hex_member(const json::Value& value, std::string_view key) {
  const json::Value* member = value.find(key);
  const std::string* text = member ? member->if_string() : nullptr;
  ByteArray<N> out;
  if (text == nullptr || !from_hex_into(*text, out)) {
    return invalid("event." + std::string(key) + ": expected " + std::to_string(2 * N) +
                   " lower-case hex digits");
  }
  return out;
}

Result<std::vector<Tag>> tags_member(const json::Value& value) {
  TRY(const json::Array* array, json::get_array(value, "tags", "event"));
  std::vector<Tag> tags;
  tags.reserve(array->size());
  for (const json::Value& item : *array) {
    const json::Array* elements = item.if_array();
    if (elements == nullptr || elements->empty()) {
      return invalid("event.tags[" + std::to_string(tags.size()) +
                     "]: expected an array of at least one string");
    }
    Tag& tag = tags.emplace_back();
    tag.reserve(elements->size());
    for (const json::Value& element : *elements) {
      const std::string* text = element.if_string();
      if (text == nullptr) {
        return invalid("event.tags[" + std::to_string(tags.size() - 1) + "]: expected strings alone");
      }
      tag.push_back(*text);
    }
  }
  return tags;
}

}  // namespace

std::optional<std::string_view> Event::tag(std::string_view name) const {
  for (const Tag& candidate : tags) {
    if (candidate.empty() || candidate[0] != name) continue;
    if (candidate.size() < 2) return std::nullopt;
    return candidate[1];
  }
  return std::nullopt;
}

std::string_view Event::d() const { return tag("d").value_or(""); }

std::string canonical(const crypto::XOnlyKey& pubkey, UnixSeconds created_at, std::uint32_t kind,
                      const std::vector<Tag>& tags, std::string_view content) {
  std::string out;
  out.reserve(text_size(tags, content) + 128);
  out.append("[0,");
  append_hex(out, pubkey.bytes);
  out.push_back(',');
  append_number(out, count(created_at));
  out.push_back(',');
  append_number(out, kind);
  out.push_back(',');
  append_tags(out, tags);
  out.push_back(',');
  json::append_string(out, content);
  out.push_back(']');
  return out;
}

EventId compute_id(const Event& event) {
  return crypto::sha256(
      as_bytes(canonical(event.pubkey, event.created_at, event.kind, event.tags, event.content)));
}

Event sign(const Draft& draft, const crypto::SecretKey& key, const ByteArray<32>& aux) {
  Event event;
  event.pubkey = key.x_only();
  event.created_at = draft.created_at;
  event.kind = draft.kind;
  event.tags = draft.tags;
  event.content = draft.content;
  event.id = compute_id(event);
  event.sig = crypto::sign_schnorr(key, event.id, aux);
  return event;
}

Result<Event> event_from_json(const json::Value& value) {
  if (!value.is_object()) return invalid("event: expected an object");
  Event event;
  TRY(event.id, hex_member<32>(value, "id"));
  TRY(event.pubkey.bytes, hex_member<32>(value, "pubkey"));
  TRY(const auto created_at, json::get_int64(value, "created_at", "event"));
  if (created_at < 0 || created_at > kMaxCreatedAt)
    return invalid("event.created_at: expected 0 to 2^53 seconds");
  event.created_at = unix_seconds(created_at);
  TRY(const auto kind, json::get_uint64(value, "kind", "event"));
  if (kind > kMaxKind) return invalid("event.kind: expected 0 to 65535");
  event.kind = static_cast<std::uint32_t>(kind);
  TRY(event.tags, tags_member(value));
  TRY(event.content, json::get_string(value, "content", "event"));
  TRY(event.sig, hex_member<64>(value, "sig"));
  return event;
}

Result<Event> parse_event(std::string_view text) {
  TRY(const json::Value value, json::parse(text, kEventLimits));
  return event_from_json(value);
}

json::Value to_json(const Event& event) {
  json::Array tags;
  tags.reserve(event.tags.size());
  for (const Tag& tag : event.tags) tags.emplace_back(json::Array(tag.begin(), tag.end()));
  json::Value out;
  out.set("id", to_hex(event.id));
  out.set("pubkey", event.pubkey.hex());
  out.set("created_at", count(event.created_at));
  out.set("kind", std::uint64_t{event.kind});
  out.set("tags", std::move(tags));
  out.set("content", event.content);
  out.set("sig", to_hex(event.sig));
  return out;
}

std::string dump(const Event& event) {
  std::string out;
  out.reserve(text_size(event.tags, event.content) + 384);
  out.append("{\"id\":");
  append_hex(out, event.id);
  out.append(",\"pubkey\":");
  append_hex(out, event.pubkey.bytes);
  out.append(",\"created_at\":");
  append_number(out, count(event.created_at));
  out.append(",\"kind\":");
  append_number(out, event.kind);
  out.append(",\"tags\":");
  append_tags(out, event.tags);
  out.append(",\"content\":");
  json::append_string(out, event.content);
  out.append(",\"sig\":");
  append_hex(out, event.sig);
  out.push_back('}');
  return out;
}

bool id_matches(const Event& event) { return compute_id(event) == event.id; }

bool verify(const Event& event) {
  return id_matches(event) && crypto::verify_schnorr(event.pubkey, event.id, event.sig);
}

}  // namespace manastr::nostr
