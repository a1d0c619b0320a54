#include "mint/configuration/configuration.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "tests/support/temporary_folder.h"

namespace manastr::mint {
namespace {

using test::TemporaryFolder;
using Variables = std::map<std::string, std::string>;

const std::string kKey = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
const std::string kOtherKey = "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0";

config::Environment environment(Variables variables = {}) {
  return [variables = std::move(variables)](const char* name) -> std::optional<std::string> {
    const auto at = variables.find(name);
    return at == variables.end() ? std::nullopt : std::optional(at->second);
  };
}

std::string read(const std::string& path) {
  std::ifstream in(std::string(MANASTR_SOURCE_DIR) + "/" + path);
  EXPECT_TRUE(in) << path;
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return at == std::string::npos ? text : text.replace(at, what.size(), with);
}

/// Keys that a sample shows behind "# ".
std::string with_examples(const std::string& text) {
  std::istringstream lines(text);
  std::string out;
  for (std::string line; std::getline(lines, line);) {
    const bool is_key = line.starts_with("# ") && line.find(" = ") != std::string::npos &&
                        line.find(" = ") == line.find(' ', 2);
    out += (is_key || line.starts_with("# [") ? line.substr(2) : line) + "\n";
  }
  return out;
}

std::string error_of(const Result<Configuration>& result) { return result ? "" : result.error().message; }

TEST(MintConfiguration, an_empty_file_gives_the_embedded_defaults) {
  const TemporaryFolder folder;
  const auto loaded = load_configuration(folder.write("mint.toml", ""), environment());
  ASSERT_TRUE(loaded) << error_of(loaded);
  ASSERT_EQ(loaded->currencies.size(), 3U);
  EXPECT_EQ(loaded->currencies[0].unit, "sat");
  EXPECT_EQ(loaded->currencies[0].price_msat, 1'000U);
  EXPECT_EQ(loaded->currencies[1].unit, "mana");
  EXPECT_EQ(loaded->currencies[1].price_msat, 200U);
  EXPECT_TRUE(loaded->currencies[1].issued_by_lightning());
  EXPECT_EQ(loaded->currencies[2].unit, "loot");
  EXPECT_FALSE(loaded->currencies[2].issued_by_lightning());
  EXPECT_TRUE(loaded->currencies[2].issued_by_engine());
  EXPECT_TRUE(loaded->currencies[2].meltable);
  EXPECT_TRUE(loaded->engines.empty());
  EXPECT_TRUE(loaded->warnings.empty());
  EXPECT_TRUE(check_play_money(*loaded));
  EXPECT_TRUE(check_backends(*loaded));
  EXPECT_EQ(loaded->sqlite_file("/data"), "/data/mint.sqlite");
}

TEST(MintConfiguration, the_sample_runs_as_it_is_and_shows_the_defaults) {
  const auto sample =
      load_configuration(std::string(MANASTR_SOURCE_DIR) + "/config/mint.toml", environment());
  ASSERT_TRUE(sample) << error_of(sample);
  EXPECT_TRUE(sample->warnings.empty());
  EXPECT_TRUE(check_play_money(*sample));
  EXPECT_TRUE(check_backends(*sample));
  ASSERT_EQ(sample->engines.size(), 1U);
  EXPECT_FALSE(sample->engines[0].active);
  ASSERT_EQ(sample->currencies.size(), 3U);
  const Configuration defaults;
  EXPECT_EQ(sample->server.port, defaults.server.port);
  EXPECT_EQ(sample->server.host, defaults.server.host);
  EXPECT_EQ(sample->server.requests_per_minute, defaults.server.requests_per_minute);
  EXPECT_EQ(sample->lightning.invoice_delay, defaults.lightning.invoice_delay);
  EXPECT_EQ(sample->lightning.mint_quote_expiry, defaults.lightning.mint_quote_expiry);
  EXPECT_EQ(sample->lightning.offer_expiry, defaults.lightning.offer_expiry);
  EXPECT_EQ(sample->keysets.denominations, defaults.keysets.denominations);
  EXPECT_EQ(sample->limits.max_inputs, defaults.limits.max_inputs);
  EXPECT_EQ(sample->limits.max_queue, defaults.limits.max_queue);
  EXPECT_EQ(sample->info.name, defaults.info.name);
  EXPECT_EQ(sample->logging, defaults.logging);
  for (const CurrencyConfiguration& each : sample->currencies) {
    const CurrencyConfiguration fallback;
    EXPECT_EQ(each.max_amount, fallback.max_amount);
    EXPECT_EQ(each.fee_reserve_ppm, fallback.fee_reserve_ppm);
    EXPECT_EQ(each.price_msat, each.unit == "sat" ? 1'000U : 200U);
    EXPECT_EQ(each.issued_by_lightning(), each.unit != "loot");
    EXPECT_EQ(each.issued_by_engine(), each.unit == "loot");
  }
}

TEST(MintConfiguration, the_keys_behind_a_hash_in_the_sample_are_keys) {
  const TemporaryFolder folder;
  std::string text = with_examples(read("config/mint.toml"));
  EXPECT_NE(text.find("\npublic_url"), std::string::npos);
  EXPECT_NE(text.find("\n[[authorization.authorized_game_engines]]"), std::string::npos);
  text = replaced(text, "file:mnemonic", "");
  folder.write("mint.macaroon.hex", "00ff");
  folder.write("imported-seed", "the seed of another mint");
  const auto loaded = load_configuration(folder.write("mint.toml", text), environment());
  ASSERT_TRUE(loaded) << error_of(loaded);
  EXPECT_EQ(loaded->engines.size(), 1U);
  ASSERT_EQ(loaded->admins.size(), 1U);
  EXPECT_TRUE(loaded->admins[0].has(Role::treasurer));
  EXPECT_EQ(loaded->server.data_dir, folder.path("data/mint"));
  EXPECT_EQ(loaded->lightning.macaroon.reveal(), "00ff");
}

TEST(MintConfiguration, the_document_s_own_snippet_loads_once_its_key_is_replaced) {
  const TemporaryFolder folder;
  const std::string snippet = read("tests/data/configuration/document-mint.toml");
  const auto as_it_is = load_configuration(folder.write("as-it-is.toml", snippet), environment());
  ASSERT_FALSE(as_it_is);
  EXPECT_EQ(error_of(as_it_is),
            folder.path("as-it-is.toml") +
                ":34: authorization.authorized_game_engines.nostr_pubkey_hex is \"02abc123...\", expected a "
                "Nostr public key: 64 hex digits, or 66 that start with 02 or 03");

  const std::string file = folder.write("mint.toml", replaced(snippet, "02abc123...", "02" + kKey));
  const auto loaded = load_configuration(file, environment());
  ASSERT_TRUE(loaded) << error_of(loaded);
  EXPECT_EQ(loaded->server.host, "0.0.0.0");
  EXPECT_EQ(loaded->server.port, 3333);
  EXPECT_EQ(loaded->server.cors_origins, std::vector<std::string>{"*"});
  EXPECT_EQ(loaded->database.secret_text(), "postgresql://mint:password@db:5432/cashu_mint");
  EXPECT_EQ(loaded->database_max_connections, 20U);
  EXPECT_EQ(loaded->lightning.backend, "lnd");
  EXPECT_EQ(loaded->lightning.connection_string, "127.0.0.1:10009");
  ASSERT_EQ(loaded->currencies.size(), 2U);
  EXPECT_EQ(loaded->currencies[0].unit, "mana");
  EXPECT_EQ(loaded->currencies[0].fee_reserve_ppm, 10'000U);
  EXPECT_EQ(loaded->currencies[0].price_msat, 200U);
  EXPECT_EQ(loaded->currencies[1].unit, "loot");
  EXPECT_EQ(loaded->currencies[1].fee_reserve_ppm, 20'000U);
  EXPECT_EQ(loaded->currencies[1].price_msat, 200U);
  EXPECT_FALSE(loaded->currencies[1].issued_by_lightning());
  EXPECT_TRUE(loaded->authorization.allow_runtime_updates);
  EXPECT_EQ(loaded->authorization.auth_config_file, folder.path("game-engine-auth.toml"));
  ASSERT_EQ(loaded->engines.size(), 1U);
  const AuthorizedEngine& engine = loaded->engines[0];
  EXPECT_EQ(engine.name, "Primary Game Engine");
  EXPECT_EQ(engine.key.hex(), kKey);
  EXPECT_TRUE(engine.active && engine.can_burn_mana && engine.can_mint_loot && engine.can_query_spent_status);
  EXPECT_EQ(engine.max_tokens_per_request, 1'000U);
  ASSERT_EQ(loaded->warnings.size(), 1U);
  EXPECT_EQ(loaded->warnings[0],
            folder.path("game-engine-auth.toml") +
                ": there is no such file; only the game engines of the mint's own file are authorized");
  // The rest is for the day when this build can: `run` refuses it in one line.
  const Status backends = check_backends(*loaded);
  ASSERT_FALSE(backends);
  EXPECT_EQ(backends.error().message,
            "this build has no Lightning backend \"lnd\"; set [lightning] backend to \"fake\"");
}

TEST(MintConfiguration, proxies_are_addresses_and_networks) {
  const TemporaryFolder folder;
  const auto loaded = load_configuration(
      folder.write("mint.toml", "[server]\ntrusted_proxies = [\"127.0.0.1\", \"2001:DB8::/32\"]\n"),
      environment());
  ASSERT_TRUE(loaded) << error_of(loaded);
  ASSERT_EQ(loaded->server.trusted_proxies.size(), 2U);
  EXPECT_EQ(loaded->server.trusted_proxies[0].text(), "127.0.0.1/32");
  EXPECT_EQ(loaded->server.trusted_proxies[1].text(), "2001:db8::/32");
  for (const char* wrong :
       {"\"haproxy\"", "[\"haproxy\"]", "[7]", "[\"10.0.0.1\", \"0.0.0.0/0\"]", "[\"10.0.0.1/8\"]"}) {
    const auto refused = load_configuration(
        folder.write("wrong.toml", "[server]\n\ntrusted_proxies = " + std::string(wrong) + "\n"),
        environment());
    ASSERT_FALSE(refused) << wrong;
    EXPECT_TRUE(error_of(refused).starts_with(folder.path("wrong.toml") + ":3: server.trusted_proxies is "))
        << error_of(refused);
    EXPECT_NE(error_of(refused).find(", expected a list of "), std::string::npos) << error_of(refused);
  }
}

struct Wrong {
  const char* text;
  const char* error;
};

TEST(MintConfiguration, each_error_says_where_what_and_what_was_expected) {
  const Wrong cases[] = {
      {"[server]\nhost = \"\"", "mint.toml:2: server.host is \"\", expected an address to listen on"},
      {"[server]\nport = 65536", "mint.toml:2: server.port is 65536, expected an integer from 0 to 65535"},
      {"[server]\nprot = 1", "mint.toml:2: server.prot is no known key; did you mean server.port?"},
      {"[sever]\nport = 1", "mint.toml:1: sever is no known section; did you mean server?"},
      {"[server]\npublic_url = \"mint.example\"",
       "server.public_url is \"mint.example\", expected a URL of the form http://"},
      {"[server]\ncors_origins = \"*\"", "server.cors_origins is \"*\", expected a list of texts"},
      {"[server]\ndrain_timeout_seconds = 6", "expected a duration from 0ms to 5s"},
      {"[database]\nurl = \"mysql://me:secret@db\"", ": [database] "},
      {"[lightning]\nbackend = \"ldn\"",
       "lightning.backend is \"ldn\", expected one of \"fake\", \"lnd\"; did you mean \"lnd\"?"},
      {"[lightning]\nnetwork = \"main\"", "lightning.network is \"main\", expected one of \"mainnet\""},
      {"[lightning]\ninvoice_delay_ms = -1", "lightning.invoice_delay_ms is -1, expected a duration"},
      {"[currencies.Mana]\nmin_amount = 1", "currencies.Mana.unit is missing, expected 1 to 32 of a-z"},
      {"[currencies.mana]\nmin_amount = 0", "currencies.mana.min_amount is 0, expected an integer from 1 to"},
      {"[currencies.mana]\nmin_amount = 9\nmax_amount = 8",
       "mint.toml:2: currencies.mana.min_amount is 9, expected at most max_amount"},
      {"[currencies.mana]\nfee_reserve = 101", "currencies.mana.fee_reserve is 101, expected a percentage"},
      {"[currencies.mana]\nprice_msat = 0", "currencies.mana.price_msat is 0, expected an integer from 1"},
      {"[currencies.sat]\nprice_msat = 200",
       "currencies.sat.price_msat is 200, expected 1000, for a sat is 1000 msat"},
      {"[currencies.mana]\nissued_by = [\"player\"]",
       "currencies.mana.issued_by is a list, expected a list of \"lightning\" and \"engine\"; \"player\" is "
       "neither"},
      {"[currencies.mana]\nissued_by = [\"engine\", \"engine\"]", "expected each issuer once"},
      {"[currencies.a]\nunit = \"x\"\n[currencies.b]\nunit = \"x\"",
       "mint.toml:4: currencies.b.unit is \"x\", expected a unit that no other section has"},
      {"[keysets]\nmnemonic = \"one two three\"", "[keysets] mnemonic (mint.toml:2)"},
      {"[keysets]\nid_version = 3", "keysets.id_version is 3, expected an integer from 1 to 2"},
      {"[keysets]\nfinal_expiry_days = 365", "expected 0 where rotate_every_days is 0"},
      {"[keysets]\nfinal_expiry_days = 365\nrotate_every_days = 365",
       "expected more than rotate_every_days and overlap_hours together"},
      {"[keysets]\nrotate_every_days = 90\n[currencies.mana]\nfinal_expiry_days = 90",
       "mint.toml:4: currencies.mana.final_expiry_days is 90, expected more than rotate_every_days"},
      {"[limits]\nmax_inputs = 0", "limits.max_inputs is 0, expected an integer from 1"},
      {"[logging]\nlevel = \"loud\"", "logging.level is \"loud\", expected one of \"trace\""},
      {"[[authorization.authorized_game_engines]]\nname = \"x\"",
       "mint.toml:1: authorization.authorized_game_engines.nostr_pubkey_hex is missing, expected a Nostr "
       "public key"},
      {"[[authorization.authorized_game_engines]]\nnostr_pubkey_hex = "
       "\"50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0\"\n"
       "[authorization.authorized_game_engines.permissions]\ncan_burn_man = true",
       "mint.toml:4: authorization.authorized_game_engines.permissions.can_burn_man is no known key; did you "
       "mean "
       "authorization.authorized_game_engines.permissions.can_burn_mana?"},
      {"[server\n", "mint.toml:1:"},
  };
  const TemporaryFolder folder;
  for (const Wrong& wrong : cases) {
    const auto loaded =
        load_configuration(folder.write("mint.toml", std::string(wrong.text) + "\n"), environment());
    ASSERT_FALSE(loaded) << wrong.text;
    std::string error = error_of(loaded);
    while (error.find(folder.path()) != std::string::npos) error = replaced(error, folder.path() + "/", "");
    EXPECT_NE(error.find(wrong.error), std::string::npos) << wrong.text << "\n  gave: " << error;
    EXPECT_EQ(error_of(loaded).find("secret@db"), std::string::npos);
  }
}

TEST(MintConfiguration, the_environment_overrides_and_is_named) {
  const TemporaryFolder folder;
  const std::string file = folder.write("mint.toml", "[database]\nurl = \"sqlite:a\"\n");
  const auto loaded =
      load_configuration(file, environment({{"DATABASE_URL", "sqlite:b.sqlite"}, {"MINT_PORT", "0"}}));
  ASSERT_TRUE(loaded) << error_of(loaded);
  EXPECT_EQ(loaded->sqlite_file("/d"), "/d/b.sqlite");
  EXPECT_EQ(loaded->server.port, 0);
  const auto wrong =
      load_configuration(file, environment({{"DATABASE_URL", "mysql://x"}, {"MINT_PORT", "many"}}));
  EXPECT_NE(error_of(wrong).find("environment variable DATABASE_URL: url is something else"),
            std::string::npos)
      << error_of(wrong);
  EXPECT_NE(error_of(wrong).find("environment variable MINT_PORT: server.port is \"many\""),
            std::string::npos)
      << error_of(wrong);
}

std::string engine(const std::string& key, const std::string& table = "authorized_game_engines") {
  return "[[" + table + "]]\nname = \"e\"\nnostr_pubkey_hex = \"" + key + "\"\n[" + table +
         ".permissions]\ncan_burn_mana = true\n";
}

TEST(MintConfiguration, a_unit_s_schedule_goes_before_that_of_all) {
  const TemporaryFolder folder;
  const auto loaded = load_configuration(
      folder.write("mint.toml",
                   "[keysets]\nrotate_every_days = 30\noverlap_hours = 2\nprune_after_days = 0\n"
                   "[currencies.mana]\nrotate_every_days = 7\n[currencies.loot]\n"),
      environment());
  ASSERT_TRUE(loaded) << error_of(loaded);
  for (const CurrencyConfiguration& currency : loaded->currencies) {
    EXPECT_EQ(currency.rotate_every, Seconds{(currency.unit == "mana" ? 7 : 30) * 86'400}) << currency.unit;
    EXPECT_EQ(currency.overlap, Seconds{2 * 3'600});
    EXPECT_EQ(currency.keyset_lifetime, Seconds{0});
  }
  EXPECT_EQ(loaded->keysets.prune_after, Seconds{0});
}

TEST(AuthorizedEngines, both_files_are_one_set) {
  const TemporaryFolder folder;
  const std::string own = "[authorization]\nauth_config_file = \"auth.toml\"\n" +
                          engine(kKey, "authorization.authorized_game_engines");
  const std::string file = folder.write("mint.toml", own);
  for (const std::string table : {"authorized_game_engines", "authorization.authorized_game_engines"}) {
    folder.write("auth.toml", engine("03" + kOtherKey, table));
    const auto loaded = load_configuration(file, environment());
    ASSERT_TRUE(loaded) << error_of(loaded);
    ASSERT_EQ(loaded->engines.size(), 2U);
    EXPECT_EQ(loaded->engines[1].key.hex(), kOtherKey);
    EXPECT_EQ(loaded->engines[1].origin, folder.path("auth.toml") + ":3");
    EXPECT_TRUE(loaded->engines[1].can_burn_mana);
    EXPECT_FALSE(loaded->engines[1].can_mint_loot);
  }

  folder.write("auth.toml", engine("02" + kKey));
  const auto twice = load_configuration(file, environment());
  EXPECT_EQ(error_of(twice), folder.path("auth.toml") + ":3: nostr_pubkey_hex is the key of " +
                                 folder.path("mint.toml") + ":5, expected each engine once");
  folder.write("auth.toml", engine(kOtherKey) + engine("02" + kOtherKey));
  EXPECT_NE(error_of(load_configuration(file, environment())).find(":8: nostr_pubkey_hex is the key of "),
            std::string::npos);

  folder.write("auth.toml", "[[authorized_game_engine]]\n");
  EXPECT_NE(error_of(load_configuration(file, environment())).find("did you mean authorized_game_engines?"),
            std::string::npos);
}

TEST(AuthorizedEngines, a_hot_reload_takes_a_missing_or_broken_file_for_an_error) {
  const TemporaryFolder folder;
  AuthorizationConfiguration authorization;
  authorization.auth_config_file = folder.path("auth.toml");
  EXPECT_FALSE(load_engines(authorization));
  folder.write("auth.toml", engine("junk"));
  EXPECT_FALSE(load_engines(authorization));
  folder.write("auth.toml", engine(kKey));
  EXPECT_EQ(load_engines(authorization)->size(), 1U);
}

TEST(PlayMoney, is_for_one_s_own_machine) {
  Configuration configuration;
  const auto allowed = [&](const std::string& host) {
    configuration.server.host = host;
    return check_play_money(configuration).has_value();
  };
  for (const char* host : {"127.0.0.1", "127.9.9.9", "localhost", "::1", "[::1]"})
    EXPECT_TRUE(allowed(host)) << host;
  for (const char* host :
       {"0.0.0.0", "::", "192.168.1.2", "128.0.0.1", "mint.example.com", "127.0.0.1.example.com", "::2"})
    EXPECT_FALSE(allowed(host)) << host;
  configuration.lightning.allow_play_money = true;
  EXPECT_TRUE(allowed("0.0.0.0"));
  configuration.lightning.allow_play_money = false;
  configuration.lightning.backend = "lnd";
  EXPECT_TRUE(allowed("0.0.0.0"));
  EXPECT_FALSE(check_backends(configuration));
}

TEST(MintConfiguration, admins_have_a_key_and_roles_each) {
  const TemporaryFolder folder;
  const auto fault = [&](const std::string& text) {
    return error_of(load_configuration(folder.write("mint.toml", text), environment()));
  };
  const std::string alice = "[[admins]]\nname = \"alice\"\nnostr_pubkey = \"" + kKey + "\"\n";
  EXPECT_EQ(fault(alice + "roles = [\"viewer\"]\n"), "");
  EXPECT_NE(fault(alice).find("at least one of"), std::string::npos);
  EXPECT_NE(fault(alice + "roles = [\"king\"]\n").find("\"king\" is none"), std::string::npos);
  EXPECT_NE(fault(alice + "roles = [\"viewer\", \"viewer\"]\n").find("each role once"), std::string::npos);
  EXPECT_NE(fault("[[admins]]\nname = \"a\"\nnostr_pubkey = \"npub1x\"\nroles = [\"viewer\"]\n")
                .find("nostr_pubkey"),
            std::string::npos);
  const std::string twice = alice + "roles = [\"viewer\"]\n";
  EXPECT_NE(fault(twice + twice).find("expected each admin once"), std::string::npos);
  folder.write("admins.toml", twice);
  EXPECT_NE(fault("[admin]\nadmins_file = \"admins.toml\"\n" + twice).find("expected each admin once"),
            std::string::npos);
  EXPECT_EQ(fault("[admin]\nadmins_file = \"admins.toml\"\n"), "");
}

}  // namespace
}  // namespace manastr::mint
