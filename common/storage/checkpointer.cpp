#include "common/storage/checkpointer.h"

namespace manastr::storage {
namespace {

constexpr int kWriterWaitsAt = 8;  ///< times `pages`

}  // namespace

Result<std::unique_ptr<Checkpointer>> Checkpointer::start(const std::string& path, OpenOptions options,
                                                          int pages,
                                                          std::function<void(const Error&)> on_failure) {
  options.wal_autocheckpoint = 0;
  TRY(Database database, Database::open(path, options));
  return std::make_unique<Checkpointer>(std::move(database), pages, std::move(on_failure));
}

Checkpointer::Checkpointer(Database database, int pages, std::function<void(const Error&)> on_failure)
    : database_(std::move(database)),
      pages_(pages),
      on_failure_(std::move(on_failure)),
      due_at_(pages),
      thread_([this] { run(); }) {}

Checkpointer::~Checkpointer() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

std::unique_lock<std::mutex> Checkpointer::turn() {
  waits_for_turn_.wait(true);  // a mutex alone would let the busier thread have it again and again
  return std::unique_lock(writing_);
}

void Checkpointer::committed(int log_pages) {
  if (log_pages < due_at_.load(std::memory_order_relaxed)) return;
  {
    const std::lock_guard lock(mutex_);
    log_pages_ = log_pages;
  }
  wake_.notify_one();
}

void Checkpointer::run() {
  for (;;) {
    int pages = 0;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopped_ || log_pages_ >= due_at_; });
      if (stopped_) return;
      pages = std::exchange(log_pages_, 0);
    }
    const auto log = move_log(pages);
    if (!log && database_.failed()) return on_failure_(log.error());
    // A reader may have held some pages back, and then the log goes on: not to be tried at every commit.
    const bool begins_anew = log && log->moved == log->pages;
    due_at_ = begins_anew ? pages_ : (log ? log->pages : pages) + pages_;
  }
}

/// Most of it beside the writer, who goes on filling the log meanwhile; the little that is left then in the
/// writer's turn, for only a log that is moved whole begins anew.
Result<Database::Log> Checkpointer::move_log(int pages) {
  if (pages < kWriterWaitsAt * pages_) {
    TRY([[maybe_unused]] const Database::Log most, database_.checkpoint_passive());
  }
  waits_for_turn_ = true;
  auto rest = [this] {
    const std::lock_guard lock(writing_);
    return database_.checkpoint_passive();
  }();
  waits_for_turn_ = false;
  waits_for_turn_.notify_all();
  return rest;
}

}  // namespace manastr::storage
