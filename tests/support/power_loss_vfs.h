// A SQLite VFS that can lose power: what was written since a file's last sync is dropped, or survives in torn
// pieces. For tests of everything that claims to be durable: open the database with OpenOptions::vfs =
// name(), choose a moment, work until an operation fails, close every connection, restore(), and open again
// with the system's VFS: every success that was reported must still be there. Deleting a file counts as
// durable at once. Thread-safe.
#pragma once
#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

namespace manastr::test {

enum class Unsynced {
  dropped,  ///< no unsynced write reached the disk
  torn,     ///< some did, some in part (whole sectors of 512 bytes), in no order
};

class PowerLossVfs {
  template <class Work>
  auto locked(Work work) const {
    const std::lock_guard lock(mutex_);
    return work();
  }

 public:
  explicit PowerLossVfs(std::string name) : name_(std::move(name)), system_(sqlite3_vfs_find(nullptr)) {
    vfs_ = *system_;
    vfs_.zName = name_.c_str();
    vfs_.pNext = nullptr;
    vfs_.pAppData = this;
    vfs_.szOsFile = static_cast<int>(sizeof(File)) + system_->szOsFile;
    vfs_.xOpen = open;
    vfs_.xDelete = remove;
    sqlite3_vfs_register(&vfs_, 0);
  }
  ~PowerLossVfs() { sqlite3_vfs_unregister(&vfs_); }
  PowerLossVfs(const PowerLossVfs&) = delete;
  PowerLossVfs& operator=(const PowerLossVfs&) = delete;

  const std::string& name() const { return name_; }
  /// Syncs asked for since the last restore().
  std::size_t syncs() const {
    return locked([&] { return syncs_; });
  }
  bool lost() const {
    return locked([&] { return lost_; });
  }

  /// Power goes when the `number`-th sync from the start (from 1) is asked for, before it takes effect.
  void lose_power_at_sync(std::size_t number, Unsynced unsynced, unsigned seed = 0) {
    locked([&] {
      lose_at_ = number;
      unsynced_ = unsynced;
      random_.seed(seed);
    });
  }
  void lose_power_now(Unsynced unsynced, unsigned seed = 0) {
    locked([&] {
      unsynced_ = unsynced;
      random_.seed(seed);
      lose();
    });
  }

  /// Puts what survived on the real disk, and the power back on. All connections must be closed.
  void restore() {
    locked([&] {
      for (const auto& [path, image] : images_) {
        if (!lost_) break;
        std::ofstream(path, std::ios::binary | std::ios::trunc)
            .write(image.durable.data(), static_cast<std::streamsize>(image.durable.size()));
        std::error_code ignored;
        std::filesystem::remove(path + "-shm", ignored);  // memory of the machine, not of the disk
      }
      images_.clear();
      lost_ = false;
      lose_at_ = 0;
      syncs_ = 0;
    });
  }

 private:
  struct Write {
    bool truncates = false;
    std::size_t offset = 0;  // or the new size
    std::string data;
  };
  struct Image {
    std::string durable;
    std::vector<Write> unsynced;
  };
  struct File {
    sqlite3_file base;
    PowerLossVfs* owner;
    Image* image;  // nullptr: a temporary file
    sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  };
  static File& of(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
  static sqlite3_file* real(sqlite3_file* file) { return of(file).real(); }

  static void apply(std::string& to, const Write& write) {
    if (write.truncates) {
      to.resize(std::min(to.size(), write.offset));
      return;
    }
    if (to.size() < write.offset + write.data.size()) to.resize(write.offset + write.data.size());
    std::copy(write.data.begin(), write.data.end(), to.begin() + static_cast<std::ptrdiff_t>(write.offset));
  }

  void lose() {
    lost_ = true;
    if (unsynced_ == Unsynced::dropped) return;
    for (auto& [path, image] : images_) {
      std::shuffle(image.unsynced.begin(), image.unsynced.end(), random_);
      for (Write& write : image.unsynced) {
        switch (random_() % 3) {
          case 0:
            continue;
          case 1:
            if (write.truncates) continue;
            write.data.resize(512 * (random_() % (write.data.size() / 512 + 1)));
            [[fallthrough]];
          default:
            apply(image.durable, write);
        }
      }
    }
  }

  static int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags) {
    auto* self = static_cast<PowerLossVfs*>(vfs->pAppData);
    File& own = of(file);
    own.base.pMethods = nullptr;
    own.owner = self;
    own.image = nullptr;
    if (self->lost()) return SQLITE_CANTOPEN;
    const int result = self->system_->xOpen(self->system_, path, own.real(), flags, out_flags);
    if (result != SQLITE_OK) return result;
    if (path != nullptr &&
        (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL)) != 0) {
      self->locked([&] {
        const auto [at, is_new] = self->images_.try_emplace(path);
        if (is_new) {
          std::ifstream in(path, std::ios::binary);
          at->second.durable.assign(std::istreambuf_iterator<char>(in), {});
        }
        own.image = &at->second;
      });
    }
    own.base.pMethods = &methods();
    return SQLITE_OK;
  }

  static int remove(sqlite3_vfs* vfs, const char* path, int sync_folder) {
    auto* self = static_cast<PowerLossVfs*>(vfs->pAppData);
    if (self->lost()) return SQLITE_IOERR_DELETE;
    self->locked([&] {
      // Files still open keep their image's address, so it is emptied and not erased.
      if (const auto at = self->images_.find(path); at != self->images_.end()) at->second = {};
    });
    return self->system_->xDelete(self->system_, path, sync_folder);
  }

  static int read(sqlite3_file* file, void* to, int size, sqlite3_int64 offset) {
    if (of(file).owner->lost()) return SQLITE_IOERR_READ;
    return real(file)->pMethods->xRead(real(file), to, size, offset);
  }
  static int write(sqlite3_file* file, const void* from, int size, sqlite3_int64 offset) {
    File& own = of(file);
    const bool on = own.owner->locked([&] {
      if (own.owner->lost_) return false;
      if (own.image != nullptr) {
        own.image->unsynced.push_back(
            {false, static_cast<std::size_t>(offset),
             std::string(static_cast<const char*>(from), static_cast<std::size_t>(size))});
      }
      return true;
    });
    return on ? real(file)->pMethods->xWrite(real(file), from, size, offset) : SQLITE_IOERR_WRITE;
  }
  static int truncate(sqlite3_file* file, sqlite3_int64 size) {
    File& own = of(file);
    const bool on = own.owner->locked([&] {
      if (own.owner->lost_) return false;
      if (own.image != nullptr) own.image->unsynced.push_back({true, static_cast<std::size_t>(size), {}});
      return true;
    });
    return on ? real(file)->pMethods->xTruncate(real(file), size) : SQLITE_IOERR_TRUNCATE;
  }
  static int sync(sqlite3_file* file, int) {
    File& own = of(file);
    const bool on = own.owner->locked([&] {
      PowerLossVfs& self = *own.owner;
      if (self.lost_) return false;
      if (own.image == nullptr) return true;
      if (++self.syncs_ == self.lose_at_) {
        self.lose();
        return false;
      }
      for (const Write& each : own.image->unsynced) apply(own.image->durable, each);
      own.image->unsynced.clear();
      return true;
    });
    return on ? SQLITE_OK : SQLITE_IOERR_FSYNC;
  }
  static int close(sqlite3_file* file) { return real(file)->pMethods->xClose(real(file)); }
  static int size(sqlite3_file* file, sqlite3_int64* out) {
    return real(file)->pMethods->xFileSize(real(file), out);
  }
  static int lock(sqlite3_file* file, int level) { return real(file)->pMethods->xLock(real(file), level); }
  static int unlock(sqlite3_file* file, int level) {
    return real(file)->pMethods->xUnlock(real(file), level);
  }
  static int check_lock(sqlite3_file* file, int* out) {
    return real(file)->pMethods->xCheckReservedLock(real(file), out);
  }
  static int control(sqlite3_file* file, int op, void* argument) {
    return real(file)->pMethods->xFileControl(real(file), op, argument);
  }
  static int sector(sqlite3_file*) { return 512; }
  static int characteristics(sqlite3_file*) {
    return 0;
  }  // promises nothing: neither atomic nor ordered writes
  static int shm_map(sqlite3_file* file, int page, int page_size, int extend, void volatile** out) {
    return real(file)->pMethods->xShmMap(real(file), page, page_size, extend, out);
  }
  static int shm_lock(sqlite3_file* file, int offset, int n, int flags) {
    return real(file)->pMethods->xShmLock(real(file), offset, n, flags);
  }
  static void shm_barrier(sqlite3_file* file) { real(file)->pMethods->xShmBarrier(real(file)); }
  static int shm_unmap(sqlite3_file* file, int remove_it) {
    return real(file)->pMethods->xShmUnmap(real(file), remove_it);
  }
  static const sqlite3_io_methods& methods() {
    static const sqlite3_io_methods out = {
        2,         close,      read,    write,  truncate,        sync,    size,     lock,
        unlock,    check_lock, control, sector, characteristics, shm_map, shm_lock, shm_barrier,
        shm_unmap, nullptr,    nullptr};
    return out;
  }

  const std::string name_;
  sqlite3_vfs* const system_;
  sqlite3_vfs vfs_{};
  mutable std::mutex mutex_;
  std::map<std::string, Image> images_;
  std::size_t syncs_ = 0;
  std::size_t lose_at_ = 0;
  bool lost_ = false;
  Unsynced unsynced_ = Unsynced::dropped;
  std::minstd_rand random_;
};

}  // namespace manastr::test
