// manastr-mint: a Cashu mint for games. docs/mint-api.md says what it adds to the NUTs, config/mint.toml what
// it reads.
#include <fmt/format.h>
#include <sched.h>
#include <sys/prctl.h>

#include <string_view>
#include <vector>

#include "common/daemon/arguments.h"
#include "common/resilience/termination.h"
#include "common/telemetry/log.h"
#include "mint/api/daemon.h"
#include "mint/audit/verify.h"
#include "mint/console/admin_command.h"

namespace {

using namespace manastr;

constexpr std::string_view kUsage =
    "usage: manastr-mint [run] --config FILE [--data DIR]\n"
    "       manastr-mint check-config --config FILE\n"
    "       manastr-mint migrate --config FILE\n"
    "       manastr-mint admin --config FILE --key FILE ACTION ...\n"
    "       manastr-mint verify --config FILE [--data DIR] [--after CHECKPOINT]\n"
    "\n"
    "  run           serve wallets and engines until SIGTERM (the default)\n"
    "  check-config  read the configuration, connect to nothing; exit 0 if it is valid, else 1\n"
    "  migrate       make or bring forward the tables of a PostgreSQL ledger, as the role of [database] "
    "owner_url\n"
    "  admin         ask a running mint to make, price, cap, rotate or retire units; admin --help lists all\n"
    "  verify        rebuild every balance from the journal and compare it with the ledger, also while the "
    "mint "
    "runs;\n"
    "                exit 0 if all is well. CHECKPOINT is a file with a reply of /v1/supply that was kept\n"
    "  --data DIR    ledger and mnemonic; default [server] data_dir, else ./data\n";

constexpr std::string_view kCommands[] = {"check-config", "migrate", "verify"};
constexpr daemon::Option kOptions[] = {{"verify", "--after"}};

/// From now on no thread takes the processor from another the moment it wakes, only at its turn: the
/// committer would else commit after each write while the crypto workers wait (four times the commits, a
/// sixth less throughput).
void run_for_throughput() {
  const sched_param none{};
  (void)sched_setscheduler(0, SCHED_BATCH, &none);  // where it isn't allowed, the mint is only slower
}

int fail(const Error& error) {
  fmt::print(stderr, "manastr-mint: {}\n", error.message);
  return 1;
}

/// One line for each check.
int verify(const mint::Configuration& configuration, const std::string& directory, const std::string& after) {
  const auto passed = mint::verify_mint(
      configuration, directory, after,
      [](bool good, const std::string& line) { fmt::print("{} {}\n", good ? "ok  " : "FAIL", line); });
  if (!passed) return fail(passed.error());
  return *passed ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  prctl(PR_SET_DUMPABLE, 0);  // keys must not reach a core dump
  const std::vector<std::string_view> words(argv + 1, argv + argc);
  if (!words.empty() && words.front() == "admin") {
    const auto call = mint::read_admin_words(std::span(words).subspan(1), system_random());
    return call ? mint::run_admin_command(*call) : fail(call.error());
  }
  const auto arguments = daemon::read_arguments(words, kCommands, "", kOptions);
  if (!arguments) return fail(arguments.error());
  if (arguments->help) {
    fmt::print("{}", kUsage);
    return 0;
  }
  auto configuration = mint::load_configuration(arguments->config);
  if (!configuration) return fail(configuration.error());
  if (arguments->command == "check-config") {
    for (const std::string& warning : configuration->warnings) fmt::print(stderr, "warning: {}\n", warning);
    fmt::print("{}: valid\n", arguments->config);
    return 0;
  }
  if (arguments->command == "migrate") {
    const Status migrated = mint::migrate_mint(*configuration);
    return migrated ? 0 : fail(migrated.error());
  }
  run_for_throughput();
  const std::string directory = arguments->data_folder(configuration->server.data_dir);
  if (arguments->command == "verify") {
    return verify(*configuration, directory, arguments->option("--after"));
  }
  resilience::Termination termination;
  daemon::start_log(configuration->logging, "mint");
  for (const std::string& warning : configuration->warnings) telemetry::log_warn(warning);
  const Status status = mint::run_mint(*configuration, directory, termination);
  return status ? 0 : fail(status.error());
}
