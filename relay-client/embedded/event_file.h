// The events on disk (SQLite): a thread that commits all that queued during the last commit. The file may
// hold more than the store (a version replaced a moment ago); putting its events into a store again sorts
// that out, in whatever order.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/nostr/event.h"

namespace manastr::relay::embedded {

class EventFile {
 public:
  /// `committed` is called from the file's thread with the numbers of the events in one commit, or with why
  /// it failed (then nothing is written any more until a restart).
  using Committed = std::function<void(std::vector<std::uint64_t> numbers, Status status)>;
  /// Opens or makes DIR/events.sqlite and hands every event in it to `load`.
  static Result<std::unique_ptr<EventFile>> open(const std::string& directory,
                                                 const std::function<void(nostr::Event)>& load,
                                                 Committed committed);
  /// Commits what is queued.
  ~EventFile();

  /// `number` comes back in `committed`.
  void insert(std::uint64_t number, const nostr::EventId& id, std::string json);
  void remove(std::vector<nostr::EventId> ids);

 private:
  class Impl;
  explicit EventFile(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace manastr::relay::embedded
