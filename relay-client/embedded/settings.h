// What relay.toml says. Read by main once, before anything else; config/relay.toml documents every key.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/crypto/keys.h"

namespace manastr::relay::embedded {

struct Settings {
  // [info]: what the NIP-11 document says of this relay
  std::string relay_url;  ///< as clients know it; empty: whatever host they call (checked in NIP-42)
  std::string name = "manastr relay", description, contact, icon;
  std::string pubkey;  ///< hex, or empty

  // [database]
  bool sqlite = true;
  std::string data_directory;  ///< empty: ./data

  // [network]
  std::string address = "127.0.0.1";
  std::uint16_t port = 8080;  ///< 0: any free one, written to DIR/port
  Seconds ping_interval{60};
  bool trust_forwarded_for = false;

  // [options]: created_at against this machine's clock; 0 means no bound
  Seconds reject_future{7'200};
  Seconds reject_past{0};

  // [limits]; 0 means no limit for the rates
  std::uint64_t message_bytes = 128 * 1024;
  std::uint64_t subscriptions = 200;
  std::uint64_t filters = 20;
  std::uint64_t default_limit = 500;
  std::uint64_t most_limit = 5'000;
  std::uint64_t subscription_id_bytes = 64;
  std::uint64_t events = 1'000'000;
  std::uint64_t connections = 10'000;
  std::uint64_t connections_per_address = 0;
  std::uint64_t messages_per_second = 0;   ///< per connection
  std::uint64_t events_per_minute = 0;     ///< per address
  std::uint64_t pending_bytes = 32 << 20;  ///< per connection, written but not read by the client

  // [authorization]
  bool nip42 = true;
  bool require_auth = false;
  std::vector<crypto::XOnlyKey> pubkey_whitelist;  ///< authors whose events are taken; empty: all
};

/// The error names every key at fault with file:line.
Result<Settings> load_settings(const std::string& path);

}  // namespace manastr::relay::embedded
