#include "mint/keysets/mnemonic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/crypto/bip39.h"

namespace manastr::mint {
namespace {

constexpr std::size_t kMaxMnemonicBytes = 1024;

class Descriptor {
 public:
  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
  ~Descriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

std::string reason() { return std::strerror(errno); }

Result<crypto::SecretText> read(int descriptor, const std::string& path) {
  struct stat info{};
  if (::fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) return invalid(path + " is no file");
  if ((info.st_mode & 077) != 0) return invalid(path + " can be read by others; run: chmod 600 " + path);
  std::string text(kMaxMnemonicBytes + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(descriptor, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return invalid(path + " can't be read: " + reason());
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  text.resize(size);
  crypto::SecretText words(std::move(text));
  if (auto checked = crypto::check_mnemonic(words.reveal()); !checked) {
    return invalid(path + ": " + checked.error().message);
  }
  return words;
}

/// Written whole under another name first, so that a crash leaves no half mnemonic.
Status write(const crypto::SecretText& words, const std::string& directory, const std::string& path) {
  const std::string fresh = path + ".new";
  const Descriptor file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.get() < 0) return invalid(fresh + " can't be made: " + reason());
  const std::string_view text = words.reveal();
  const bool written = ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       ::write(file.get(), "\n", 1) == 1 && ::fsync(file.get()) == 0;
  if (!written || ::rename(fresh.c_str(), path.c_str()) != 0)
    return invalid(path + " can't be written: " + reason());
  const Descriptor folder(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0 || ::fsync(folder.get()) != 0)
    return invalid(directory + " can't be synced: " + reason());
  return {};
}

}  // namespace

Result<Mnemonic> load_mnemonic(const crypto::SecretText& configured, const std::string& directory,
                               bool may_make, Random& random) {
  if (!configured.empty()) {
    if (auto checked = crypto::check_mnemonic(configured.reveal()); !checked) {
      return invalid("[keysets] mnemonic: " + checked.error().message);
    }
    return Mnemonic{configured, ""};
  }
  const std::string path = directory + "/mnemonic";
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() >= 0) {
    TRY(crypto::SecretText words, read(file.get(), path));
    return Mnemonic{std::move(words), ""};
  }
  if (errno != ENOENT) return invalid(path + " can't be opened: " + reason());
  if (!may_make)
    return invalid(path + " is missing, and the ledger's keysets need it: put the backup of it back");
  crypto::SecretText words = crypto::generate_mnemonic(random);
  TRY_STATUS(write(words, directory, path));
  return Mnemonic{std::move(words), path};
}

}  // namespace manastr::mint
