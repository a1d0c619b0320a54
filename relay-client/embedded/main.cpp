// manastr-relay: a Nostr relay for demo, tests and small hosts.
#include <cstdio>
#include <cstring>
#include <string>

#include "common/resilience/termination.h"
#include "common/storage/directory_lock.h"
#include "common/telemetry/log.h"
#include "relay-client/embedded/embedded_relay.h"

namespace {

using manastr::Result;

constexpr const char* kUsage =
    "usage: manastr-relay [run] --config FILE [--data DIR]\n"
    "       manastr-relay check-config --config FILE\n";

int fail(const std::string& why) {
  std::fprintf(stderr, "manastr-relay: %s\n", why.c_str());
  return 1;
}

struct Arguments {
  bool check = false;
  std::string config, data;
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

int run(const Arguments& arguments) {
  using namespace manastr;
  auto settings = relay::embedded::load_settings(arguments.config);
  if (!settings) return fail(settings.error().message);
  if (arguments.check) {
    std::printf("%s: valid\n", arguments.config.c_str());
    return 0;
  }
  resilience::Termination termination;
  telemetry::configure_log({.service = "relay"});
  std::string directory = arguments.data.empty() ? settings->data_directory : arguments.data;
  if (directory.empty()) directory = "data";
  const auto lock = storage::DirectoryLock::acquire(directory);
  if (!lock) return fail(lock.error().message);
  const bool sqlite = settings->sqlite;
  const std::string address = settings->address;
  auto relay = relay::embedded::EmbeddedRelay::start(*std::move(settings), directory);
  if (!relay) return fail(relay.error().message);
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
  if (argc == 2 && (std::strcmp(argv[1], "--help") == 0 || std::strcmp(argv[1], "-h") == 0)) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  const auto arguments = parse(argc, argv);
  if (!arguments) return fail(arguments.error().message);
  return run(*arguments);
}
