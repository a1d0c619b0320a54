#include "relay-client/embedded/client_message.h"

namespace manastr::relay::embedded {
namespace {

std::optional<Command> command_of(std::string_view name) {
  if (name == "EVENT") return Command::event;
  if (name == "REQ") return Command::req;
  if (name == "CLOSE") return Command::close;
  if (name == "AUTH") return Command::auth;
  if (name == "COUNT") return Command::count;
  return std::nullopt;
}

std::string shown(std::string_view text) { return std::string(text.substr(0, 40)); }

}  // namespace

std::expected<ClientMessage, Unusable> parse_client_message(std::string_view text,
                                                            const MessageBounds& bounds) {
  Unusable wrong;
  const auto fail = [&](std::string why) {
    wrong.why = "invalid: " + std::move(why);
    return std::unexpected(std::move(wrong));
  };
  const auto parsed =
      json::parse(text, {.bytes = bounds.bytes, .depth = 8, .values = 50'000, .string_bytes = bounds.bytes});
  if (!parsed) return fail("not JSON: " + parsed.error().message);
  const json::Array* items = parsed->if_array();
  if (items == nullptr || items->empty())
    return fail("expected an array that starts with EVENT, REQ, CLOSE, COUNT or AUTH");
  const std::string* name = (*items)[0].if_string();
  if (name == nullptr) return fail("expected the message's name first, a string");
  wrong.command = command_of(*name);
  if (!wrong.command) return fail("unknown message '" + shown(*name) + "'");
  ClientMessage out{.command = *wrong.command};
  if (items->size() < 2) return fail(*name + " needs more than its name");

  if (out.command == Command::event || out.command == Command::auth) {
    if (items->size() != 2) return fail(*name + " takes one event and nothing else");
    if (const json::Value* id = (*items)[1].find("id"); id != nullptr && id->if_string() != nullptr) {
      if (array_from_hex<32>(*id->if_string())) wrong.about = *id->if_string();
    }
    auto event = nostr::event_from_json((*items)[1]);
    if (!event) return fail(event.error().message);
    out.event = std::move(*event);
    return out;
  }

  const std::string* subscription = (*items)[1].if_string();
  if (subscription == nullptr) return fail("the subscription id must be a string");
  if (subscription->empty() || subscription->size() > bounds.subscription_id_bytes) {
    return fail("the subscription id must have 1 to " + std::to_string(bounds.subscription_id_bytes) +
                " bytes");
  }
  wrong.about = out.subscription = *subscription;
  if (out.command == Command::close) return out;
  if (items->size() < 3) return fail(*name + " needs at least one filter");
  if (items->size() - 2 > bounds.filters)
    return fail("at most " + std::to_string(bounds.filters) + " filters in one " + *name);
  for (std::size_t i = 2; i < items->size(); ++i) {
    auto filter = nostr::filter_from_json((*items)[i]);
    if (!filter) return fail(filter.error().message);
    out.filters.push_back(std::move(*filter));
  }
  return out;
}

}  // namespace manastr::relay::embedded
