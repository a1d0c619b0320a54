#include "engine/daemon/key_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace manastr::engine {
namespace {

std::unexpected<Error> trouble(const std::filesystem::path& file, const char* verb) {
  return broken(file.string() + ": can't " + verb + ": " + std::strerror(errno));
}

Status write_new(const std::filesystem::path& file, std::string_view text) {
  const std::filesystem::path part = file.string() + ".part";
  const int descriptor = ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (descriptor < 0) return trouble(file, "make it");
  const bool written = ::write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       ::fsync(descriptor) == 0;
  ::close(descriptor);
  if (!written || ::rename(part.c_str(), file.c_str()) != 0) return trouble(file, "write it");
  const int folder = ::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    ::fsync(folder);
    ::close(folder);
  }
  return {};
}

}  // namespace

Result<KeyFile> load_or_make_key(const std::filesystem::path& file, bool may_make, Random& random) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    if (errno != ENOENT) return trouble(file, "read it");
    if (!may_make) {
      return broken(file.string() +
                    " is missing, and the journal beside it was written with it: put the backup of "
                    "it back");
    }
    crypto::SecretKey key = crypto::SecretKey::generate(random);
    const crypto::SecretText text(to_hex(key.reveal()) + "\n");
    TRY_STATUS(write_new(file, text.reveal()));
    return KeyFile{std::move(key), true};
  }
  struct stat info{};
  if (::fstat(descriptor, &info) == 0 && (info.st_mode & 077) != 0) {
    ::close(descriptor);
    return broken(file.string() + " can be read by others; run: chmod 600 " + file.string());
  }
  char text[66] = {};
  const ssize_t size = ::read(descriptor, text, sizeof text);
  ::close(descriptor);
  const std::string_view digits(text, 64);
  auto key =
      size >= 64 && (size == 64 || text[64] == '\n') ? crypto::SecretKey::from_hex(digits) : std::nullopt;
  crypto::wipe({reinterpret_cast<Byte*>(text), sizeof text});
  if (!key) return broken(file.string() + ": expected 64 lower-case hex digits of a secret key");
  return KeyFile{*std::move(key), false};
}

}  // namespace manastr::engine
