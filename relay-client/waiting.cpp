// The blocking forms of courier.h, for programs that do one thing at a time.
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "relay-client/courier.h"

namespace manastr::relay {
namespace {

// Shared with a callback that may come after the waiting has ended.
template <class T>
struct Promise {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<T> value;
  void put(T what) {
    const std::lock_guard lock(mutex);
    value = std::move(what);
    changed.notify_all();
  }
};

}  // namespace

Fetched fetch_and_wait(Courier& courier, std::vector<nostr::Filter> filters, Millis timeout,
                       std::size_t quorum) {
  const auto promise = std::make_shared<Promise<Fetched>>();
  courier.fetch({std::move(filters), timeout, quorum,
                 [promise](Fetched fetched) { promise->put(std::move(fetched)); }});
  std::unique_lock lock(promise->mutex);
  promise->changed.wait(lock, [&] { return promise->value.has_value(); });
  return std::move(*promise->value);
}

Result<PublishProgress> publish_and_wait(Courier& courier, nostr::Event event, Millis timeout,
                                         std::size_t quorum) {
  const auto promise = std::make_shared<Promise<PublishProgress>>();
  TRY_STATUS(courier.publish(
      {.event = std::move(event),
       .quorum = quorum,
       .on_progress = [promise](const PublishProgress& progress) { promise->put(progress); }}));
  std::unique_lock lock(promise->mutex);
  promise->changed.wait_for(lock, timeout, [&] {
    return promise->value && (promise->value->quorum_reached() || promise->value->quorum_impossible());
  });
  if (!promise->value) return unavailable("no relay answered in time");
  const PublishProgress& progress = *promise->value;
  if (progress.quorum_reached()) return progress;
  std::string said;
  for (const RelayDelivery& each : progress.relays) {
    if (each.state == Delivery::refused) said += "; " + each.relay + ": " + each.message;
  }
  if (progress.quorum_impossible()) return refused(0, "too few relays take the event" + said);
  return unavailable("too few relays answered in time" + said);
}

bool wait_for_quorum(Courier& courier, Millis timeout) {
  const auto until = std::chrono::steady_clock::now() + timeout;
  while (!courier.status().has_quorum()) {
    if (std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace manastr::relay
