// The ring of keysets in force. Every operation of the mint takes now() once, at its start, and works with
// what it got; a change of keysets or units publishes another ring. Rings are never freed while this lives,
// for a request may still look at one: changes are as rare as operators and schedules are, and rings share
// their keysets, so that each is but a list of pointers and the settings of the units.
#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "mint/keysets/keyset_ring.h"

namespace manastr::mint {

/// Looks for keysets that this process does not know yet: rotation.h.
class KeysetSource {
 public:
  virtual ~KeysetSource() = default;
  virtual Result<const KeysetRing*> look() = 0;
};

class Keysets {
 public:
  explicit Keysets(std::shared_ptr<const KeysetRing> first) { publish(std::move(first)); }
  Keysets(const Keysets&) = delete;
  Keysets& operator=(const Keysets&) = delete;

  /// From any thread, without a lock. Never null; valid as long as this.
  const KeysetRing* now() const { return ring_.load(std::memory_order_acquire); }
  /// For a request that names a keyset which now() lacks: the ring after a look at the ledger, which another
  /// mint may have given a new one. `unavailable` if that can't be told now.
  Result<const KeysetRing*> look() const { return source_ == nullptr ? now() : source_->look(); }
  /// Before the first request; null: nobody but this process makes keysets.
  void asks(KeysetSource* source) { source_ = source; }
  /// In force from now on. What is new in it must be in the ledger already: what it signs is to be found
  /// again after a crash.
  void publish(std::shared_ptr<const KeysetRing> next);

 private:
  std::atomic<const KeysetRing*> ring_ = nullptr;
  KeysetSource* source_ = nullptr;
  std::mutex mutex_;
  std::vector<std::shared_ptr<const KeysetRing>> all_;
};

/// Something made of the ring in force and of what has expired of it, made anew when that is another:
/// /v1/keys, /v1/info. Only the latest is kept, besides what callers hold. From any thread.
template <class T>
class PerRing {
 public:
  explicit PerRing(const Keysets& keysets) : keysets_(&keysets) {}
  /// `make(ring)` gives the T for this moment.
  template <class Make>
  std::shared_ptr<const T> get(UnixSeconds now, Make make) {
    const std::lock_guard lock(mutex_);
    const KeysetRing* ring = keysets_->now();
    const std::size_t expired = ring->expired(now);
    if (made_ == nullptr || ring != ring_ || expired != expired_) {
      made_ = std::make_shared<const T>(make(*ring));
      ring_ = ring;
      expired_ = expired;
    }
    return made_;
  }

 private:
  const Keysets* keysets_;
  std::mutex mutex_;
  const KeysetRing* ring_ = nullptr;
  std::size_t expired_ = 0;
  std::shared_ptr<const T> made_;
};

}  // namespace manastr::mint
