#include "mint/import/loader.h"

namespace manastr::mint {
namespace {

constexpr std::size_t kAtOnce = 500;

}  // namespace

Status Loader::add(Write write) {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return under_way_ < kAtOnce; });
    if (failed_) return std::unexpected(*failed_);
    ++under_way_;
  }
  const bool queued = ledger_->write(std::move(write), [this](const Result<Written>& done) {
    const std::lock_guard lock(mutex_);
    --under_way_;
    if (!done && !failed_) failed_ = done.error();
    changed_.notify_all();
  });
  if (queued) return {};
  const std::lock_guard lock(mutex_);
  --under_way_;
  return broken("the ledger's queue is full");
}

Status Loader::flush() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return under_way_ == 0; });
  if (failed_) return std::unexpected(*failed_);
  return {};
}

}  // namespace manastr::mint
