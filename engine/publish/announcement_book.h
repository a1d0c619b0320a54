// Every announcement that the engine has made: a challenge names the one it was made under. Thread-safe.
#pragma once
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "common/nostr/event.h"

namespace manastr::engine {

class AnnouncementBook {
 public:
  /// The newest is the one in force. Adding one that is known puts it in force again.
  void add(nostr::Event event) {
    const std::lock_guard lock(mutex_);
    current_ = event.id;
    known_.insert_or_assign(event.id, std::move(event));
  }
  std::optional<nostr::Event> find(const nostr::EventId& id) const {
    const std::lock_guard lock(mutex_);
    const auto found = known_.find(id);
    if (found == known_.end()) return std::nullopt;
    return found->second;
  }
  std::optional<nostr::Event> current() const {
    const std::lock_guard lock(mutex_);
    if (!current_) return std::nullopt;
    return known_.at(*current_);
  }

 private:
  mutable std::mutex mutex_;
  std::map<nostr::EventId, nostr::Event> known_;
  std::optional<nostr::EventId> current_;
};

}  // namespace manastr::engine
