// Sends the engine's signed events to the relays. Called by the journal thread after a commit: nothing that
// is not yet in the journal may come here, save rejections, which are no promise. Promises: a receipt is
// offered until a quorum of relays has it, then `acknowledged` is told once; a full outbox delays receipts
// and loses none; rejections are limited in rate and dropped beyond it.
#pragma once
#include <deque>
#include <functional>
#include <mutex>
#include <unordered_set>

#include "common/base/clock.h"
#include "common/nostr/event.h"
#include "relay-client/courier.h"

namespace manastr::engine {

struct PublisherOptions {
  double rejections_per_second = 50;  ///< over all matches; what exceeds it is dropped and counted
  double rejections_burst = 500;
};

struct PublisherFigures {
  std::uint64_t published = 0;     ///< handed to the relays
  std::uint64_t acknowledged = 0;  ///< a quorum has it
  std::uint64_t refused = 0;       ///< so many relays refused that no quorum is possible
  std::uint64_t rejections_dropped = 0;
  std::size_t waiting = 0;  ///< published, not yet acknowledged
};

class Publisher {
 public:
  /// `acknowledged` is called from a thread of the courier, once for each event given to publish().
  Publisher(relay::Courier& courier, const Clock& clock,
            std::function<void(const nostr::EventId&)> acknowledged, PublisherOptions options = {});

  void publish(nostr::Event event);
  void publish_rejection(nostr::Event event);
  PublisherFigures figures() const;

 private:
  void offer(nostr::Event event);
  void on_progress(const relay::PublishProgress& progress);

  relay::Courier& courier_;
  const Clock& clock_;
  const std::function<void(const nostr::EventId&)> acknowledged_;
  const PublisherOptions options_;

  mutable std::mutex mutex_;  // guards what follows; never held while the courier is called
  std::unordered_set<nostr::EventId, UniformBytesHash> waiting_;
  std::unordered_set<nostr::EventId, UniformBytesHash> hopeless_;
  std::deque<nostr::Event> held_back_;  // the courier's outbox was full
  double rejection_tokens_;
  Monotonic rejections_counted_at_;
  PublisherFigures figures_;
};

}  // namespace manastr::engine
