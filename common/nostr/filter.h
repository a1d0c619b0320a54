// NIP-01 filters, for the embedded relay, the relay client and tests.
#pragma once
#include <map>

#include "common/nostr/event.h"

namespace manastr::nostr {

struct Filter {
  std::optional<std::vector<EventId>> ids;
  std::optional<std::vector<crypto::XOnlyKey>> authors;
  std::optional<std::vector<std::uint32_t>> kinds;
  std::map<char, std::vector<std::string>> tags;  ///< "#e" -> values, one letter each
  std::optional<UnixSeconds> since;               ///< inclusive
  std::optional<UnixSeconds> until;               ///< inclusive
  std::optional<std::uint32_t> limit;
  bool matches(const Event& event) const;
};

/// Bounds: 1000 values a field, 20 tag letters; ids/authors/#e/#p must be 64 lower-case hex digits. Unknown
/// fields are an error (a filter that is half understood would return too much).
Result<Filter> filter_from_json(const json::Value& value);
json::Value to_json(const Filter& filter);

}  // namespace manastr::nostr
