#include "mint/configuration/configuration.h"

#include <arpa/inet.h>

#include <algorithm>
#include <filesystem>

#include "common/crypto/bip39.h"

namespace manastr::mint {
namespace {

using config::Document;
using config::Section;

constexpr Millis kSecond{1'000};
constexpr Millis kHour{3'600'000};
constexpr Millis kDay{24 * kHour};
constexpr Millis kLongest{36'500 * kDay};
constexpr std::uint64_t kMostAmount = std::uint64_t{1} << 62;

/// The proxies in front of the mint.
std::vector<net::AddressRange> read_proxies(Section& section) {
  constexpr const char* kKey = "trusted_proxies";
  constexpr std::size_t kMost = 256;
  const std::string expected = "a list of at most " + std::to_string(kMost) +
                               " addresses or networks, such as \"127.0.0.1\" or \"2001:db8:1::/48\"";
  const std::vector<std::string> texts = section.texts(kKey, {});
  if (texts.size() > kMost) section.reject(kKey, expected);
  std::vector<net::AddressRange> out;
  for (const std::string& each : texts) {
    const auto range = net::AddressRange::parse(each);
    if (!range) {
      section.reject(kKey, expected + "; " + range.error().message);
      break;
    }
    out.push_back(*range);
  }
  return out;
}

ServerConfiguration read_server(Section section) {
  ServerConfiguration out;
  out.host = section.text({"host", "MINT_HOST"}, out.host);
  if (out.host.empty())
    section.reject("host", "an address to listen on, such as \"127.0.0.1\" or \"0.0.0.0\"");
  out.port = static_cast<std::uint16_t>(section.integer({"port", "MINT_PORT"}, out.port, 0, 65'535));
  out.cors_origins = section.texts("cors_origins", out.cors_origins);
  out.public_url = section.url({"public_url", "MINT_PUBLIC_URL"}, "", {"http", "https"});
  out.data_dir = section.path("data_dir", "");
  out.max_connections = section.integer("max_connections", out.max_connections, 1, 100'000);
  out.max_body_bytes = section.integer("max_body_bytes", out.max_body_bytes, 1'024, 16 << 20);
  out.threads = section.integer("threads", 0, 0, 256);
  out.crypto_workers = section.integer("crypto_workers", 0, 0, 256);
  out.requests_per_minute = section.integer("requests_per_minute", 0, 0, 1'000'000'000);
  out.burst = section.integer("burst", out.burst, 1, 1'000'000'000);
  out.trusted_proxies = read_proxies(section);
  out.drain_timeout =
      section.duration("drain_timeout_seconds", kSecond, out.drain_timeout, Millis{0}, 5 * kSecond);
  return out;
}

LightningConfiguration read_lightning(Section section) {
  LightningConfiguration out;
  out.backend = section.choice("backend", out.backend, {"fake", "lnd"});
  out.connection_string = section.text({"connection_string", "LIGHTNING_CONNECTION_STRING"}, "");
  out.tls_cert_file = section.path("tls_cert_file", "");
  out.macaroon = section.secret({"macaroon", "LIGHTNING_MACAROON"});
  out.network = section.choice("network", out.network, {"mainnet", "testnet", "signet", "regtest", "simnet"});
  const auto seconds = [&](const char* key, Seconds fallback) {
    return std::chrono::duration_cast<Seconds>(section.duration(key, kSecond, fallback, kSecond, 365 * kDay));
  };
  out.mint_quote_expiry = seconds("mint_quote_expiry_seconds", out.mint_quote_expiry);
  out.melt_quote_expiry = seconds("melt_quote_expiry_seconds", out.melt_quote_expiry);
  out.offer_expiry = std::chrono::duration_cast<Seconds>(
      section.duration("offer_expiry_seconds", kSecond, out.offer_expiry, 60 * kSecond, 3'650 * kDay));
  out.payment_timeout =
      section.duration("payment_timeout_seconds", kSecond, out.payment_timeout, kSecond, 600 * kSecond);
  out.allow_play_money = section.boolean("allow_play_money", out.allow_play_money);
  out.auto_pay = section.boolean("auto_pay", out.auto_pay);
  out.offers = section.boolean("offers", out.offers);
  out.invoice_delay = section.duration("invoice_delay_ms", Millis{1}, out.invoice_delay, Millis{0}, kDay);
  out.payment_delay = section.duration("payment_delay_ms", Millis{1}, out.payment_delay, Millis{0}, kDay);
  out.fee_ppm = section.percent_ppm("fee_percent", out.fee_ppm);
  return out;
}

Seconds read_span(Section& section, const char* key, Millis unit, Seconds fallback) {
  return std::chrono::duration_cast<Seconds>(section.duration(key, unit, fallback, Millis{0}, kLongest));
}

/// A keyset that expires needs a successor in time, or its unit has none.
void check_rotation(Section& section, Seconds rotate_every, Seconds overlap, Seconds lifetime) {
  if (lifetime <= Seconds{0}) return;
  if (rotate_every <= Seconds{0}) {
    section.reject("final_expiry_days",
                   "0 where rotate_every_days is 0, or else the unit had no keys after it");
  } else if (lifetime <= rotate_every + overlap) {
    section.reject("final_expiry_days", "more than rotate_every_days and overlap_hours together");
  }
}

CurrencyConfiguration read_currency(const std::string& name, Section section) {
  CurrencyConfiguration out;
  out.name = name;
  out.unit = section.text("unit", name);
  if (!cashu::is_unit(out.unit)) section.reject("unit", "1 to 32 of a-z, 0-9, _ and -");
  if (out.unit == "auth") section.reject("unit", "a unit of money: auth is that of NUT-22's tokens");
  out.precision = static_cast<std::uint8_t>(section.integer("precision", 0, 0, 18));
  out.min_amount = section.integer("min_amount", out.min_amount, 1, kMostAmount);
  out.max_amount = section.integer("max_amount", out.max_amount, 1, kMostAmount);
  if (out.min_amount > out.max_amount) section.reject("min_amount", "at most max_amount");
  out.fee_reserve_ppm = section.percent_ppm("fee_reserve", out.fee_reserve_ppm);
  out.price_msat = section.integer("price_msat", out.unit == "sat" ? 1'000 : 200, 1, 100'000'000'000'000);
  if (out.unit == "sat" && out.price_msat != 1'000)
    section.reject("price_msat", "1000, for a sat is 1000 msat");

  const std::string issuer = out.unit == "loot" ? "engine" : "lightning";
  out.issued_by.clear();
  for (const std::string& each : section.texts("issued_by", {issuer})) {
    const Issuer value = each == "engine" ? Issuer::engine : Issuer::lightning;
    if (each != "engine" && each != "lightning") {
      section.reject("issued_by", "a list of \"lightning\" and \"engine\"; \"" + each + "\" is neither");
    } else if (std::find(out.issued_by.begin(), out.issued_by.end(), value) != out.issued_by.end()) {
      section.reject("issued_by", "each issuer once");
    } else {
      out.issued_by.push_back(value);
    }
  }
  out.meltable = section.boolean("meltable", out.meltable);
  out.input_fee_ppk = section.integer("input_fee_ppk", 0, 0, 1'000'000);
  out.keyset_index = static_cast<std::uint32_t>(section.integer("keyset_index", 0, 0, 2'000'000'000));
  return out;
}

CurrencyConfiguration embedded_currency(const std::string& unit) {
  CurrencyConfiguration out;
  out.name = out.unit = unit;
  if (unit == "sat") out.price_msat = 1'000;
  if (unit == "loot") out.issued_by = {Issuer::engine};
  return out;
}

/// The schedule of each unit, once both sections are read.
void read_schedules(Section section, const KeysetsConfiguration& keysets,
                    std::vector<CurrencyConfiguration>& currencies) {
  for (auto& [name, own] : section.sections()) {
    const auto found = std::ranges::find(currencies, name, &CurrencyConfiguration::name);
    found->rotate_every = read_span(own, "rotate_every_days", kDay, keysets.rotate_every);
    found->overlap = read_span(own, "overlap_hours", kHour, keysets.overlap);
    found->keyset_lifetime = read_span(own, "final_expiry_days", kDay, keysets.lifetime);
    check_rotation(own, *found->rotate_every, *found->overlap, *found->keyset_lifetime);
  }
}

/// That of the blind tokens' keysets.
void read_schedule(Section section, const KeysetsConfiguration& keysets, AuthenticationConfiguration& out) {
  out.rotate_every = read_span(section, "rotate_every_days", kDay, keysets.rotate_every);
  out.overlap = read_span(section, "overlap_hours", kHour, keysets.overlap);
  out.keyset_lifetime = read_span(section, "final_expiry_days", kDay, keysets.lifetime);
  check_rotation(section, out.rotate_every, out.overlap, out.keyset_lifetime);
}

std::vector<CurrencyConfiguration> read_currencies(Section section) {
  std::vector<CurrencyConfiguration> out;
  for (auto& [name, currency] : section.sections()) {
    out.push_back(read_currency(name, currency));
    const auto same = [&](const auto& other) { return other.unit == out.back().unit; };
    if (std::count_if(out.begin(), out.end(), same) > 1)
      currency.reject("unit", "a unit that no other section has");
  }
  if (out.empty()) out = {embedded_currency("sat"), embedded_currency("mana"), embedded_currency("loot")};
  return out;
}

KeysetsConfiguration read_keysets(Section section) {
  KeysetsConfiguration out;
  out.mnemonic = section.secret({"mnemonic", "MINT_MNEMONIC"});
  if (!out.mnemonic.empty()) {
    if (const Status words = crypto::check_mnemonic(out.mnemonic.reveal()); !words) {
      section.reject_section("mnemonic (" + section.origin({"mnemonic", "MINT_MNEMONIC"}) +
                             "): " + words.error().message);
    }
  }
  out.imported_seed = section.secret({"imported_seed", "MINT_IMPORTED_SEED"});
  out.id_version = static_cast<int>(section.integer("id_version", 2, 1, 2));
  out.denominations = static_cast<std::uint32_t>(section.integer("denominations", out.denominations, 1, 63));
  out.rotate_every = read_span(section, "rotate_every_days", kDay, out.rotate_every);
  out.overlap = read_span(section, "overlap_hours", kHour, out.overlap);
  out.lifetime = read_span(section, "final_expiry_days", kDay, out.lifetime);
  out.prune_after = read_span(section, "prune_after_days", kDay, out.prune_after);
  check_rotation(section, out.rotate_every, out.overlap, out.lifetime);
  return out;
}

LimitsConfiguration read_limits(Section section) {
  LimitsConfiguration out;
  out.max_inputs = section.integer("max_inputs", out.max_inputs, 1, 10'000);
  out.max_outputs = section.integer("max_outputs", out.max_outputs, 1, 10'000);
  out.max_batch_quotes = section.integer("max_batch_quotes", out.max_batch_quotes, 1, 1'000);
  out.max_restore_outputs = section.integer("max_restore_outputs", out.max_restore_outputs, 1, 10'000);
  out.max_queue = section.integer("max_queue", out.max_queue, 1, 1'000'000);
  return out;
}

InfoConfiguration read_info(Section section) {
  InfoConfiguration out;
  out.name = section.text("name", out.name);
  out.description = section.text("description", "");
  out.description_long = section.text("description_long", "");
  out.motd = section.text("motd", "");
  out.icon_url = section.text("icon_url", "");
  out.tos_url = section.text("tos_url", "");
  out.contact_email = section.text("contact_email", "");
  out.contact_nostr = section.text("contact_nostr", "");
  return out;
}

}  // namespace

bool CurrencyConfiguration::issued_by_lightning() const {
  return std::find(issued_by.begin(), issued_by.end(), Issuer::lightning) != issued_by.end();
}
bool CurrencyConfiguration::issued_by_engine() const {
  return std::find(issued_by.begin(), issued_by.end(), Issuer::engine) != issued_by.end();
}

Result<Configuration> load_configuration(const std::string& path, config::Environment environment) {
  TRY(Document document, Document::load(path, std::move(environment)));
  Configuration out;
  out.server = read_server(document.section("server"));
  Section database = document.section("database");
  out.database = daemon::read_database_url(document);
  out.database_owner_url = database.secret({"owner_url", "DATABASE_OWNER_URL"});
  out.database_max_connections = database.integer("max_connections", out.database_max_connections, 1, 1'000);
  out.lightning = read_lightning(document.section("lightning"));
  out.currencies = read_currencies(document.section("currencies"));
  out.keysets = read_keysets(document.section("keysets"));
  read_schedules(document.section("currencies"), out.keysets, out.currencies);
  out.limits = read_limits(document.section("limits"));
  out.info = read_info(document.section("info"));
  out.logging = daemon::read_logging(document);

  Section authorization = document.section("authorization");
  out.authorization.allow_runtime_updates = authorization.boolean("allow_runtime_updates", true);
  out.authorization.auth_config_file = authorization.path("auth_config_file", "");
  out.authorization.from_mint_toml = read_engines(authorization.sections_of("authorized_game_engines"));
  Section admin = document.section("admin");
  out.admin.admins_file = admin.path("admins_file", "");
  out.admin.requests_per_minute =
      admin.integer("requests_per_minute", out.admin.requests_per_minute, 1, 1'000'000);
  out.admin.from_mint_toml = read_admins(document.root().sections_of("admins"));
  out.authentication = read_authentication(document.section("auth"));
  read_schedule(document.section("auth"), out.keysets, out.authentication);
  out.warnings = document.warnings();

  const Status finished = document.finish();
  auto engines = load_engines(out.authorization, &out.warnings);
  auto admins = load_admins(out.admin, &out.warnings);
  std::string faults;
  const auto add = [&](const auto& result) {
    if (!result) faults += (faults.empty() ? "" : "\n") + result.error().message;
  };
  add(finished);
  add(engines);
  add(admins);
  if (!faults.empty()) return invalid(faults);
  out.engines = *std::move(engines);
  out.admins = *std::move(admins);
  return out;
}

bool is_loopback(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host == "localhost") return true;
  const std::string text(host);
  in_addr v4{};
  if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
  in6_addr v6{};
  return ::inet_pton(AF_INET6, text.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

Status check_play_money(const Configuration& configuration) {
  if (configuration.lightning.backend != "fake" || configuration.lightning.allow_play_money ||
      is_loopback(configuration.server.host)) {
    return {};
  }
  return invalid(
      "the fake Lightning node gives play money to everybody who reaches " + configuration.server.host +
      "; listen on 127.0.0.1, choose another [lightning] backend, or set allow_play_money = true there");
}

Status check_backends(const Configuration& configuration) {
  if (configuration.lightning.backend != "fake") {
    return invalid("this build has no Lightning backend \"" + configuration.lightning.backend +
                   "\"; set [lightning] backend to \"fake\"");
  }
  return {};
}

}  // namespace manastr::mint
