// The engine as a process: makes the stages, joins them, starts and ends them in the right order. Called by
// main alone.
#pragma once
#include <filesystem>
#include <string>

#include "common/resilience/termination.h"
#include "engine/configuration/configuration.h"

namespace manastr::engine {

struct DaemonOptions {
  Configuration configuration;
  std::string configuration_file;
  std::filesystem::path data;
};

/// Runs until a signal (the value is the exit code then) or a fault; the error is one line for the operator.
/// From the signal on it drains for at most five seconds: everything taken in is journaled, receipts are
/// published.
Result<int> run_daemon(DaemonOptions options, resilience::Termination& termination);

/// The identity under which run_daemon() would sign; makes the key files in `data` if they aren't there.
Result<crypto::XOnlyKey> engine_pubkey(const Configuration& configuration, const std::filesystem::path& data);

/// Tokens of the rake earned and not yet redeemed, one for each unit (rake.h).
Result<std::vector<std::string>> earned_rake(const Configuration& configuration,
                                             const std::filesystem::path& data);

}  // namespace manastr::engine
