// manastr-engine: judges duels over Nostr. docs/protocol.md says what it promises, config/game-engine.toml
// what it reads.
#include <fmt/format.h>
#include <sys/prctl.h>

#include <string_view>
#include <vector>

#include "common/telemetry/log.h"
#include "engine/daemon/daemon.h"

namespace {

using namespace manastr;

constexpr std::string_view kUsage =
    "usage: manastr-engine [run] [--config FILE] [--data DIR]\n"
    "       manastr-engine check-config [--config FILE]\n"
    "       manastr-engine pubkey [--config FILE] [--data DIR]\n"
    "       manastr-engine rake [--config FILE] [--data DIR]\n"
    "\n"
    "  run           judge matches until SIGTERM (the default)\n"
    "  check-config  read the configuration, connect to nothing; exit 0 if it is in order, else 1\n"
    "  pubkey        print the engine's public key, which the mint's game-engine-auth.toml must name; makes "
    "the key files\n"
    "                if they aren't there\n"
    "  rake          print the rake earned and not yet redeemed, one token for each unit; also while the "
    "engine runs\n"
    "  --config FILE default game-engine.toml\n"
    "  --data DIR    journal and keys; default [server] data_dir, else ./data\n";

struct Arguments {
  enum class Command { run, check_config, pubkey, rake } command = Command::run;
  std::string config = "game-engine.toml";
  std::string data;
};

/// nullopt: the usage is to be shown.
std::optional<Arguments> read_arguments(const std::vector<std::string_view>& words) {
  Arguments out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool has_value = i + 1 < words.size();
    if (i == 0 && words[i] == "run") continue;
    if (i == 0 && words[i] == "check-config") {
      out.command = Arguments::Command::check_config;
    } else if (i == 0 && words[i] == "pubkey") {
      out.command = Arguments::Command::pubkey;
    } else if (i == 0 && words[i] == "rake") {
      out.command = Arguments::Command::rake;
    } else if (words[i] == "--config" && has_value) {
      out.config = words[++i];
    } else if (words[i] == "--data" && has_value && out.command != Arguments::Command::check_config) {
      out.data = words[++i];
    } else {
      return std::nullopt;
    }
  }
  return out;
}

int fail(const Error& error) {
  fmt::print(stderr, "manastr-engine: {}\n", error.message);
  return 1;
}

void start_log(const engine::Configuration& configuration) {
  telemetry::LogOptions options{
      .format = configuration.log_format == "json" ? telemetry::LogFormat::json : telemetry::LogFormat::text,
      .service = "engine"};
  telemetry::level_from_text(configuration.log_level, options.level);
  telemetry::configure_log(options);
}

}  // namespace

int main(int argc, char** argv) {
  prctl(PR_SET_DUMPABLE, 0);  // keys must not reach a core dump
  const std::vector<std::string_view> words(argv + 1, argv + argc);
  if (words.size() == 1 && (words[0] == "--help" || words[0] == "-h")) {
    fmt::print("{}", kUsage);
    return 0;
  }
  const auto arguments = read_arguments(words);
  if (!arguments) {
    fmt::print(stderr, "{}", kUsage);
    return 2;
  }
  resilience::Termination termination;
  auto configuration = engine::load_configuration(arguments->config);
  if (!configuration) return fail(configuration.error());
  for (const std::string& warning : configuration->warnings)
    fmt::print(stderr, "manastr-engine: {}\n", warning);
  if (arguments->command == Arguments::Command::check_config) {
    fmt::print("{}: in order\n", arguments->config);
    return 0;
  }
  if (const Status usable = engine::check_backends(*configuration); !usable) return fail(usable.error());
  start_log(*configuration);
  std::string data = arguments->data;
  if (data.empty()) data = configuration->server.data_dir;
  if (data.empty()) data = "data";
  if (arguments->command == Arguments::Command::pubkey) {
    const auto pubkey = engine::engine_pubkey(*configuration, data);
    if (!pubkey) return fail(pubkey.error());
    fmt::print("{}\n", pubkey->hex());
    return 0;
  }
  if (arguments->command == Arguments::Command::rake) {
    const auto tokens = engine::earned_rake(*configuration, data);
    if (!tokens) return fail(tokens.error());
    for (const std::string& token : *tokens) fmt::print("{}\n", token);
    return 0;
  }
  const auto code = engine::run_daemon(
      {.configuration = *std::move(configuration), .configuration_file = arguments->config, .data = data},
      termination);
  if (!code) return fail(code.error());
  return *code;
}
