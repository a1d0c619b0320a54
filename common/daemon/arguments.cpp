#include "common/daemon/arguments.h"

#include <algorithm>

namespace manastr::daemon {

std::string Arguments::data_folder(std::string_view configured) const {
  if (!data.empty()) return data;
  return configured.empty() ? "data" : std::string(configured);
}

Result<Arguments> read_arguments(std::span<const std::string_view> words,
                                 std::span<const std::string_view> commands, std::string_view default_config,
                                 std::span<const Option> options) {
  Arguments out{.config = std::string(default_config)};
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (word == "--help" || word == "-h") {
      out.help = true;
      return out;
    }
    const auto option = std::ranges::find_if(
        options, [&](const Option& each) { return each.command == out.command && each.name == word; });
    if (option != options.end()) {
      if (!option->is_flag && i + 1 == words.size())
        return invalid(std::string(word) + " needs a value behind it; --help shows how");
      out.options[std::string(word)] = option->is_flag ? "yes" : words[++i];
    } else if (word == "--config" || word == "--data") {
      if (i + 1 == words.size())
        return invalid(std::string(word) + " needs a path behind it; --help shows how");
      (word == "--config" ? out.config : out.data) = words[++i];
    } else if (i == 0 && (word == "run" || std::ranges::find(commands, word) != commands.end())) {
      out.command = word;
    } else {
      return invalid("unknown argument '" + std::string(word) + "'; --help shows which there are");
    }
  }
  if (out.config.empty()) return invalid("--config FILE is missing; --help shows how");
  return out;
}

}  // namespace manastr::daemon
