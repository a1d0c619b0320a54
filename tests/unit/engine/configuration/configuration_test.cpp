#include "engine/configuration/configuration.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "tests/support/temporary_folder.h"

namespace manastr::engine {
namespace {

using test::TemporaryFolder;
using Variables = std::map<std::string, std::string>;

const std::string kSecret = "e126f68f7eafcc8b74f54d269fe206be715000f94dac067d1c04a8ca3b2db734";
const std::string kNeeded =
    "[nostr]\nrelay_urls = [\"ws://127.0.0.1:1\"]\n[mint]\nprimary_url = \"http://127.0.0.1:2\"\n";

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

std::string error_of(const Result<Configuration>& result) { return result ? "" : result.error().message; }

TEST(EngineConfiguration, the_sample_runs_as_it_is_and_shows_the_defaults) {
  const auto sample =
      load_configuration(std::string(MANASTR_SOURCE_DIR) + "/config/game-engine.toml", environment());
  ASSERT_TRUE(sample) << error_of(sample);
  EXPECT_TRUE(check_backends(*sample));
  EXPECT_FALSE(sample->nostr.private_key);
  EXPECT_EQ(sample->nostr.relay_urls, std::vector<std::string>{"ws://127.0.0.1:8080"});
  EXPECT_EQ(sample->mint.primary_url, "http://127.0.0.1:3333");
  EXPECT_EQ(sample->sqlite_file("/d"), "/d/engine.sqlite");
  const Configuration defaults;
  EXPECT_EQ(sample->server.port, defaults.server.port);
  EXPECT_EQ(sample->nostr.event_kinds, defaults.nostr.event_kinds);
  EXPECT_EQ(sample->mint.timeout, defaults.mint.timeout);
  EXPECT_EQ(sample->validation.max_concurrent_matches, defaults.validation.max_concurrent_matches);
  EXPECT_EQ(sample->validation.match_timeout, defaults.validation.match_timeout);
  EXPECT_EQ(sample->validation.commitment_reveal_timeout, defaults.validation.commitment_reveal_timeout);
  const AnnouncementConfiguration& shown = sample->announcement;
  const AnnouncementConfiguration& wanted = defaults.announcement;
  EXPECT_EQ(shown.name, wanted.name);
  EXPECT_EQ(shown.stake_units, wanted.stake_units);
  EXPECT_EQ(shown.prize_units, wanted.prize_units);
  EXPECT_EQ(shown.rake_ppm, wanted.rake_ppm);
  EXPECT_EQ(shown.max_stake, wanted.max_stake);
  EXPECT_EQ(shown.min_step, wanted.min_step);
  EXPECT_EQ(shown.grace, wanted.grace);
  EXPECT_EQ(shown.min_allowance, wanted.min_allowance);
  EXPECT_EQ(shown.max_allowance, wanted.max_allowance);
  EXPECT_EQ(shown.funding_clock, wanted.funding_clock);
  EXPECT_EQ(shown.max_give_back, wanted.max_give_back);
  EXPECT_EQ(shown.min_claim_window, wanted.min_claim_window);
  EXPECT_EQ(shown.max_open, wanted.max_open);
  EXPECT_EQ(shown.work_bits, wanted.work_bits);
  EXPECT_EQ(shown.quitter_work_bits, wanted.quitter_work_bits);
}

TEST(EngineConfiguration, the_keys_behind_a_hash_in_the_sample_are_keys) {
  const TemporaryFolder folder;
  std::istringstream lines(read("config/game-engine.toml"));
  std::string text;
  int examples = 0;
  for (std::string line; std::getline(lines, line);) {
    const bool is_key = line.starts_with("# ") && line.find(" = ") != std::string::npos &&
                        line.find(" = ") == line.find(' ', 2);
    examples += is_key;
    text += (is_key ? line.substr(2) : line) + "\n";
  }
  EXPECT_EQ(examples, 5);
  folder.write("link.key", kSecret);
  const auto loaded =
      load_configuration(folder.write("e.toml", text), environment({{"NOSTR_PRIVATE_KEY", kSecret}}));
  ASSERT_TRUE(loaded) << error_of(loaded);
  EXPECT_TRUE(loaded->nostr.private_key);
  EXPECT_TRUE(loaded->escrow.link_secret);
  EXPECT_EQ(loaded->mint.backup_url, "https://mint2.example.com");
}

TEST(EngineConfiguration, the_document_s_own_snippet_loads_once_its_key_is_replaced) {
  const TemporaryFolder folder;
  std::string snippet = read("tests/data/configuration/document-game-engine.toml");
  const std::string placeholder = "game_engine_nostr_private_key_hex";
  const auto as_it_is = load_configuration(folder.write("as-it-is.toml", snippet), environment());
  ASSERT_FALSE(as_it_is);
  EXPECT_EQ(error_of(as_it_is).find(placeholder), std::string::npos);
  EXPECT_NE(error_of(as_it_is).find(
                ":2: nostr.private_key is something else, expected a secret key of 64 hex digits"),
            std::string::npos)
      << error_of(as_it_is);
  // The environment, as in the document's compose file, makes the placeholder good.
  EXPECT_TRUE(
      load_configuration(folder.path("as-it-is.toml"), environment({{"NOSTR_PRIVATE_KEY", kSecret}})));

  snippet.replace(snippet.find(placeholder), placeholder.size(), kSecret);
  const auto loaded = load_configuration(folder.write("game-engine.toml", snippet), environment());
  ASSERT_TRUE(loaded) << error_of(loaded);
  EXPECT_EQ(to_hex(loaded->nostr.private_key->reveal()), kSecret);
  EXPECT_EQ(loaded->nostr.relay_urls.size(), 3U);
  EXPECT_EQ(loaded->mint.primary_url, "https://mint1.example.com");
  EXPECT_EQ(loaded->mint.backup_url, "https://mint2.example.com");
  EXPECT_EQ(loaded->mint.retry_attempts, 3U);
  EXPECT_EQ(loaded->mint.timeout, Millis{30'000});
  EXPECT_EQ(loaded->validation.max_concurrent_matches, 100U);
  EXPECT_EQ(loaded->validation.match_timeout, Millis{3'600'000});
  EXPECT_EQ(loaded->validation.commitment_reveal_timeout, Millis{300'000});
  EXPECT_EQ(loaded->logging.level, telemetry::Level::info);
  EXPECT_EQ(loaded->logging.format, telemetry::LogFormat::json);
}

struct Wrong {
  const char* text;
  const char* error;
};

TEST(EngineConfiguration, each_error_says_where_what_and_what_was_expected) {
  const Wrong cases[] = {
      {"[server]\nport = -1", ":6: server.port is -1, expected an integer from 0 to 65535"},
      {"[validation]\nmax_concurrent_matches = 0", ":6: validation.max_concurrent_matches is 0, expected"},
      {"[validation]\nmatch_timeout_minutes = \"soon\"",
       "validation.match_timeout_minutes is \"soon\", expected a duration"},
      {"[validation]\ncommitment_reveal_timeout = 1",
       "did you mean validation.commitment_reveal_timeout_seconds?"},
      {"[validation]\ncommitment_reveal_timeout_seconds = 5",
       "announcement.min_step_seconds is missing, expected at most [validation] "
       "commitment_reveal_timeout_seconds"},
      {"[announcement]\nrake_ppm = 1000001", ":6: announcement.rake_ppm is 1000001, expected"},
      {"[announcement]\nmin_stake = 5\nmax_stake = 4",
       ":6: announcement.min_stake is 5, expected at most max_stake"},
      {"[announcement]\nmin_allowance_seconds = 9\nmax_allowance_seconds = 8",
       "expected at most max_allowance_seconds"},
      {"[announcement]\nstake_units = []", "announcement.stake_units is a list, expected at least one unit"},
      {"[escrow]\nlink_secret = \"abc\"", ":6: escrow.link_secret is something else, expected a secret key"},
      {"[database]\nurl = \"redis://me:pw@x\"", "url is something else, expected \"sqlite:FILE\""},
      {"[logging]\nformat = \"xml\"", "logging.format is \"xml\", expected one of \"text\", \"json\""},
  };
  const TemporaryFolder folder;
  for (const Wrong& wrong : cases) {
    const auto loaded =
        load_configuration(folder.write("e.toml", kNeeded + wrong.text + "\n"), environment());
    ASSERT_FALSE(loaded) << wrong.text;
    EXPECT_NE(error_of(loaded).find(wrong.error), std::string::npos)
        << wrong.text << "\n  gave: " << error_of(loaded);
    EXPECT_EQ(error_of(loaded).find("me:pw"), std::string::npos);
  }
}

TEST(EngineConfiguration, relays_mint_and_kinds_are_what_a_match_needs) {
  const TemporaryFolder folder;
  const auto error = [&](const std::string& nostr, const std::string& mint) {
    return error_of(load_configuration(
        folder.write("e.toml", "[nostr]\n" + nostr + "\n[mint]\n" + mint + "\n"), environment()));
  };
  const std::string relays = "relay_urls = [\"ws://a\"]", url = "primary_url = \"http://m\"";
  EXPECT_EQ(error(relays, url), "");
  EXPECT_NE(error("", url).find("nostr.relay_urls is missing, expected 1 to 32 relays"), std::string::npos);
  EXPECT_NE(error("relay_urls = []", url).find("nostr.relay_urls is a list, expected 1 to 32 relays"),
            std::string::npos);
  EXPECT_NE(error("relay_urls = [\"http://a\"]", url).find("\"http://a\" is none"), std::string::npos);
  EXPECT_NE(error("relay_urls = [\"ws://a\", \"ws://a/\"]", url).find("each only once"), std::string::npos);
  EXPECT_NE(error(relays, "").find("mint.primary_url is missing, expected the mint's URL"),
            std::string::npos);
  EXPECT_NE(error(relays + "\nevent_kinds = [31000]", url)
                .find("nostr.event_kinds is a list, expected 31000 to 31005"),
            std::string::npos);
  EXPECT_EQ(error(relays + "\nevent_kinds = [31005, 31004, 31003, 31002, 31001, 31000]", url), "");
  EXPECT_NE(error(relays + "\nquorum = 2", url).find("nostr.quorum is 2, expected at most the number"),
            std::string::npos);
}

TEST(EngineConfiguration, the_environment_overrides) {
  const TemporaryFolder folder;
  const auto loaded = load_configuration(folder.write("e.toml", kNeeded),
                                         environment({{"NOSTR_PRIVATE_KEY", kSecret},
                                                      {"NOSTR_RELAY_URLS", "wss://a, wss://b"},
                                                      {"MINT_URL", "https://m/"},
                                                      {"DATABASE_URL", "postgresql://db/x"}}));
  ASSERT_TRUE(loaded) << error_of(loaded);
  EXPECT_EQ(loaded->nostr.relay_urls, (std::vector<std::string>{"wss://a", "wss://b"}));
  EXPECT_EQ(loaded->mint.primary_url, "https://m");
  EXPECT_TRUE(loaded->database.is_postgresql());
  EXPECT_FALSE(check_backends(*loaded));
  const auto wrong = load_configuration(folder.path("e.toml"), environment({{"NOSTR_PRIVATE_KEY", "nsec"}}));
  EXPECT_EQ(error_of(wrong),
            "environment variable NOSTR_PRIVATE_KEY: nostr.private_key is something else, expected a secret "
            "key of 64 hex "
            "digits, \"env:NAME\" or \"file:path\"");
}

}  // namespace
}  // namespace manastr::engine
