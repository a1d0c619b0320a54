#include "common/nostr/filter.h"

#include <algorithm>
#include <limits>

namespace manastr::nostr {
namespace {

constexpr std::size_t kMaxValues = 1000;
constexpr std::size_t kMaxTagLetters = 20;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

template <class T>
bool excludes(const std::optional<std::vector<T>>& wanted, const T& value) {
  return wanted && std::find(wanted->begin(), wanted->end(), value) == wanted->end();
}

bool has_tag(const Event& event, char letter, const std::vector<std::string>& values) {
  return std::any_of(event.tags.begin(), event.tags.end(), [&](const Tag& tag) {
    return tag.size() >= 2 && tag[0].size() == 1 && tag[0][0] == letter &&
           std::find(values.begin(), values.end(), tag[1]) != values.end();
  });
}

std::string member(std::string_view key) { return "filter." + std::string(key); }

Result<const json::Array*> list(std::string_view key, const json::Value& value) {
  const json::Array* array = value.if_array();
  if (array == nullptr) return invalid(member(key) + ": expected an array");
  if (array->size() > kMaxValues) {
    return invalid(member(key) + ": more than " + std::to_string(kMaxValues) + " values");
  }
  return array;
}

Result<std::vector<Hash32>> hex_list(std::string_view key, const json::Value& value) {
  TRY(const json::Array* array, list(key, value));
  std::vector<Hash32> out(array->size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::string* text = (*array)[i].if_string();
    if (text == nullptr || !from_hex_into(*text, out[i])) {
      return invalid(member(key) + "[" + std::to_string(i) + "]: expected 64 lower-case hex digits");
    }
  }
  return out;
}

Result<std::vector<std::uint32_t>> kind_list(const json::Value& value) {
  TRY(const json::Array* array, list("kinds", value));
  std::vector<std::uint32_t> out;
  out.reserve(array->size());
  for (const json::Value& item : *array) {
    const auto kind = item.if_uint64();
    if (!kind || *kind > 65535) {
      return invalid("filter.kinds[" + std::to_string(out.size()) + "]: expected 0 to 65535");
    }
    out.push_back(static_cast<std::uint32_t>(*kind));
  }
  return out;
}

Result<std::vector<std::string>> tag_list(std::string_view key, const json::Value& value) {
  TRY(const json::Array* array, list(key, value));
  if (key == "#e" || key == "#p") TRY_STATUS(hex_list(key, value));
  std::vector<std::string> out;
  out.reserve(array->size());
  for (const json::Value& item : *array) {
    const std::string* text = item.if_string();
    if (text == nullptr)
      return invalid(member(key) + "[" + std::to_string(out.size()) + "]: expected a string");
    out.push_back(*text);
  }
  return out;
}

Result<UnixSeconds> time(std::string_view key, const json::Value& value) {
  const auto seconds = value.if_int64();
  if (!seconds || *seconds < 0 || *seconds > std::int64_t{1} << 53) {
    return invalid(member(key) + ": expected seconds since 1970");
  }
  return unix_seconds(*seconds);
}

Status read_member(Filter& filter, const std::string& key, const json::Value& value) {
  if (key == "ids") {
    TRY(filter.ids, hex_list(key, value));
  } else if (key == "authors") {
    TRY(const auto keys, hex_list(key, value));
    auto& authors = filter.authors.emplace();
    authors.reserve(keys.size());
    for (const Hash32& bytes : keys) authors.push_back({bytes});
  } else if (key == "kinds") {
    TRY(filter.kinds, kind_list(value));
  } else if (key == "since") {
    TRY(filter.since, time(key, value));
  } else if (key == "until") {
    TRY(filter.until, time(key, value));
  } else if (key == "limit") {
    const auto limit = value.if_uint64();
    if (!limit) return invalid("filter.limit: expected an integer that is not negative");
    filter.limit = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(*limit, std::numeric_limits<std::uint32_t>::max()));
  } else if (key.size() == 2 && key[0] == '#' && is_letter(key[1])) {
    if (filter.tags.size() == kMaxTagLetters) return invalid("filter: too many tag conditions");
    TRY(filter.tags[key[1]], tag_list(key, value));
  } else {
    return invalid("filter: a member that is not one of ids, authors, kinds, since, until, limit, #a to #Z");
  }
  return {};
}

template <class T, class Text>
json::Value array_of(const std::vector<T>& values, Text text) {
  json::Array out;
  out.reserve(values.size());
  for (const T& value : values) out.emplace_back(text(value));
  return out;
}

}  // namespace

bool Filter::matches(const Event& event) const {
  if (since && event.created_at < *since) return false;
  if (until && event.created_at > *until) return false;
  if (excludes(kinds, event.kind) || excludes(authors, event.pubkey) || excludes(ids, event.id)) return false;
  return std::all_of(tags.begin(), tags.end(), [&](const auto& condition) {
    return has_tag(event, condition.first, condition.second);
  });
}

Result<Filter> filter_from_json(const json::Value& value) {
  const json::Object* object = value.if_object();
  if (object == nullptr) return invalid("filter: expected an object");
  Filter filter;
  for (const auto& [key, wanted] : *object) TRY_STATUS(read_member(filter, key, wanted));
  return filter;
}

json::Value to_json(const Filter& filter) {
  json::Value out{json::Object{}};
  if (filter.ids) out.set("ids", array_of(*filter.ids, [](const EventId& id) { return to_hex(id); }));
  if (filter.authors) {
    out.set("authors", array_of(*filter.authors, [](const crypto::XOnlyKey& key) { return key.hex(); }));
  }
  if (filter.kinds)
    out.set("kinds", array_of(*filter.kinds, [](std::uint32_t kind) { return std::uint64_t{kind}; }));
  for (const auto& [letter, values] : filter.tags) {
    out.set(std::string("#") + letter, array_of(values, [](const std::string& text) { return text; }));
  }
  if (filter.since) out.set("since", count(*filter.since));
  if (filter.until) out.set("until", count(*filter.until));
  if (filter.limit) out.set("limit", std::uint64_t{*filter.limit});
  return out;
}

}  // namespace manastr::nostr
