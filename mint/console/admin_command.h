// `manastr-mint admin`: one call of /admin/v1/* to a running mint, signed with an admin's key, its answer
// printed for people. Called by main. The key comes from a file, never from the command line.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/base/random.h"

namespace manastr::mint {

/// What the words behind `admin` ask for.
struct AdminWords {
  std::string config;
  std::string data;  ///< for DIR/port where the configured port is 0
  std::string url;   ///< instead of the configuration's
  std::string key;   ///< file with hex or nsec1…
  std::string method;
  std::string path;       ///< "/admin/v1/units/mana/cap"
  std::string body;       ///< JSON with its operation; "" for GET
  std::string operation;  ///< as it is in the body
  bool help = false;
};
/// ACTION [name=value …]: digits are a number, true, false and null themselves, a,b a list where one is
/// taken.
Result<AdminWords> read_admin_words(std::span<const std::string_view> words, Random& random);

/// Prints the answer, or why there is none; the exit code.
int run_admin_command(const AdminWords& words);

/// JSON as indented lines "name: value".
std::string plain_text(std::string_view json);

}  // namespace manastr::mint
