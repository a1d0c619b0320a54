// Which standing subscriptions an event wakes: filters are found by the narrowest thing they ask for, so that
// thousands of subscriptions cost an event no more than those that name its author, kind or tags. One thread.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/nostr/filter.h"

namespace manastr::relay::embedded {

using ConnectionId = std::uint64_t;

class LiveFilters {
 public:
  /// Replaces a subscription of the same name (NIP-01).
  void add(ConnectionId connection, const std::string& subscription, std::vector<nostr::Filter> filters);
  /// False if there is none.
  bool remove(ConnectionId connection, const std::string& subscription);
  void remove_all(ConnectionId connection);
  std::size_t of(ConnectionId connection) const;
  bool has(ConnectionId connection, const std::string& subscription) const;
  std::size_t size() const { return size_; }

  /// Each subscription that matches, once.
  void match(const nostr::Event& event, const std::function<void(ConnectionId, const std::string&)>& wake);

 private:
  struct Standing {
    ConnectionId connection;
    std::string name;
    std::vector<nostr::Filter> filters;
    std::vector<std::string> keys;
    std::uint64_t woken_by = 0;  // number of the last event, so that each is told once
  };
  void take_out(const Standing& standing);

  std::unordered_map<ConnectionId, std::unordered_map<std::string, std::unique_ptr<Standing>>> connections_;
  std::unordered_map<std::string, std::vector<Standing*>> by_key_;
  std::uint64_t events_ = 0;
  std::size_t size_ = 0;
};

}  // namespace manastr::relay::embedded
