#include "relay-client/embedded/settings.h"

#include "common/config/document.h"

namespace manastr::relay::embedded {

Result<Settings> load_settings(const std::string& path) {
  using config::Document;
  using config::Section;
  TRY(Document document, Document::load(path));
  Settings out;

  Section info = document.section("info");
  out.relay_url = info.url("relay_url", "", {"ws", "wss"});
  out.name = info.text("name", out.name);
  out.description = info.text("description", "");
  out.contact = info.text("contact", "");
  out.icon = info.text("relay_icon", "");
  if (info.has("pubkey")) {
    if (const auto key = info.public_key("pubkey")) out.pubkey = key->hex();
  }

  Section database = document.section("database");
  out.sqlite = database.choice("engine", "sqlite", {"sqlite", "memory"}) == "sqlite";
  out.data_directory = database.path("data_directory", "");

  Section network = document.section("network");
  out.address = network.text({"address", "RELAY_ADDRESS"}, out.address);
  out.port = static_cast<std::uint16_t>(network.integer({"port", "RELAY_PORT"}, out.port, 0, 65535));
  out.ping_interval = std::chrono::duration_cast<Seconds>(
      network.duration("ping_interval", Seconds(1), out.ping_interval, Seconds(5), Seconds(3'600)));
  out.trust_forwarded_for = network.boolean("trust_forwarded_for", false);

  Section options = document.section("options");
  out.reject_future = Seconds(options.integer("reject_future_seconds", 7'200, 0, 1'000'000'000));
  out.reject_past = Seconds(options.integer("reject_past_seconds", 0, 0, 10'000'000'000));

  Section limits = document.section("limits");
  out.message_bytes = limits.integer("max_ws_message_bytes", out.message_bytes, 1024, 4 << 20);
  out.subscriptions = limits.integer("max_subscriptions", out.subscriptions, 1, 10'000);
  out.filters = limits.integer("max_filters", out.filters, 1, 100);
  out.default_limit = limits.integer("default_limit", out.default_limit, 1, 50'000);
  out.most_limit = limits.integer("max_limit", out.most_limit, 1, 50'000);
  out.events = limits.integer("max_events", out.events, 1, 100'000'000);
  out.connections = limits.integer("max_connections", out.connections, 1, 1'000'000);
  out.connections_per_address = limits.integer("max_connections_per_ip", 0, 0, 1'000'000);
  out.messages_per_second = limits.integer("messages_per_sec", 0, 0, 1'000'000);
  out.events_per_minute = limits.integer("events_per_min", 0, 0, 1'000'000);
  out.pending_bytes = limits.integer("max_pending_bytes", out.pending_bytes, 1 << 20, 1ULL << 30);
  if (out.default_limit > out.most_limit) limits.reject("default_limit", "at most max_limit");

  Section authorization = document.section("authorization");
  out.nip42 = authorization.boolean("nip42_auth", true);
  out.require_auth = authorization.boolean("require_auth", false);
  if (out.require_auth && !out.nip42) authorization.reject("require_auth", "nip42_auth = true beside it");
  for (const std::string& text : authorization.texts("pubkey_whitelist", {})) {
    const auto key = crypto::XOnlyKey::from_hex(text);
    if (key && key->on_curve()) {
      out.pubkey_whitelist.push_back(*key);
    } else {
      authorization.reject("pubkey_whitelist", "public keys of 64 lower-case hex digits");
    }
  }

  TRY_STATUS(document.finish());
  return out;
}

}  // namespace manastr::relay::embedded
