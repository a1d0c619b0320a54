// The keys under which stored events are found and standing filters are woken: one text per author, kind and
// tag value.
#pragma once
#include <string>
#include <string_view>

#include "common/nostr/filter.h"

namespace manastr::relay::embedded {

inline constexpr std::size_t kIndexedBytes = 1024;  ///< a longer tag value is found by its beginning

inline std::string id_key(const nostr::EventId& id) { return 'i' + std::string(as_text(id)); }
inline std::string author_key(const crypto::XOnlyKey& author) {
  return 'a' + std::string(as_text(author.bytes));
}
inline std::string kind_key(std::uint32_t kind) { return 'k' + std::to_string(kind); }
inline std::string tag_key(char letter, std::string_view value) {
  std::string out = {'t', letter};
  return out.append(value.substr(0, kIndexedBytes));
}
/// NIP-01: only tags of one letter, only their first value.
inline bool is_indexed(const nostr::Tag& tag) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return tag.size() >= 2 && tag[0].size() == 1 && letter(tag[0][0]);
}

}  // namespace manastr::relay::embedded
