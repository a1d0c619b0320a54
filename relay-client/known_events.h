// What the courier remembers of events, bounded: which ids it has handed over, which it has verified and
// where they came from. Forgetting costs a second verification or a second delivery, never a wrong one.
#pragma once
#include <cstdint>
#include <deque>
#include <unordered_map>
#include <utility>

#include "common/base/bytes.h"

namespace manastr::relay {

/// The last `capacity` keys put in, oldest forgotten first.
template <class Value>
class RecentMap {
 public:
  explicit RecentMap(std::size_t capacity) : capacity_(capacity) {}

  Value* find(const Hash32& key) {
    const auto found = values_.find(key);
    return found == values_.end() ? nullptr : &found->second;
  }
  const Value* find(const Hash32& key) const {
    const auto found = values_.find(key);
    return found == values_.end() ? nullptr : &found->second;
  }
  /// False, and nothing changes, if the key is known.
  bool insert(const Hash32& key, Value value) {
    if (!values_.try_emplace(key, std::move(value)).second) return false;
    order_.push_back(key);
    if (order_.size() > capacity_) {
      values_.erase(order_.front());
      order_.pop_front();
    }
    return true;
  }
  std::size_t size() const { return values_.size(); }

 private:
  std::size_t capacity_;
  std::unordered_map<Hash32, Value, UniformBytesHash> values_;
  std::deque<Hash32> order_;
};

/// An id is here only after its signature was verified: a corrupt copy that comes first must not suppress the
/// genuine event. A copy with another signature is another claim, and is verified again.
struct Verified {
  ByteArray<64> sig{};
  std::uint32_t relays = 0;  ///< bit i: relay i sent it
};

inline constexpr std::size_t kRememberedEvents = 65'536;

}  // namespace manastr::relay
