// A secret key in the data folder: made at the first start, read ever after.
#pragma once
#include <filesystem>

#include "common/base/random.h"
#include "common/crypto/keys.h"

namespace manastr::engine {

struct KeyFile {
  crypto::SecretKey key;
  bool made = false;  ///< just now: the operator must be told to back it up
};
/// 64 hex digits in a file that nobody else may read. `may_make`: whether a missing one is made. The error is
/// one line that names the file.
Result<KeyFile> load_or_make_key(const std::filesystem::path& file, bool may_make, Random& random);

}  // namespace manastr::engine
