// What is being published, over all relays: which relay has answered what, and whether that makes a quorum.
// Bounded: when full, the oldest event that has its quorum is no longer pressed on the relays that lag. One
// thread.
#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "relay-client/courier.h"
#include "relay-client/relay_outbox.h"

namespace manastr::relay {

class Outbox {
 public:
  using Progress = std::function<void(const PublishProgress&)>;
  /// `report` is called with the callback and the state at each change.
  using Report = std::function<void(const Progress&, PublishProgress)>;
  Outbox(std::vector<std::string> urls, Report report) : urls_(std::move(urls)), report_(std::move(report)) {}

  /// Relays to which the letter is to be given: all, or for an id already here those that have refused or not
  /// answered.
  std::vector<std::size_t> add(const std::shared_ptr<const Letter>& letter, std::size_t quorum,
                               Progress progress);
  void outcome(std::size_t relay, const RelayOutbox::Outcome& outcome);
  bool remove(const nostr::EventId& id);
  /// The one to give up when there are too many; nullopt if none has its quorum.
  std::optional<nostr::EventId> oldest_with_quorum();
  std::size_t size() const { return entries_.size(); }
  std::size_t without_quorum() const { return without_quorum_; }

 private:
  struct Entry {
    PublishProgress progress;
    Progress callback;
  };
  std::vector<std::string> urls_;
  Report report_;
  std::unordered_map<nostr::EventId, Entry, UniformBytesHash> entries_;
  std::deque<nostr::EventId> with_quorum_;
  std::size_t without_quorum_ = 0;
};

}  // namespace manastr::relay
