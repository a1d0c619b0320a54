// Moves the log of a busy database into its file, on a thread and a connection of its own, so that whoever
// commits neither writes nor syncs the file. One writer per database uses it (the mint's ledger). Promises:
// the log begins anew at every few thousand pages however long the load lasts, and where the disk can't keep
// up the writer waits instead of letting the log grow.
#pragma once
#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "common/storage/database.h"

namespace manastr::storage {

class Checkpointer {
 public:
  /// `options` for its connection to the file. It goes to work when `pages` are in the log, at eight times as
  /// many the writer waits for it. `on_failure`: the disk failed; called once, from its thread, which then
  /// ends, and nobody may write any more.
  static Result<std::unique_ptr<Checkpointer>> start(const std::string& path, OpenOptions options, int pages,
                                                     std::function<void(const Error&)> on_failure);
  Checkpointer(Database database, int pages, std::function<void(const Error&)> on_failure);
  ~Checkpointer();
  Checkpointer(const Checkpointer&) = delete;
  Checkpointer& operator=(const Checkpointer&) = delete;

  /// The writer holds it during each transaction.
  std::unique_lock<std::mutex> turn();
  /// After each commit: Database::log_pages() of the writer's connection.
  void committed(int log_pages);

 private:
  void run();
  Result<Database::Log> move_log(int pages);

  Database database_;
  const int pages_;
  const std::function<void(const Error&)> on_failure_;
  std::mutex writing_;
  std::atomic<bool> waits_for_turn_ = false;
  std::atomic<int> due_at_;
  std::mutex mutex_;
  std::condition_variable wake_;
  int log_pages_ = 0;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace manastr::storage
