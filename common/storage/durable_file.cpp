#include "common/storage/durable_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

namespace manastr::storage {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
  ~Descriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return descriptor_; }
  bool is_open() const { return descriptor_ >= 0; }

 private:
  int descriptor_;
};

std::unexpected<Error> failed(const std::string& path, std::string_view what) {
  const int error = errno;
  const std::string why = std::strerror(error);
  if (error == ENOSPC || error == EDQUOT) return unavailable("the disk that holds " + path + " is full");
  if (error == EEXIST) return invalid(path + " is there already, and nothing is written over");
  return invalid(path + " can't be " + std::string(what) + ": " + why);
}

Status sync_folder_of(const std::string& path) {
  const std::string folder = std::filesystem::absolute(path).parent_path().string();
  const Descriptor open(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!open.is_open() || ::fsync(open.get()) != 0) return failed(folder, "synced");
  return {};
}

}  // namespace

Status make_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.is_open()) return failed(path, "made");
  return {};
}

Status write_file(const std::string& path, std::string_view content) {
  const std::string fresh = path + ".new";
  remove_file(fresh);
  TRY_STATUS(make_file(fresh));
  const Descriptor file(::open(fresh.c_str(), O_WRONLY | O_CLOEXEC));
  std::size_t done = 0;
  while (file.is_open() && done < content.size()) {
    const ssize_t wrote = ::write(file.get(), content.data() + done, content.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) break;
    done += static_cast<std::size_t>(wrote);
  }
  if (!file.is_open() || done < content.size() || ::fsync(file.get()) != 0) {
    auto out = failed(path, "written");
    remove_file(fresh);
    return out;
  }
  return name_file(fresh, path);
}

Status sync_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open() || ::fsync(file.get()) != 0) return failed(path, "synced");
  return {};
}

Status name_file(const std::string& from, const std::string& to) {
  int renamed = ::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE);
  if (renamed != 0 && errno == EINVAL) {  // a file system that can't promise it (NFS): look first
    errno = EEXIST;
    struct stat info{};
    if (::lstat(to.c_str(), &info) != 0) renamed = ::rename(from.c_str(), to.c_str());
  }
  if (renamed != 0) return failed(to, "written");
  return sync_folder_of(to);
}

void remove_file(const std::string& path) { ::unlink(path.c_str()); }

Status read_file(const std::string& path, const std::function<Status(ByteView)>& piece) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return failed(path, "opened");
  ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  std::vector<Byte> buffer(1 << 20);
  for (;;) {
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed(path, "read");
    if (got == 0) return {};
    TRY_STATUS(piece(ByteView(buffer).first(static_cast<std::size_t>(got))));
  }
}

Result<std::string> read_small_file(const std::string& path, std::size_t most) {
  std::string out;
  TRY_STATUS(read_file(path, [&](ByteView piece) -> Status {
    if (out.size() + piece.size() > most) return invalid(path + " is larger than it can be");
    out += as_text(piece);
    return {};
  }));
  return out;
}

}  // namespace manastr::storage
