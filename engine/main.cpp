// manastr-engine: judges duels over Nostr. docs/protocol.md says what it promises, config/game-engine.toml
// what it reads.
#include <fmt/format.h>
#include <sys/prctl.h>

#include <string_view>
#include <vector>

#include "common/daemon/arguments.h"
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
    "  check-config  read the configuration, connect to nothing; exit 0 if it is valid, else 1\n"
    "  pubkey        print the engine's public key, which the mint's game-engine-auth.toml must name; makes "
    "the key files\n"
    "                if they aren't there\n"
    "  rake          print the rake earned and not yet redeemed, one token for each unit; also while the "
    "engine runs\n"
    "  --config FILE default game-engine.toml\n"
    "  --data DIR    journal and keys; default [server] data_dir, else ./data\n";

constexpr std::string_view kCommands[] = {"check-config", "pubkey", "rake"};

int fail(const Error& error) {
  fmt::print(stderr, "manastr-engine: {}\n", error.message);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  prctl(PR_SET_DUMPABLE, 0);  // keys must not reach a core dump
  const std::vector<std::string_view> words(argv + 1, argv + argc);
  const auto arguments = daemon::read_arguments(words, kCommands, "game-engine.toml");
  if (!arguments) return fail(arguments.error());
  if (arguments->help) {
    fmt::print("{}", kUsage);
    return 0;
  }
  resilience::Termination termination;
  auto configuration = engine::load_configuration(arguments->config);
  if (!configuration) return fail(configuration.error());
  for (const std::string& warning : configuration->warnings)
    fmt::print(stderr, "manastr-engine: {}\n", warning);
  if (arguments->command == "check-config") {
    fmt::print("{}: valid\n", arguments->config);
    return 0;
  }
  if (const Status usable = engine::check_backends(*configuration); !usable) return fail(usable.error());
  daemon::start_log(configuration->logging, "engine");
  const std::string data = arguments->data_folder(configuration->server.data_dir);
  if (arguments->command == "pubkey") {
    const auto pubkey = engine::engine_pubkey(*configuration, data);
    if (!pubkey) return fail(pubkey.error());
    fmt::print("{}\n", pubkey->hex());
    return 0;
  }
  if (arguments->command == "rake") {
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
