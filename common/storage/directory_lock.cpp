#include "common/storage/directory_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace manastr::storage {
namespace {

std::string reason(int error) { return std::strerror(error); }

/// Like mkdir -p, with nobody else allowed in what it makes.
Status make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  if (std::filesystem::is_directory(folder, error)) return {};
  if (folder.has_parent_path() && folder.parent_path() != folder)
    TRY_STATUS(make_folder(folder.parent_path()));
  std::filesystem::create_directory(folder, error);
  if (error) return invalid("cannot make the data folder " + folder.string() + ": " + error.message());
  std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  return {};
}

/// The process id that the holder of the lock wrote into it; "" if it has not yet.
std::string holder(int descriptor) {
  char text[32] = {};
  const ssize_t size = ::pread(descriptor, text, sizeof text - 1, 0);
  std::string out(text, size > 0 ? static_cast<std::size_t>(size) : 0);
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

}  // namespace

Result<DirectoryLock> DirectoryLock::acquire(const std::string& directory) {
  const std::filesystem::path folder = directory.empty() ? "." : directory;
  TRY_STATUS(make_folder(folder.lexically_normal()));
  const std::string path = (folder / "lock").string();
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    return invalid("cannot write in the data folder " + folder.string() + " (" + path + ": " + reason(errno) +
                   "); run as the user who owns it, or choose another folder");
  }
  DirectoryLock lock(descriptor);
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return broken("cannot lock " + path + ": " + reason(errno));
    const std::string process = holder(descriptor);
    return refused(0, folder.string() + " is already used by " +
                          (process.empty() ? "another process" : "process " + process) +
                          "; stop it or choose another data folder");
  }
  const std::string process = std::to_string(::getpid()) + "\n";
  if (::ftruncate(descriptor, 0) != 0 ||
      ::pwrite(descriptor, process.data(), process.size(), 0) != static_cast<ssize_t>(process.size())) {
    return broken("cannot write " + path + ": " + reason(errno));
  }
  return lock;
}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

DirectoryLock& DirectoryLock::operator=(DirectoryLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

DirectoryLock::~DirectoryLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace manastr::storage
