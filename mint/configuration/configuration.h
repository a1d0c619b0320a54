// What mint.toml says, as plain values with defaults. Read once at start by the daemon (and by
// `check-config`); the list of authorized engines is read again whenever its file changes. The file itself is
// documented in config/mint.toml.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/cashu/types.h"
#include "common/config/document.h"
#include "common/crypto/keys.h"
#include "common/crypto/secret.h"
#include "common/daemon/database_url.h"
#include "common/daemon/logging.h"
#include "common/net/client_address.h"
#include "mint/configuration/authentication.h"

namespace manastr::mint {

struct ServerConfiguration {
  std::string host = "127.0.0.1";
  std::uint16_t port = 3333;  ///< 0: any free one
  std::vector<std::string> cors_origins{"*"};
  /// Base URL as clients see it, without a slash at the end: NIP-98's `u`, /v1/info. "": http://host:port.
  std::string public_url;
  std::string data_dir;  ///< absolute or relative to the working folder; "": ./data
  std::size_t max_connections = 1'000;
  std::size_t max_body_bytes = 1 << 20;
  std::size_t threads = 0;                ///< that read and write sockets; 0: chosen from the cores
  std::size_t crypto_workers = 0;         ///< 0: one per core
  std::uint64_t requests_per_minute = 0;  ///< per client address; 0: no limit
  std::uint64_t burst = 100;
  std::vector<net::AddressRange> trusted_proxies;  ///< whose X-Forwarded-For says who the client is
  Millis drain_timeout{5'000};
};

struct LightningConfiguration {
  std::string backend = "fake";   ///< "fake" or "lnd"
  std::string connection_string;  ///< host:port of the node
  std::string tls_cert_file;
  crypto::SecretText macaroon;  ///< hex
  std::string network = "regtest";
  Seconds mint_quote_expiry{3'600};
  Seconds offer_expiry{365 * 86'400};  ///< of bolt12 mint quotes
  Seconds melt_quote_expiry{600};
  Millis payment_timeout{60'000};
  // Of the fake node alone:
  bool allow_play_money = false;  ///< whether it may serve an address that is not loopback
  bool auto_pay = true;
  bool offers = true;
  Millis invoice_delay{100};
  Millis payment_delay{0};
  std::uint32_t fee_ppm = 0;
};

enum class Issuer { lightning, engine };

/// One unit of the mint.
struct CurrencyConfiguration {
  std::string name;              ///< of [currencies.NAME]
  cashu::Unit unit;              ///< default: the name
  std::uint8_t precision = 0;    ///< decimal places, for display
  cashu::Amount min_amount = 1;  ///< per mint or melt quote
  cashu::Amount max_amount = 1'000'000;
  std::uint32_t fee_reserve_ppm = 0;  ///< of the melted amount, held back for the Lightning fee
  std::uint64_t price_msat = 200;     ///< of one unit; 1000 for "sat"
  std::vector<Issuer> issued_by{Issuer::lightning};  ///< `loot`: the engine alone
  bool meltable = true;
  std::uint64_t input_fee_ppk = 0;
  std::uint32_t keyset_index = 0;  ///< counts rotations: those below it only verify and are swapped away
  // What operators have set at run time (mint/keysets/unit_record.h):
  bool of_file = true;                      ///< else an operator made it, and the ledger has its terms
  bool retired = false;                     ///< nothing more is issued; `issued_by` is empty then
  std::optional<cashu::Amount> cap;         ///< most that may be in circulation
  std::optional<UnixSeconds> final_expiry;  ///< of the keyset that signs now, if an operator gave it one
  // Absent: as [keysets] says.
  std::optional<Seconds> rotate_every;
  std::optional<Seconds> overlap;
  std::optional<Seconds> keyset_lifetime;
  bool issued_by_lightning() const;
  bool issued_by_engine() const;
  bool operator==(const CurrencyConfiguration&) const = default;
};

struct KeysetsConfiguration {
  /// 12 or more words of BIP-39; empty: the file `mnemonic` in the data folder, made at the first start.
  crypto::SecretText mnemonic;
  /// Of a mint that was imported; empty: the file `imported-seed` in the data folder, if it is there.
  crypto::SecretText imported_seed;
  int id_version = 2;                ///< 1 or 2 (NUT-02)
  std::uint32_t denominations = 32;  ///< powers of two from 1
  Seconds rotate_every{0};           ///< a fresh keyset after this; 0: never by itself
  Seconds overlap{3'600};            ///< how long its predecessor signs on
  Seconds lifetime{0};               ///< of a fresh keyset until its final expiry; 0: for ever
  Seconds prune_after{30 * 86'400};  ///< past the final expiry; 0: never
};

struct LimitsConfiguration {
  std::size_t max_inputs = 1'000;
  std::size_t max_outputs = 1'000;
  std::size_t max_restore_outputs = 1'000;
  std::size_t max_batch_quotes = 100;  ///< NUT-29
  std::size_t max_queue = 10'000;      ///< requests waiting before 503
};

struct InfoConfiguration {
  std::string name = "Manastr mint";
  std::string description;
  std::string description_long;
  std::string motd;
  std::string icon_url;
  std::string tos_url;
  std::string contact_email;
  std::string contact_nostr;
};

/// An engine that may use /game-engine/*, of mint.toml or of the auth file.
struct AuthorizedEngine {
  std::string name;
  crypto::XOnlyKey key;
  bool active = true;
  bool can_burn_mana = false;
  bool can_mint_loot = false;
  bool can_query_spent_status = false;
  std::uint64_t max_tokens_per_request = 1'000;  ///< sum of amounts per unit; above it 11006
  std::uint64_t requests_per_minute = 0;         ///< 0: no limit
  std::string origin;                            ///< "game-engine-auth.toml:3"
};

/// What an operator may do with the mint while it runs. Reading is every role's.
enum class Role : std::uint8_t {
  viewer = 1,     ///< reads
  operate = 2,    ///< rotates keys, sets limits, expires and retires units ("operator")
  treasurer = 4,  ///< makes units, sets prices and caps
};

/// One who may call /admin/v1/*, of mint.toml or of the admins' file.
struct Admin {
  std::string name;
  crypto::XOnlyKey key;
  std::vector<Role> roles;  ///< at least one, each once
  std::string origin;       ///< "mint.toml:3"
  bool has(Role role) const;
};

struct AdminConfiguration {
  std::string admins_file;                 ///< "": none
  std::uint64_t requests_per_minute = 60;  ///< of each admin
  std::vector<Admin> from_mint_toml;       ///< those of mint.toml itself
};

struct AuthorizationConfiguration {
  bool allow_runtime_updates = true;
  std::string auth_config_file;                  ///< "": none
  std::vector<AuthorizedEngine> from_mint_toml;  ///< those of mint.toml itself
};

struct Configuration {
  ServerConfiguration server;
  daemon::DatabaseUrl database;           ///< absent: sqlite:mint.sqlite
  crypto::SecretText database_owner_url;  ///< for `migrate`: PostgreSQL as the role that owns the tables
  std::size_t database_max_connections = 20;
  LightningConfiguration lightning;
  std::vector<CurrencyConfiguration> currencies;  ///< in the order of the file; without any: sat, mana, loot
  KeysetsConfiguration keysets;
  LimitsConfiguration limits;
  InfoConfiguration info;
  AuthorizationConfiguration authorization;
  AuthenticationConfiguration authentication;
  AdminConfiguration admin;
  std::vector<Admin> admins;              ///< both files together, as they stood when this was loaded
  std::vector<AuthorizedEngine> engines;  ///< both files together, as they stood when this was loaded
  daemon::Logging logging;
  std::vector<std::string> warnings;

  /// File of the SQLite ledger below `data_dir`.
  std::string sqlite_file(const std::string& data_dir) const {
    return database.sqlite_file(data_dir, "mint.sqlite");
  }
};

/// Reads and checks the file and the auth file it names; connects to nothing. The error has one line per
/// fault.
Result<Configuration> load_configuration(const std::string& path,
                                         config::Environment environment = config::process_environment());

/// Both sets of engines as one, the auth file read anew. The same key twice is an error. A missing auth file
/// is a line in `warnings`, or an error where there is no place for that (a hot reload, which so keeps what
/// was in force).
Result<std::vector<AuthorizedEngine>> load_engines(const AuthorizationConfiguration& authorization,
                                                   std::vector<std::string>* warnings = nullptr);

/// The tables [[authorized_game_engines]] of either file; errors stay with the sections' document.
std::vector<AuthorizedEngine> read_engines(std::vector<config::Section> sections);

/// The same for admins: both sets as one, the admins' file read anew.
Result<std::vector<Admin>> load_admins(const AdminConfiguration& admin,
                                       std::vector<std::string>* warnings = nullptr);
/// The tables [[admins]] of either file.
std::vector<Admin> read_admins(std::vector<config::Section> sections);
/// As configurations call it: "viewer", "operator", "treasurer".
std::string_view name_of(Role role);

/// Play money is for one's own machine: an error if the fake node would serve `host` without
/// allow_play_money. The daemon calls it before it listens.
Status check_play_money(const Configuration& configuration);

/// What this build can run: an error in one line for backend "lnd".
Status check_backends(const Configuration& configuration);

/// "localhost", 127.0.0.0/8 or ::1.
bool is_loopback(std::string_view host);

}  // namespace manastr::mint
