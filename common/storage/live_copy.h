// A copy of a database that others go on writing to: for backups. Promises: the copy is the database as it
// was at one moment, nobody's commit waits for it, and it is on the disk when this returns.
#pragma once
#include <string>

#include "common/base/clock.h"
#include "common/base/error.h"

namespace manastr::storage {

struct CopyPace {
  int pages = 512;  ///< between two rests
  Millis rest{1};
};

/// From the file `from` into `to`, which must not exist and is made with mode 0600; what fails leaves none.
/// While it goes on, the log of `from` can't begin anew, so it grows by what is written meanwhile.
Status copy_live(const std::string& from, const std::string& to, const CopyPace& pace = {});

}  // namespace manastr::storage
