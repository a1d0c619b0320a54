// The command line that all daemons share: PROGRAM [COMMAND] --config FILE [--data DIR], and what else a
// command takes. Called by the main.cpp of mint, engine and relay. Promises: nothing is guessed; a word that
// means nothing here is named in the error.
#pragma once
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/base/error.h"

namespace manastr::daemon {

struct Arguments {
  std::string command = "run";
  std::string config;                                       ///< path of the configuration file
  std::string data;                                         ///< "" where --data isn't given
  bool help = false;                                        ///< --help or -h: nothing else was read
  std::map<std::string, std::string, std::less<>> options;  ///< those of the command that were given

  /// "" where it wasn't given; a flag that was is "yes".
  std::string option(std::string_view name) const {
    const auto found = options.find(name);
    return found == options.end() ? std::string() : found->second;
  }

  /// The folder to keep things in: --data, else `configured` ([server] data_dir), else "data".
  std::string data_folder(std::string_view configured) const;
};

/// An option of some command beside --config and --data.
struct Option {
  std::string_view command;
  std::string_view name;  ///< "--to"
  bool is_flag = false;   ///< nothing stands behind it
};

/// `words` are those behind the program's name. A command is one of `commands` or "run", in the first place.
/// Without --config it is `default_config`; where that is "" too, the error says what is missing.
Result<Arguments> read_arguments(std::span<const std::string_view> words,
                                 std::span<const std::string_view> commands, std::string_view default_config,
                                 std::span<const Option> options = {});

}  // namespace manastr::daemon
