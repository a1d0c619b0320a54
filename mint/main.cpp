// manastr-mint: a Cashu mint for games.
#include <sys/prctl.h>

#include <cstdio>
#include <string>

#include "common/resilience/termination.h"
#include "common/telemetry/log.h"
#include "mint/api/daemon.h"

namespace {

using manastr::Result;

constexpr const char* kUsage =
    "usage: manastr-mint [run] --config FILE [--data DIR]\n"
    "       manastr-mint check-config --config FILE\n";

int fail(const std::string& why) {
  std::fprintf(stderr, "manastr-mint: %s\n", why.c_str());
  return 1;
}

struct Arguments {
  bool check = false;
  std::string config;
  std::string data;
};

Result<Arguments> parse(int argc, char** argv) {
  Arguments out;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (i == 1 && (word == "run" || word == "check-config")) {
      out.check = word == "check-config";
    } else if ((word == "--config" || word == "--data") && i + 1 < argc) {
      (word == "--config" ? out.config : out.data) = argv[++i];
    } else {
      return manastr::invalid("unknown or incomplete argument '" + word + "'\n" + kUsage);
    }
  }
  if (out.config.empty()) return manastr::invalid(std::string("--config FILE is missing\n") + kUsage);
  return out;
}

manastr::telemetry::LogOptions log_options(const manastr::mint::Configuration& configuration) {
  manastr::telemetry::LogOptions out;
  manastr::telemetry::level_from_text(configuration.log_level, out.level);
  out.format = configuration.log_format == "json" ? manastr::telemetry::LogFormat::json
                                                  : manastr::telemetry::LogFormat::text;
  out.service = "mint";
  return out;
}

int run(const Arguments& arguments) {
  auto configuration = manastr::mint::load_configuration(arguments.config);
  if (!configuration) return fail(configuration.error().message);
  if (arguments.check) {
    for (const std::string& warning : configuration->warnings)
      std::fprintf(stderr, "warning: %s\n", warning.c_str());
    std::printf("%s: valid\n", arguments.config.c_str());
    return 0;
  }
  manastr::resilience::Termination termination;
  manastr::telemetry::configure_log(log_options(*configuration));
  for (const std::string& warning : configuration->warnings) manastr::telemetry::log_warn(warning);
  std::string directory = arguments.data.empty() ? configuration->server.data_dir : arguments.data;
  if (directory.empty()) directory = "data";
  const manastr::Status status = manastr::mint::run_mint(*configuration, directory, termination);
  return status ? 0 : fail(status.error().message);
}

}  // namespace

int main(int argc, char** argv) {
  prctl(PR_SET_DUMPABLE, 0);  // keys must not reach a core dump
  const auto arguments = parse(argc, argv);
  return arguments ? run(*arguments) : fail(arguments.error().message);
}
