// manastr-relay: a Nostr relay for demo, tests and small hosts. config/relay.toml says what it reads.
#include <fmt/format.h>

#include <cstdio>
#include <string_view>
#include <vector>

#include "common/daemon/arguments.h"
#include "common/resilience/termination.h"
#include "common/storage/directory_lock.h"
#include "common/telemetry/log.h"
#include "relay-client/embedded/embedded_relay.h"

namespace {

using namespace manastr;

constexpr std::string_view kUsage =
    "usage: manastr-relay [run] --config FILE [--data DIR]\n"
    "       manastr-relay check-config --config FILE\n"
    "\n"
    "  run           serve clients until SIGTERM (the default)\n"
    "  check-config  read the configuration, open nothing; exit 0 if it is valid, else 1\n"
    "  --data DIR    the events; default [database] data_directory, else ./data\n";

constexpr std::string_view kCommands[] = {"check-config"};

int fail(const Error& error) {
  fmt::print(stderr, "manastr-relay: {}\n", error.message);
  return 1;
}

int run(relay::embedded::Settings settings, const std::string& directory) {
  resilience::Termination termination;
  telemetry::configure_log({.service = "relay"});
  const auto lock = storage::DirectoryLock::acquire(directory);
  if (!lock) return fail(lock.error());
  std::remove((directory + "/port").c_str());  // who waits for it must not find that of an earlier run
  const bool sqlite = settings.sqlite;
  const std::string address = settings.address;
  auto relay = relay::embedded::EmbeddedRelay::start(std::move(settings), directory);
  if (!relay) return fail(relay.error());
  telemetry::log_info("relay listens", {{"address", address},
                                        {"port", (*relay)->port()},
                                        {"data", directory},
                                        {"events", sqlite ? "on disk" : "in memory"}});
  termination.wait();
  termination.second_kills();
  telemetry::log_info("relay drains");
  relay->reset();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> words(argv + 1, argv + argc);
  const auto arguments = daemon::read_arguments(words, kCommands, "");
  if (!arguments) return fail(arguments.error());
  if (arguments->help) {
    fmt::print("{}", kUsage);
    return 0;
  }
  auto settings = relay::embedded::load_settings(arguments->config);
  if (!settings) return fail(settings.error());
  if (arguments->command == "check-config") {
    fmt::print("{}: valid\n", arguments->config);
    return 0;
  }
  const std::string directory = arguments->data_folder(settings->data_directory);
  return run(*std::move(settings), directory);
}
