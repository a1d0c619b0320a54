#include "mint/api/daemon.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>

#include "common/net/operations.h"
#include "common/net/server.h"
#include "common/storage/directory_lock.h"
#include "common/telemetry/log.h"
#include "lightning/bolt11.h"
#include "lightning/fake_node.h"
#include "mint/admin/operations.h"
#include "mint/api/info.h"
#include "mint/api/limits.h"
#include "mint/api/observation.h"
#include "mint/api/replica.h"
#include "mint/api/routes.h"
#include "mint/keysets/foreign_keys.h"
#include "mint/keysets/journal_key.h"
#include "mint/keysets/mnemonic_file.h"
#include "mint/keysets/rotation.h"
#include "mint/ledger/postgres/postgres_ledger.h"
#include "mint/ledger/sqlite_ledger.h"

namespace manastr::mint {
namespace {

constexpr std::size_t kLightningThreads = 16;
constexpr Millis kHealthEvery{2'000};
constexpr Millis kLookEvery{10'000};  // at a ledger that other mints write too, beside what they tell
constexpr Millis kDrainMargin{700};
constexpr Millis kProviderPatience{3'000};  // for each of the OpenID provider's two documents

std::size_t cores() { return std::max(1U, std::thread::hardware_concurrency()); }

Status write_port_file(const std::string& directory, std::uint16_t port) {
  const std::string path = directory + "/port";
  const std::string fresh = path + ".new";
  std::FILE* file = std::fopen(fresh.c_str(), "we");
  if (file == nullptr) return invalid(fresh + " can't be written: " + std::strerror(errno));
  const bool written = std::fprintf(file, "%u\n", unsigned{port}) > 0;
  if (std::fclose(file) != 0 || !written || std::rename(fresh.c_str(), path.c_str()) != 0) {
    return invalid(path + " can't be written: " + std::strerror(errno));
  }
  return {};
}

/// The first start writes the ledger before the mnemonic, so one without the other is a ledger that went
/// astray.
Status check_ledger_is_not_lost(const Configuration& configuration, const std::string& directory,
                                const std::string& ledger) {
  const std::string words = directory + "/mnemonic";
  std::error_code error;
  if (!configuration.keysets.mnemonic.empty() || !std::filesystem::exists(words, error)) return {};
  const auto size = std::filesystem::file_size(ledger, error);
  if (!error && size > 0) return {};
  return invalid("the ledger " + ledger + " is missing or empty, but " + words +
                 " is there: put the ledger's backup back, for without it all that was spent could be spent "
                 "again; for a new mint move the mnemonic away");
}

/// When a restore was made that nobody has confirmed yet. An error if an import was not finished.
Result<std::optional<UnixSeconds>> unsettled_restore(Ledger& ledger) {
  TRY(const std::vector<Origin> origins, ledger.origins());
  std::optional<UnixSeconds> out;
  for (const Origin& each : origins) {
    if (each.settled) continue;
    if (each.kind == Origin::Kind::imported)
      return invalid("an import into this ledger was not finished: begin it again with an empty database");
    out = each.at;
  }
  if (out) {
    telemetry::log_warn(
        "the ledger was restored from a backup: proofs and quotes of before are refused until `manastr-mint "
        "confirm-restore` says that nothing happened after the backup");
  }
  return out;
}

struct Opened {
  std::unique_ptr<Ledger> ledger;
  std::unique_ptr<Rotation> rotation;
  crypto::XOnlyKey journal_key;
  std::optional<UnixSeconds> held_before;
};

Result<std::unique_ptr<Ledger>> open_sqlite(const Configuration& configuration, const std::string& directory,
                                            const Gathering& gathering, Observation& observation) {
  SqliteLedgerOptions options;
  options.gathering = gathering;
  options.file = configuration.sqlite_file(directory);
  TRY_STATUS(check_ledger_is_not_lost(configuration, directory, options.file));
  options.queue = configuration.limits.max_queue * 2;
  options.on_commit = [&observation](std::size_t writes, double seconds) {
    observation.committed(writes, seconds);
  };
  return open_sqlite_ledger(std::move(options));
}

Result<std::unique_ptr<Ledger>> open_postgres(const Configuration& configuration,
                                              const std::string& directory, const lightning::Node& node,
                                              const Gathering& gathering, Observation& observation) {
  PostgresLedgerOptions options;
  options.gathering = gathering;
  options.url = crypto::SecretText(configuration.database.secret_text());
  TRY(options.replica, replica_name(directory, system_random()));
  options.node = node.identity().empty() ? "of " + options.replica : node.identity();
  options.connections = configuration.database_max_connections;
  options.queue = configuration.limits.max_queue * 2;
  options.on_commit = [&observation](std::size_t writes, double seconds) {
    observation.committed(writes, seconds);
  };
  telemetry::log_info("the ledger is in PostgreSQL", {{"replica", options.replica}});
  return open_postgres_ledger(std::move(options));
}

Result<Opened> open_ledger(const Configuration& configuration, const std::string& directory,
                           const lightning::Node& node, const Gathering& gathering,
                           Observation& observation) {
  Opened out;
  TRY(out.ledger, configuration.database.is_postgresql()
                      ? open_postgres(configuration, directory, node, gathering, observation)
                      : open_sqlite(configuration, directory, gathering, observation));
  TRY(out.held_before, unsettled_restore(*out.ledger));
  TRY(const std::vector<KeysetRecord> stored, out.ledger->keysets());
  TRY(const Mnemonic mnemonic,
      load_mnemonic(configuration.keysets.mnemonic, directory, stored.empty(), system_random()));
  if (!mnemonic.made_file.empty()) {
    telemetry::log_warn("made a new mnemonic: back this file up now, all keys of the mint come from it",
                        {{"file", mnemonic.made_file}});
  }
  TRY(const crypto::Secret<64> seed, crypto::mnemonic_seed(mnemonic.words.reveal()));
  out.journal_key = journal_key(seed).x_only();
  out.ledger->sign_checkpoints(journal_key(seed));
  RotationOptions rotation;
  rotation.shared = configuration.database.is_postgresql();
  rotation.prune_after = configuration.keysets.prune_after;
  rotation.currencies = [ledger = out.ledger.get(),
                         &configuration]() -> Result<std::vector<CurrencyConfiguration>> {
    TRY(const std::vector<UnitRecord> units, ledger->units());
    return units_in_force(configuration.currencies, units);
  };
  TRY(Derivations derivations, all_derivations(seed, configuration, directory));
  TRY(out.rotation, Rotation::open(std::move(derivations), *out.ledger, configuration, std::move(rotation),
                                   system_clock()));
  std::vector<Ledger::Price> prices;
  prices.reserve(configuration.currencies.size());
  // Those of the ledger's own units are there.
  for (const CurrencyConfiguration& currency : configuration.currencies)
    prices.push_back({currency.unit, currency.price_msat, configuration.lightning.melt_quote_expiry});
  TRY_STATUS(out.ledger->set_prices(prices));
  return out;
}

Result<lightning::Network> network_of(const LightningConfiguration& configuration) {
  const auto network = lightning::network_of(configuration.network);
  if (!network)
    return invalid("[lightning] network: " + configuration.network + " is none that Lightning has");
  return *network;
}

Result<std::unique_ptr<lightning::Node>> open_node(const LightningConfiguration& configuration,
                                                   const std::string& directory) {
  lightning::FakeNodeOptions options;
  options.file = directory + "/fake-node.sqlite";
  TRY(options.network, network_of(configuration));
  options.auto_pay = configuration.auto_pay;
  options.offers = configuration.offers;
  options.invoice_delay = configuration.invoice_delay;
  options.payment_delay = configuration.payment_delay;
  options.fee_ppm = configuration.fee_ppm;
  TRY(std::unique_ptr<lightning::FakeNode> node, lightning::FakeNode::open(std::move(options)));
  return std::unique_ptr<lightning::Node>(std::move(node));
}

net::ServerOptions server_options(const Configuration& configuration, telemetry::Metrics& metrics,
                                  Limits& limits) {
  net::ServerOptions out;
  out.address = configuration.server.host == "localhost" ? "127.0.0.1" : configuration.server.host;
  out.port = configuration.server.port;
  out.io_threads =
      static_cast<unsigned>(configuration.server.threads != 0 ? configuration.server.threads
                                                              : std::clamp<std::size_t>(cores() / 4, 1, 16));
  out.max_body_bytes = configuration.server.max_body_bytes;
  out.max_connections = configuration.server.max_connections;
  out.websocket_message_bytes = kMaxRpcBytes;
  out.cors_origins = configuration.server.cors_origins;
  out.trusted_proxies = configuration.server.trusted_proxies;
  out.metrics = &metrics;
  if (configuration.server.requests_per_minute > 0) {
    out.admit = [&limits](const net::Request& request) -> std::optional<Millis> {
      if (request.path() == "/health" || request.path() == "/metrics") return std::nullopt;
      return limits.admit(request.client());
    };
  }
  return out;
}

/// Null without [auth].
std::unique_ptr<Authentication> start_authentication(const AuthenticationConfiguration& configuration,
                                                     const Keysets& keysets) {
  if (!configuration.enabled()) return nullptr;
  return std::make_unique<Authentication>(
      configuration, keysets, keysets.now()->mint_key().hex(),
      make_fetch(configuration.openid_ca_file, JwkSet::kMaxBytes, kProviderPatience));
}

/// For who waits for a quote to be paid: the node may know of a payment.
void ask_node(Parts& parts, const MintQuote& quote) {
  if (!parts.mint_quotes->ask_due(quote)) return;
  parts.lightning->try_post([&parts, quote] {
    if (const auto asked = parts.mint_quotes->ask(quote); !asked)
      telemetry::log_warn("a quote could not be asked for", {{"error", asked.error().message}});
  });
}

/// As clients see it, without a slash at the end.
std::string public_url(const ServerConfiguration& configuration, const net::Server& server) {
  return configuration.public_url.empty() ? server.url() : configuration.public_url;
}

/// For workers that are declared before what their tasks use.
struct StopsWorkers {
  Workers& workers;
  ~StopsWorkers() { workers.stop(); }
};

/// After this long the process ends however things stand: everything that matters is in the ledger.
void end_at_last(Millis limit) {
  std::thread([limit] {
    std::this_thread::sleep_for(limit);
    telemetry::log_warn("some work did not end in time and is left to the next start");
    std::_Exit(0);
  }).detach();
}

}  // namespace

Status migrate_mint(const Configuration& configuration) {
  if (!configuration.database.is_postgresql())
    return invalid("[database] url: SQLite's file is brought forward at start, there is nothing to do");
  const crypto::SecretText url(configuration.database.secret_text());
  TRY(const std::string runtime, role_of(url));
  return migrate_postgres_ledger(
      configuration.database_owner_url.empty() ? url : configuration.database_owner_url, runtime);
}

Status run_mint(const Configuration& configuration, const std::string& directory,
                resilience::Termination& termination) {
  TRY_STATUS(check_backends(configuration));
  TRY_STATUS(check_play_money(configuration));
  TRY(const storage::DirectoryLock lock, storage::DirectoryLock::acquire(directory));
  std::remove((directory + "/port").c_str());  // who waits for it must not find that of an earlier run
  Observation observation;
  TRY(const std::unique_ptr<lightning::Node> node, open_node(configuration.lightning, directory));
  const std::size_t workers =
      configuration.server.crypto_workers != 0 ? configuration.server.crypto_workers : cores();
  Workers crypto(workers, configuration.limits.max_queue);
  const Gathering gathering{[&crypto] { return crypto.queued(); }};  // what waits there may become writes
  TRY(Opened opened, open_ledger(configuration, directory, *node, gathering, observation));

  TRY(const std::unique_ptr<Engines> engines,
      Engines::start(configuration.authorization, configuration.engines, system_clock()));
  Limits limits(configuration.server, *engines, *opened.ledger, system_clock());
  Reservations reservations;
  Parts parts;
  parts.keysets = &opened.rotation->keysets();
  parts.ledger = opened.ledger.get();
  parts.engines = engines.get();
  parts.reservations = &reservations;
  parts.clock = &system_clock();
  parts.random = &system_random();
  parts.limits = configuration.limits;
  parts.melt_quote_rules.expiry = configuration.lightning.melt_quote_expiry;
  TRY(parts.melt_quote_rules.network, network_of(configuration.lightning));
  parts.melt_quote_rules.offers = node->offers() != nullptr;
  parts.pays_parts = node->pays_parts();
  parts.held_before = opened.held_before;
  MintQuotes mint_quotes(*parts.keysets, *parts.ledger, *node,
                         {configuration.lightning.mint_quote_expiry, configuration.lightning.offer_expiry},
                         *parts.clock, *parts.random);
  MeltPayments melt_payments(*parts.keysets, *parts.ledger, *node,
                             {.answer_within = configuration.lightning.payment_timeout}, *parts.clock);
  Workers lightning(kLightningThreads, configuration.limits.max_queue);
  parts.mint_quotes = &mint_quotes;
  parts.melt_payments = &melt_payments;
  parts.crypto = &crypto;
  parts.lightning = &lightning;
  // Ends before the workers that it hands requests back to.
  const std::unique_ptr<Authentication> authentication =
      start_authentication(configuration.authentication, *parts.keysets);
  parts.authentication = authentication.get();
  HubLimits hub_limits;
  // What another mint on the same database commits is told by that one; looking is for what gets lost.
  if (configuration.database.is_postgresql()) hub_limits.look_every = kLookEvery;
  Hub hub(*parts.keysets, *parts.ledger,
          {[&parts](const MintQuote& quote) { ask_node(parts, quote); },
           [&parts](const MeltQuote& quote) { parts.melt_payments->ask_soon(quote.id); }},
          hub_limits, *parts.clock);
  observation.watch(parts, *node, hub);
  TRY_STATUS(melt_payments.recover());  // before the first request
  opened.rotation->start();

  TRY(const std::unique_ptr<Admins> admins,
      Admins::start(configuration.admin, configuration.admins, system_clock()));
  LiveUnits live_units(
      *opened.rotation,
      {configuration.currencies, configuration.lightning.melt_quote_expiry, configuration.keysets.id_version,
       configuration.keysets.denominations, configuration.keysets.overlap, configuration.keysets.lifetime,
       token_plan(configuration.authentication, configuration.keysets)});
  AdminAccess admin_access(*admins, parts, observation.metrics);

  std::optional<Info> info;
  InfoSlot info_slot = nullptr;
  net::Router router;
  net::ServerOptions options = server_options(configuration, observation.metrics, limits);
  add_cashu_routes(router, parts, info_slot);
  Supply supply(parts, opened.journal_key);
  add_supply_route(router, parts, supply);
  if (parts.authentication != nullptr) add_blind_token_routes(router, parts);
  add_subscription_route(router, parts, hub);
  add_game_routes(router, parts, info_slot);
  add_admin_routes(router, parts, admin_access, live_units, info_slot);
  net::add_operations_routes(router, observation.health, observation.metrics);
  const StopsWorkers after_the_server{crypto};  // and before what their tasks use
  TRY(std::unique_ptr<net::Server> server, net::Server::start(std::move(options), std::move(router)));
  info.emplace(configuration, *parts.keysets, public_url(configuration.server, *server), *node);
  info_slot = &*info;
  TRY_STATUS(write_port_file(directory, server->port()));
  lightning.try_post([&mint_quotes] { mint_quotes.catch_up(); });
  telemetry::log_info(
      "the mint serves",
      {{"url", server->url()}, {"units", parts.keysets->now()->currencies().size()}, {"workers", workers}});

  while (!termination.wait_for(kHealthEvery)) observation.look();

  telemetry::log_info("stopping: requests under way are answered first");
  termination.second_kills();
  end_at_last(configuration.server.drain_timeout);
  melt_payments.stop_waiting();
  server->drain(std::max(configuration.server.drain_timeout - kDrainMargin, Millis{0}));
  lightning.stop();
  crypto.stop();
  melt_payments.stop();
  return {};
}

}  // namespace manastr::mint
