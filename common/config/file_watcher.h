// Tells when a file's content has changed, however it was changed: written in place, replaced by a rename, a
// symlink on its path swapped (as Kubernetes does with ..data), its folder taken away and put back. The mint
// reloads its list of engines so.
#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "common/base/clock.h"
#include "common/base/error.h"

namespace manastr::config {

class FileWatcher {
 public:
  /// Watches the folders on the way to `path` by inotify (the file need not exist yet). `changed` is called
  /// from the watcher's own thread, once the folder has been quiet for `quiet` (at most 10 × `quiet` after
  /// the first change), and only if the content is another than at start or at the last call. Network file
  /// systems send no notice of others' changes.
  static Result<std::unique_ptr<FileWatcher>> start(const std::string& path, std::function<void()> changed,
                                                    Millis quiet = Millis{100});
  /// Waits for a call under way.
  ~FileWatcher();
  FileWatcher(const FileWatcher&) = delete;
  FileWatcher& operator=(const FileWatcher&) = delete;

 private:
  class Impl;
  explicit FileWatcher(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The values of a file that may change at run time. A file that can't be read keeps the old values.
template <class T>
class Reloading {
 public:
  using Load = std::function<Result<T>()>;
  /// Called from the watcher's thread after each change: the new values are in force, or the error says why
  /// not.
  using Report = std::function<void(const Status&)>;

  /// `first` is what is in force until the file changes.
  static Result<std::unique_ptr<Reloading>> start(const std::string& path, T first, Load load, Report report,
                                                  Millis quiet = Millis{100}) {
    std::unique_ptr<Reloading> out(new Reloading(std::move(first), std::move(load), std::move(report)));
    TRY(out->watcher_, FileWatcher::start(path, [self = out.get()] { self->reload(); }, quiet));
    // A change between the caller's reading and the watcher's start would otherwise wait for the next one.
    out->reload();
    return out;
  }
  std::shared_ptr<const T> current() const {
    const std::lock_guard lock(mutex_);
    return current_;
  }

 private:
  Reloading(T first, Load load, Report report)
      : load_(std::move(load)),
        report_(std::move(report)),
        current_(std::make_shared<const T>(std::move(first))) {}
  void reload() {
    const std::lock_guard one_at_a_time(reload_mutex_);
    auto loaded = load_();
    const Status status = loaded ? Status{} : Status(std::unexpected(loaded.error()));
    if (loaded) {
      auto next = std::make_shared<const T>(*std::move(loaded));
      const std::lock_guard lock(mutex_);
      current_ = std::move(next);
    }
    if (report_) report_(status);
  }

  const Load load_;
  const Report report_;
  std::mutex reload_mutex_;
  mutable std::mutex mutex_;
  std::shared_ptr<const T> current_;
  std::unique_ptr<FileWatcher> watcher_;
};

}  // namespace manastr::config
