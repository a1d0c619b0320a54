#include "engine/publish/publisher.h"

#include <algorithm>

namespace manastr::engine {

Publisher::Publisher(relay::Courier& courier, const Clock& clock,
                     std::function<void(const nostr::EventId&)> acknowledged, PublisherOptions options)
    : courier_(courier),
      clock_(clock),
      acknowledged_(std::move(acknowledged)),
      options_(options),
      rejection_tokens_(options.rejections_burst),
      rejections_counted_at_(clock.monotonic()) {}

void Publisher::publish(nostr::Event event) {
  {
    const std::lock_guard lock(mutex_);
    if (!waiting_.insert(event.id).second) return;
    ++figures_.published;
  }
  offer(std::move(event));
}

void Publisher::offer(nostr::Event event) {
  const Status sent =
      courier_.publish({.event = event, .on_progress = [this](const relay::PublishProgress& progress) {
                          on_progress(progress);
                        }});
  if (sent) return;
  const std::lock_guard lock(mutex_);
  if (sent.error().kind == ErrorKind::unavailable) {
    held_back_.push_back(std::move(event));
  } else {
    hopeless_.insert(event.id);
    ++figures_.refused;
  }
}

void Publisher::on_progress(const relay::PublishProgress& progress) {
  bool is_acknowledged = false;
  std::deque<nostr::Event> held_back;
  {
    const std::lock_guard lock(mutex_);
    if (progress.quorum_reached()) {
      is_acknowledged = waiting_.erase(progress.id) == 1;
      figures_.acknowledged += is_acknowledged;
      hopeless_.erase(progress.id);
    } else if (progress.quorum_impossible() && hopeless_.insert(progress.id).second) {
      ++figures_.refused;
    }
    held_back.swap(held_back_);
  }
  if (is_acknowledged) acknowledged_(progress.id);
  for (nostr::Event& event : held_back) offer(std::move(event));
}

void Publisher::publish_rejection(nostr::Event event) {
  {
    const std::lock_guard lock(mutex_);
    const Monotonic now = clock_.monotonic();
    const std::chrono::duration<double> passed = now - rejections_counted_at_;
    rejections_counted_at_ = now;
    rejection_tokens_ = std::min(options_.rejections_burst,
                                 rejection_tokens_ + passed.count() * options_.rejections_per_second);
    if (rejection_tokens_ < 1) {
      ++figures_.rejections_dropped;
      return;
    }
    rejection_tokens_ -= 1;
  }
  if (!courier_.publish({.event = std::move(event)})) {
    const std::lock_guard lock(mutex_);
    ++figures_.rejections_dropped;
  }
}

PublisherFigures Publisher::figures() const {
  const std::lock_guard lock(mutex_);
  PublisherFigures out = figures_;
  out.waiting = waiting_.size();
  return out;
}

}  // namespace manastr::engine
