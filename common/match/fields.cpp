#include "common/match/fields.h"

#include <algorithm>

namespace manastr::match {

std::string path_of(std::string_view where, std::string_view key) {
  return where.empty() ? std::string(key) : std::string(where) + "." + std::string(key);
}

Status known_members(const json::Value& object, std::initializer_list<std::string_view> names,
                     std::string_view where) {
  const json::Object* members = object.if_object();
  if (members == nullptr) return invalid(std::string(where) + ": expected an object");
  for (const auto& [name, value] : *members) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      return invalid(path_of(where, name.substr(0, 64)) + ": not a member of this protocol version");
    }
  }
  return {};
}

Result<std::string> text_field(const json::Value& object, std::string_view key, std::size_t max_bytes,
                               std::string_view where) {
  TRY(std::string text, json::get_string(object, key, where));
  if (text.size() > max_bytes) {
    return invalid(path_of(where, key) + ": longer than " + std::to_string(max_bytes) + " bytes");
  }
  return text;
}

Result<std::uint64_t> number_field(const json::Value& object, std::string_view key, std::uint64_t min,
                                   std::uint64_t max, std::string_view where) {
  TRY(const std::uint64_t value, json::get_uint64(object, key, where));
  if (value < min || value > max) {
    return invalid(path_of(where, key) + ": expected " + std::to_string(min) + " to " + std::to_string(max));
  }
  return value;
}

Result<PubKey> pubkey_field(const json::Value& object, std::string_view key, std::string_view where) {
  TRY(const auto bytes, hex_field<32>(object, key, where));
  return PubKey{bytes};
}

Result<std::optional<PubKey>> optional_pubkey_field(const json::Value& object, std::string_view key,
                                                    std::string_view where) {
  const json::Value* member = object.find(key);
  if (member == nullptr || member->is_null()) return std::optional<PubKey>{};
  TRY(const PubKey pubkey, pubkey_field(object, key, where));
  return std::optional(pubkey);
}

Result<crypto::PublicKey> point_from(const json::Value& value, std::string_view where) {
  const std::string* text = value.if_string();
  const auto point = text == nullptr ? std::nullopt : crypto::PublicKey::from_hex(*text, HexCase::lower);
  if (!point)
    return invalid(std::string(where) + ": expected 66 lower-case hex digits that are a point of the curve");
  return *point;
}

Result<crypto::PublicKey> point_field(const json::Value& object, std::string_view key,
                                      std::string_view where) {
  const json::Value* member = object.find(key);
  return point_from(member == nullptr ? json::Value() : *member, path_of(where, key));
}

Result<Event> event_field(const json::Value& object, std::string_view key, std::string_view where) {
  TRY(const json::Value* value, json::get_object(object, key, where));
  auto event = nostr::event_from_json(*value);
  if (!event) return invalid(path_of(where, key) + ": " + event.error().message);
  return *std::move(event);
}

Result<json::Value> parse_content(std::string_view content) {
  json::Limits limits;
  limits.bytes = kMaxEngineEvent;
  limits.string_bytes = kMaxEngineEvent;
  limits.depth = 12;
  limits.values = 4096;
  auto value = json::parse(content, limits);
  if (!value) return invalid("content: " + value.error().message);
  if (!value->is_object()) return invalid("content: expected a JSON object");
  return value;
}

}  // namespace manastr::match
