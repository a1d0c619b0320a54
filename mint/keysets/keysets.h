// The ring of keysets in force. Every operation of the mint takes now() once, at its start, and works with
// what it got; a change of keysets or units publishes another ring. Rings are never freed while this lives,
// for a request may still look at one: changes are as rare as operators and schedules are.
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

/// Something made of the ring in force, made anew when that is another: /v1/keys, /v1/info. From any thread.
template <class T>
class PerRing {
 public:
  explicit PerRing(const Keysets& keysets) : keysets_(&keysets) {}
  /// `make(ring)` gives the T. Valid as long as this.
  template <class Make>
  const T& get(Make make) {
    const KeysetRing* ring = keysets_->now();
    const Made* made = made_.load(std::memory_order_acquire);
    if (made != nullptr && made->ring == ring) return made->value;
    const std::lock_guard lock(mutex_);
    for (const auto& each : all_) {
      if (each->ring != ring) continue;
      made_.store(each.get(), std::memory_order_release);
      return each->value;
    }
    all_.push_back(std::make_unique<const Made>(Made{ring, make(*ring)}));
    made_.store(all_.back().get(), std::memory_order_release);
    return all_.back()->value;
  }

 private:
  struct Made {
    const KeysetRing* ring;
    T value;
  };
  const Keysets* keysets_;
  std::atomic<const Made*> made_ = nullptr;
  std::mutex mutex_;
  std::vector<std::unique_ptr<const Made>> all_;
};

}  // namespace manastr::mint
