// manastr-mint: a Cashu mint for games. docs/mint-api.md says what it adds to the NUTs, config/mint.toml what
// it reads.
#include <fmt/format.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <charconv>
#include <string_view>
#include <vector>

#include "common/daemon/arguments.h"
#include "common/resilience/termination.h"
#include "common/telemetry/log.h"
#include "mint/api/daemon.h"
#include "mint/audit/verify.h"
#include "mint/backup/backup.h"
#include "mint/backup/restore.h"
#include "mint/console/admin_command.h"
#include "mint/import/import.h"
#include "mint/import/resolve.h"

namespace {

using namespace manastr;

constexpr std::string_view kUsage =
    "usage: manastr-mint [run] --config FILE [--data DIR]\n"
    "       manastr-mint check-config --config FILE\n"
    "       manastr-mint migrate --config FILE\n"
    "       manastr-mint backup --config FILE [--data DIR] --to FILE\n"
    "       manastr-mint restore --config FILE [--data DIR] --from FILE [--verify]\n"
    "       manastr-mint confirm-restore --config FILE [--data DIR]\n"
    "       manastr-mint import --config FILE [--data DIR] --from cdk-mintd|nutshell --source "
    "FILE|REFERENCE\n"
    "                    --seed REFERENCE [--cover-shortfall]\n"
    "       manastr-mint resolve-melt --config FILE [--data DIR] --quote ID --paid|--failed [--paid-msat N]\n"
    "                    [--preimage HEX]\n"
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
    "  backup        copy the ledger into FILE while the mint runs, with a manifest beside it; the mnemonic "
    "is "
    "not in it\n"
    "  restore       make a ledger of a backup, in an empty place, after checking it; --verify: in a place "
    "that "
    "is deleted again\n"
    "  confirm-restore  nothing happened after the backup that was restored: proofs and quotes of before "
    "count "
    "again\n"
    "  import        take over the business of another mint, which is stopped, into an empty ledger; "
    "REFERENCE: env:NAME or file:PATH\n"
    "  resolve-melt  end a melt that was pending when its mint was imported\n"
    "  --data DIR    ledger and mnemonic; default [server] data_dir, else ./data\n";

constexpr std::string_view kCommands[] = {"check-config", "migrate",         "verify", "backup",
                                          "restore",      "confirm-restore", "import", "resolve-melt"};
constexpr daemon::Option kOptions[] = {{"verify", "--after"},
                                       {"backup", "--to"},
                                       {"restore", "--from"},
                                       {"restore", "--verify", true},
                                       {"import", "--from"},
                                       {"import", "--source"},
                                       {"import", "--seed"},
                                       {"import", "--cover-shortfall", true},
                                       {"resolve-melt", "--quote"},
                                       {"resolve-melt", "--paid", true},
                                       {"resolve-melt", "--failed", true},
                                       {"resolve-melt", "--paid-msat"},
                                       {"resolve-melt", "--preimage"}};

/// From now on no thread takes the processor from another the moment it wakes, only at its turn: PostgreSQL's
/// server on the same cores goes first, and a tenth more swaps are done (bench/README.md).
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

int back_up(const mint::Configuration& configuration, const daemon::Arguments& arguments) {
  const std::string to = arguments.option("--to");
  if (to.empty()) return fail(invalid("backup needs --to FILE").error());
  ::setpriority(PRIO_PROCESS, 0, 10);  // the mint goes first
  const auto manifest =
      mint::back_up(configuration, arguments.data_folder(configuration.server.data_dir), to);
  if (!manifest) return fail(manifest.error());
  fmt::print("{}: {} bytes, sha256 {}\n", to, manifest->bytes, manifest->sha256);
  fmt::print("the mnemonic is not in it: keep it apart, without it a backup is worth nothing\n");
  return 0;
}

int restore(const mint::Configuration& configuration, const daemon::Arguments& arguments) {
  const std::string from = arguments.option("--from");
  if (from.empty()) return fail(invalid("restore needs --from FILE").error());
  const std::string folder = arguments.data_folder(configuration.server.data_dir);
  const bool drill = !arguments.option("--verify").empty();
  const auto report =
      drill ? mint::drill(configuration, folder, from) : mint::restore(configuration, folder, from);
  if (!report) return fail(report.error());
  std::uint64_t rows = 0;
  for (const auto& [table, count] : report->manifest.inventory.rows) rows += count;
  fmt::print("{}: {} rows, {} keysets; {} signatures made again from the mnemonic\n", from, rows,
             report->manifest.inventory.keysets.size(), report->checked_signatures);
  fmt::print("restored in {:.1f} s, checked in {:.1f} s\n", report->restore_seconds, report->check_seconds);
  if (drill) {
    fmt::print("this was a drill: nothing is left of it\n");
    return 0;
  }
  fmt::print(
      "What was spent or issued after the backup was taken is not in it, and could be spent or issued again. "
      "So\n"
      "proofs of its keysets and its quotes are refused; the mint serves with fresh keysets. If nothing can "
      "have\n"
      "happened after the backup, stop the mint and run: manastr-mint confirm-restore\n");
  return 0;
}

int take_over(const mint::Configuration& configuration, const daemon::Arguments& arguments) {
  mint::ImportOptions options;
  options.from = arguments.option("--from");
  options.source = arguments.option("--source");
  options.seed = arguments.option("--seed");
  options.cover_shortfall = !arguments.option("--cover-shortfall").empty();
  const auto report =
      mint::import_mint(configuration, arguments.data_folder(configuration.server.data_dir), options);
  if (!report) return fail(report.error());
  fmt::print("taken:\n");
  for (const std::string& line : report->taken) fmt::print("  {}\n", line);
  fmt::print("left:\n");
  for (const std::string& line : report->left) fmt::print("  {}\n", line);
  if (report->left.empty()) fmt::print("  nothing\n");
  return 0;
}

int resolve_melt(const mint::Configuration& configuration, const daemon::Arguments& arguments) {
  mint::MeltEnd end;
  end.quote = arguments.option("--quote");
  end.paid = !arguments.option("--paid").empty();
  if (end.quote.empty() || end.paid == !arguments.option("--failed").empty())
    return fail(invalid("resolve-melt needs --quote ID and either --paid or --failed").error());
  const std::string msat = arguments.option("--paid-msat");
  if (!msat.empty()) {
    std::uint64_t value = 0;
    const auto [stop, error] = std::from_chars(msat.data(), msat.data() + msat.size(), value);
    if (error != std::errc() || stop != msat.data() + msat.size())
      return fail(invalid("--paid-msat needs a number").error());
    end.paid_msat = value;
  }
  const std::string preimage = arguments.option("--preimage");
  if (!preimage.empty()) {
    end.preimage = array_from_hex<32>(preimage, HexCase::any);
    if (!end.preimage) return fail(invalid("--preimage needs 64 hex digits").error());
  }
  const Status resolved =
      mint::resolve_melt(configuration, arguments.data_folder(configuration.server.data_dir), end);
  return resolved ? 0 : fail(resolved.error());
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
  if (arguments->command == "backup") return back_up(*configuration, *arguments);
  if (arguments->command == "restore") return restore(*configuration, *arguments);
  if (arguments->command == "import") return take_over(*configuration, *arguments);
  if (arguments->command == "resolve-melt") return resolve_melt(*configuration, *arguments);
  if (arguments->command == "confirm-restore") {
    const Status confirmed =
        mint::confirm_restore(*configuration, arguments->data_folder(configuration->server.data_dir));
    return confirmed ? 0 : fail(confirmed.error());
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
