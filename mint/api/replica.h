// The name under which this mint is one of several on a database: made once, kept in the data folder, which
// no other process has (DirectoryLock).
#pragma once
#include <string>

#include "common/base/error.h"
#include "common/base/random.h"

namespace manastr::mint {

/// Of the file `replica` in `directory`; 16 hex digits, made if there is none yet.
Result<std::string> replica_name(const std::string& directory, Random& random);

}  // namespace manastr::mint
