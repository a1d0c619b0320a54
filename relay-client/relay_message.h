// NIP-01 messages of a relay to its client, and those of a client to a relay: bytes in, types out. Used by
// the pool's sessions. Never trusts: an unknown or malformed message is an error value, and parsing allocates
// no more than the text. Fuzz target: tests/fuzz/relay_message_fuzz.cpp.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/nostr/event.h"
#include "common/nostr/filter.h"

namespace manastr::relay {

enum class Verb { event, eose, ok, closed, notice, auth, count, unknown };

/// The verb alone, from the first few bytes, without parsing: what decides whether a message waits in the
/// inbox.
Verb peek_verb(std::string_view text);

struct RelayMessage {
  Verb verb = Verb::unknown;
  std::string subscription;          ///< EVENT, EOSE, CLOSED, COUNT
  nostr::Event event;                ///< EVENT: shape checked, neither id nor signature
  std::optional<nostr::EventId> id;  ///< OK; nullopt where the relay named none ("")
  bool accepted = false;             ///< OK
  std::string text;                  ///< OK, CLOSED, NOTICE: what it says; AUTH: the challenge
};
Result<RelayMessage> parse_relay_message(std::string_view text);

/// The machine-readable prefix of an OK or CLOSED (NIP-01), read as relays really write it: in any case, and
/// behind a leading "ERROR: ".
enum class Reason {
  none,
  duplicate,
  pow,
  blocked,
  rate_limited,
  invalid,
  restricted,
  mute,
  error,
  auth_required,
  replaced,
  deleted,  // strfry's
  unsupported,
};
Reason reason_of(std::string_view text);

std::string request_message(std::string_view subscription, const std::vector<nostr::Filter>& filters);
std::string close_message(std::string_view subscription);
std::string event_message(const nostr::Event& event);
std::string auth_message(const nostr::Event& event);

/// What a relay's NIP-11 document bounds, as far as it says so.
struct RelayLimits {
  std::optional<std::uint64_t> message_bytes, subscriptions, limit, event_tags, content_characters;
};
/// Never fails: what is missing or of the wrong type is unknown.
RelayLimits parse_relay_limits(std::string_view nip11);

}  // namespace manastr::relay
