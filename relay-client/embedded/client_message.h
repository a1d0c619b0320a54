// NIP-01 messages of a client to the relay: bytes in, types out, bounded before they cost. Fuzz target:
// tests/fuzz/client_message_fuzz.cpp.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/nostr/event.h"
#include "common/nostr/filter.h"

namespace manastr::relay::embedded {

enum class Command { event, req, close, auth, count };

struct ClientMessage {
  Command command = Command::event;
  nostr::Event event;                  ///< EVENT, AUTH: shape checked, neither id nor signature
  std::string subscription;            ///< REQ, CLOSE, COUNT
  std::vector<nostr::Filter> filters;  ///< REQ, COUNT: at least one
};

struct MessageBounds {
  std::size_t bytes = 128 * 1024;
  std::size_t filters = 20;
  std::size_t subscription_id_bytes = 64;
};

/// A message that can't be used: what to answer. `about` is the event id or subscription id it concerned, as
/// far as it could be read; without it a NOTICE is the only answer.
struct Unusable {
  std::optional<Command> command;
  std::string about;
  std::string why;  ///< with its prefix, "invalid: ..."
};

std::expected<ClientMessage, Unusable> parse_client_message(std::string_view text,
                                                            const MessageBounds& bounds);

}  // namespace manastr::relay::embedded
