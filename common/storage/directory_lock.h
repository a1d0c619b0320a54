// One process per data folder: every daemon and the player take this lock before they open a file in it.
#pragma once
#include <string>

#include "common/base/error.h"

namespace manastr::storage {

/// flock(2) on DIR/lock, held until destroyed; the kernel releases it however the process ends.
class DirectoryLock {
 public:
  /// Makes the folder (0700, its parents too) if it isn't there. The error is one line: "already used by
  /// process 123", or what is missing (a permission, a parent that is a file, space).
  static Result<DirectoryLock> acquire(const std::string& directory);
  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&& other) noexcept;
  ~DirectoryLock();

 private:
  explicit DirectoryLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace manastr::storage
