// A subscription or fetch as the pool's threads share it. The text of a relay subscription id tells which
// wish it serves.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/nostr/filter.h"

namespace manastr::relay {

struct Wish {
  std::uint64_t id = 0;
  std::vector<nostr::Filter> filters;
  bool once = false;  ///< a fetch: closed when its stored events are in
  bool paged = true;  ///< false if the caller set a limit
};

/// "s12.3": `role` s (the subscription itself), p (a page of what was cut off) or b (a read-back); 12 is the
/// wish, 3 a number never used before on this connection, since relays drop a repeated id.
struct SubscriptionName {
  char role = 's';
  std::uint64_t wish = 0;
  std::uint64_t number = 0;
  std::string text() const { return role + std::to_string(wish) + '.' + std::to_string(number); }
};
std::optional<SubscriptionName> parse_subscription_name(std::string_view text);

/// What came in answer to one request, filter by filter, up to its EOSE.
struct Tally {
  struct PerFilter {
    std::uint64_t events = 0;
    std::int64_t oldest = 0;  ///< created_at; meaningless without events
  };
  std::vector<PerFilter> filters;
};

}  // namespace manastr::relay
