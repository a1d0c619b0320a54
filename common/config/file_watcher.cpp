#include "common/config/file_watcher.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <thread>

#include "common/crypto/hash.h"

namespace manastr::config {
namespace {

namespace fs = std::filesystem;

/// Whatever may put other bytes, or another file, at a path in a watched folder.
constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB | IN_CREATE | IN_DELETE |
                                  IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr std::size_t kMostBytes = 1 << 20;
constexpr int kMostLinks = 40;  // as the kernel's own limit

/// The folders in which a change may change what `path` names: that of each component which is a symlink or
/// is missing, and that of the file itself.
std::set<std::string> folders_on_the_way(const fs::path& path) {
  std::set<std::string> out;
  fs::path done = path.is_absolute() ? path.root_path() : fs::current_path();
  std::vector<fs::path> todo;  // components, the next one last
  auto push = [&todo](const fs::path& tail) {
    const std::vector<fs::path> parts(tail.begin(), tail.end());
    todo.insert(todo.end(), parts.rbegin(), parts.rend());
  };
  push(path.relative_path());
  int links = 0;
  while (!todo.empty()) {
    const fs::path part = todo.back();
    todo.pop_back();
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      done = done.parent_path();
      continue;
    }
    const fs::path next = done / part;
    std::error_code error;
    const fs::file_status status = fs::symlink_status(next, error);
    if (status.type() == fs::file_type::symlink) {
      out.insert(done.string());
      if (++links > kMostLinks) return out;
      const fs::path target = fs::read_symlink(next, error);
      if (target.is_absolute()) done = target.root_path();
      push(target.relative_path());
      continue;
    }
    if (todo.empty() || !fs::exists(status)) out.insert(done.string());
    if (!fs::exists(status)) return out;
    done = next;
  }
  return out;
}

/// Nothing if there is no such file now.
std::optional<Hash32> fingerprint(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  std::string text(kMostBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return std::nullopt;
  text.resize(static_cast<std::size_t>(in.gcount()));
  return crypto::sha256(as_bytes(text));
}

}  // namespace

class FileWatcher::Impl {
 public:
  Impl(std::string path, std::function<void()> changed, Millis quiet)
      : path_(std::move(path)), changed_(std::move(changed)), quiet_(quiet) {}
  ~Impl() {
    if (thread_.joinable()) {
      const std::uint64_t one = 1;
      [[maybe_unused]] const ssize_t written = ::write(stop_, &one, sizeof one);
      thread_.join();
    }
    if (notify_ >= 0) ::close(notify_);
    if (stop_ >= 0) ::close(stop_);
  }

  Status start() {
    notify_ = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    stop_ = ::eventfd(0, EFD_CLOEXEC);
    if (notify_ < 0 || stop_ < 0) return failed();
    TRY_STATUS(watch());
    last_ = fingerprint(path_);
    thread_ = std::thread([this] { run(); });
    return {};
  }

 private:
  Status failed() const {
    return unavailable("cannot watch " + path_ + " for changes: " + std::strerror(errno) +
                       (errno == EMFILE || errno == ENOSPC
                            ? "; raise fs.inotify.max_user_instances and max_user_watches"
                            : ""));
  }

  /// Brings the set of watches to what the path needs now. Between finding the folders and watching them the
  /// path may change again, so this repeats until two rounds agree.
  Status watch() {
    for (int round = 0; round < 8; ++round) {
      const std::set<std::string> wanted = folders_on_the_way(path_);
      std::map<int, std::string> next;
      for (const std::string& folder : wanted) {
        const int watch = ::inotify_add_watch(notify_, folder.c_str(), kEvents);
        if (watch >= 0) {
          next[watch] = folder;
        } else if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) {
          return failed();
        }
      }
      for (const auto& [watch, folder] : watches_) {
        if (!next.contains(watch)) ::inotify_rm_watch(notify_, watch);
      }
      const bool same = next == watches_;
      watches_ = std::move(next);
      if (same) return {};
    }
    return {};
  }

  void run() {
    while (wait_for_change()) {
      // A failure here leaves the watches that there are; the next event tries again.
      (void)watch();
      const auto now = fingerprint(path_);
      if (now == last_) continue;
      last_ = now;
      changed_();
    }
  }

  /// False: to stop. True: something happened, and then nothing for `quiet_`.
  bool wait_for_change() {
    while (!wait(Millis{-1})) {
      if (stopped_) return false;
    }
    const auto last_moment = std::chrono::steady_clock::now() + 10 * quiet_;
    while (std::chrono::steady_clock::now() < last_moment && wait(quiet_)) {
    }
    return !stopped_;
  }

  /// True if events came (they are read away), false if none did or the watcher stops.
  bool wait(Millis timeout) {
    std::array<pollfd, 2> sources{pollfd{notify_, POLLIN, 0}, pollfd{stop_, POLLIN, 0}};
    if (::poll(sources.data(), sources.size(), static_cast<int>(timeout.count())) < 0) return errno == EINTR;
    if (sources[1].revents != 0) {
      stopped_ = true;
      return false;
    }
    if (sources[0].revents == 0) return false;
    std::array<char, 16 * 1024> events;
    while (::read(notify_, events.data(), events.size()) > 0) {
    }
    return true;
  }

  const std::string path_;
  const std::function<void()> changed_;
  const Millis quiet_;
  int notify_ = -1;
  int stop_ = -1;
  // The rest belongs to thread_ once that runs.
  std::map<int, std::string> watches_;
  std::optional<Hash32> last_;
  bool stopped_ = false;
  std::thread thread_;
};

FileWatcher::FileWatcher(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FileWatcher::~FileWatcher() = default;

Result<std::unique_ptr<FileWatcher>> FileWatcher::start(const std::string& path,
                                                        std::function<void()> changed, Millis quiet) {
  auto impl = std::make_unique<Impl>(fs::absolute(path).string(), std::move(changed), quiet);
  TRY_STATUS(impl->start());
  return std::unique_ptr<FileWatcher>(new FileWatcher(std::move(impl)));
}

}  // namespace manastr::config
