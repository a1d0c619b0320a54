// What a document and its sections share while a file is read. Not for other rooms: it shows the parser.
#pragma once
#include <toml++/toml.h>

#include <filesystem>
#include <map>
#include <set>

#include "common/config/document.h"

namespace manastr::config {

struct Document::State {
  toml::table table;
  std::string path;
  std::filesystem::path folder;
  Environment environment;
  std::map<int, std::vector<std::string>> errors;  // by line, those without one first
  std::vector<std::string> warnings;
  std::map<const void*, std::set<std::string, std::less<>>> asked;  // by table: its known keys
  bool finished = false;

  void error(int line, std::string text) { errors[line].push_back(std::move(text)); }
  std::string at(int line) const { return line > 0 ? path + ":" + std::to_string(line) : path; }

  /// Every key that nothing asked for is an error.
  void find_unknown(const toml::table& in, const std::string& where);
};

/// A whole file of at most `most` bytes; the error names it and says why not.
Result<std::string> read_bounded(const std::string& path, std::size_t most);
/// "section.key"
std::string joined(std::string_view path, std::string_view key);

}  // namespace manastr::config
