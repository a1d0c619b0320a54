// What game-engine.toml says, as plain values with defaults. Read once at start by the daemon (and by
// `check-config`). The file itself is documented in config/game-engine.toml.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/config/document.h"
#include "common/crypto/keys.h"
#include "common/crypto/secret.h"
#include "common/daemon/database_url.h"
#include "common/daemon/logging.h"

namespace manastr::engine {

struct ServerConfiguration {
  std::string host = "127.0.0.1";
  std::uint16_t port = 3334;  ///< /health, /metrics, transcripts; 0: any free one
  std::vector<std::string> cors_origins{"*"};
  std::string public_url;  ///< "": http://host:port
  std::string data_dir;    ///< "": ./data
};

struct NostrConfiguration {
  /// Identity of the engine; nullopt: the file `nostr.key` in the data folder, made at the first start.
  std::optional<crypto::SecretKey> private_key;
  std::vector<std::string> relay_urls;
  std::vector<std::uint32_t> event_kinds{31000, 31001, 31002, 31003, 31004, 31005};
  std::size_t quorum = 0;  ///< relays that must have an event; 0: more than half
};

struct MintConfiguration {
  std::string primary_url;
  std::string backup_url;  ///< "": none
  std::uint32_t retry_attempts = 3;
  Millis timeout{30'000};
};

struct ValidationConfiguration {
  std::size_t max_concurrent_matches = 100;
  Millis match_timeout{3'600'000};            ///< from `funded` to the hard end, at most
  Millis commitment_reveal_timeout{300'000};  ///< the longest that one step may take
};

/// What the 31006 announcement offers, and the bounds within which terms are accepted.
struct AnnouncementConfiguration {
  std::string name = "Manastr engine";
  std::vector<std::string> stake_units{"mana"};
  std::vector<std::string> prize_units{"loot"};
  std::uint32_t rake_ppm = 0;
  std::uint64_t min_stake = 1;
  std::uint64_t max_stake = 1'000'000;
  Millis min_step{30'000};       ///< no step of a match allows less
  Millis grace{5'000};           ///< from a receipt to the start of the clock
  Millis min_allowance{60'000};  ///< a party's clock for the whole match, least and most
  Millis max_allowance{3'600'000};
  Millis funding_clock{600'000};  ///< most
  Millis max_give_back{3'600'000};
  Millis min_claim_window{86'400'000};
  Millis max_open{86'400'000};           ///< how long a challenge may stand open
  std::uint32_t work_bits = 0;           ///< NIP-13, of every 31000
  std::uint32_t quitter_work_bits = 16;  ///< of a key that quit lately
};

struct EscrowConfiguration {
  /// From which the escrow key, links and the secrets of rake proofs derive, 64 hex digits; nullopt: the file
  /// `link.key` in the data folder, made at the first start. Engines of one cluster share it.
  std::optional<crypto::SecretKey> link_secret;
};

struct Configuration {
  ServerConfiguration server;
  NostrConfiguration nostr;
  MintConfiguration mint;
  ValidationConfiguration validation;
  AnnouncementConfiguration announcement;
  EscrowConfiguration escrow;
  daemon::DatabaseUrl database;  ///< absent: sqlite:engine.sqlite
  daemon::Logging logging;
  std::vector<std::string> warnings;

  /// File of the SQLite journal below `data_dir`.
  std::string sqlite_file(const std::string& data_dir) const {
    return database.sqlite_file(data_dir, "engine.sqlite");
  }
};

/// Reads and checks the file; connects to nothing. The error has one line per fault.
Result<Configuration> load_configuration(const std::string& path,
                                         config::Environment environment = config::process_environment());

/// What this build can run: an error in one line for postgresql://.
Status check_backends(const Configuration& configuration);

}  // namespace manastr::engine
