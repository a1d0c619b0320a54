#include "player/table.h"

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>

#include "common/match/protocol.h"

namespace manastr::player {
namespace {

constexpr std::size_t kMaxInbox = 4096;

/// Events on their way from the courier's thread to the player's.
class Inbox {
 public:
  void push(const nostr::Event& event) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return events_.size() < kMaxInbox || closed_; });
    if (closed_) return;
    events_.push_back(event);
    ready_.notify_one();
  }
  std::deque<nostr::Event> take(Millis limit) {
    std::unique_lock lock(mutex_);
    ready_.wait_for(lock, limit, [&] { return !events_.empty(); });
    room_.notify_all();
    return std::exchange(events_, {});
  }
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    room_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable ready_;
  std::condition_variable room_;
  std::deque<nostr::Event> events_;
  bool closed_ = false;
};

}  // namespace

Status play_all(relay::Courier& courier, std::vector<std::unique_ptr<Duelist>>& duelists, const Clock& clock,
                const std::function<bool()>& stop, const std::function<void(const std::string&)>& warn) {
  if (duelists.empty()) return {};
  std::map<match::MatchId, Duelist*> by_match;
  std::vector<std::string> ids;
  for (const auto& duelist : duelists) {
    by_match[duelist->match()] = duelist.get();
    ids.push_back(to_hex(duelist->match()));
  }
  const auto inbox = std::make_shared<Inbox>();  // a callback under way may outlive this call
  nostr::Filter filter;
  filter.kinds = {match::kEngine};
  filter.tags['e'] = ids;
  const auto subscription = courier.subscribe(
      {{filter}, [inbox](const nostr::Event& event, std::string_view) { inbox->push(event); }, {}});

  std::map<match::MatchId, Monotonic> patience;  // after an `unavailable`, when to try again
  Status result;
  while (result && !stop()) {
    for (const nostr::Event& event : inbox->take(Millis{250})) {
      const auto id = match::match_of(event);
      if (!id) continue;
      if (const auto found = by_match.find(*id); found != by_match.end()) {
        if (auto received = found->second->receive(event); !received) result = std::move(received);
      }
    }
    bool playing = false;
    for (const auto& duelist : duelists) {
      if (duelist->finished() || !result) continue;
      const auto wait = patience.find(duelist->match());
      if (wait != patience.end() && clock.monotonic() < wait->second) {
        playing = true;
        continue;
      }
      if (const Status acted = duelist->act(); !acted) {
        if (acted.error().kind == ErrorKind::broken) result = acted;
        patience[duelist->match()] = clock.monotonic() + Millis{1000};
        warn(acted.error().message);
      }
      const bool waits_for_locktime =
          !duelist->fault().empty() || duelist->view().head.phase == match::Phase::closed;
      if (!duelist->finished() && !waits_for_locktime) playing = true;
    }
    if (!playing) break;
  }
  inbox->close();
  courier.unsubscribe(subscription);
  return result;
}

}  // namespace manastr::player
