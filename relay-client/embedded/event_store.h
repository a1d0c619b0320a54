// The relay's events in memory with their indexes: what replaces what, what is deleted, what a filter finds.
// No I/O; the SQLite file beside it (event_file.h) is told of each change. One thread. NIP-01 (replaceable
// and addressable events, filters), NIP-09 (deletion), NIP-40 (expiration).
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/nostr/event.h"
#include "common/nostr/filter.h"

namespace manastr::relay::embedded {

struct Stored {
  nostr::Event event;
  std::string json;                       ///< as it is served
  std::optional<UnixSeconds> expiration;  ///< NIP-40
};
using Row = std::shared_ptr<Stored>;

bool is_replaceable(std::uint32_t kind);  ///< 0, 3, 10000-19999
bool is_ephemeral(std::uint32_t kind);    ///< 20000-29999
bool is_addressable(std::uint32_t kind);  ///< 30000-39999
/// The first `expiration` tag, if it is a number.
std::optional<UnixSeconds> expiration_of(const nostr::Event& event);

class EventStore {
 public:
  explicit EventStore(std::size_t most_events) : most_events_(most_events) {}

  enum class Outcome {
    stored,
    duplicate,   ///< it is here already
    superseded,  ///< a newer version is here, or one of the same second with a lower id
    deleted,     ///< its author has deleted it
    full,
  };
  struct Put {
    Outcome outcome = Outcome::stored;
    Row row;                              ///< stored and duplicate
    std::vector<nostr::EventId> removed;  ///< replaced or deleted by it
  };
  /// The event must be verified. Ephemeral events are not for the store.
  Put put(nostr::Event event);

  struct Bounds {
    std::uint64_t default_limit = 500, most_limit = 5'000;
    std::size_t bytes = 16 << 20;  ///< of JSON in one answer; what is older is left out, as by a limit
  };
  /// Newest first, ties by lower id; an event that several filters find comes once.
  std::vector<Row> query(const std::vector<nostr::Filter>& filters, UnixSeconds now,
                         const Bounds& bounds) const;
  /// NIP-45: all that match, whatever the limits.
  std::uint64_t count(const std::vector<nostr::Filter>& filters, UnixSeconds now) const;

  /// Takes out what has expired; the ids.
  std::vector<nostr::EventId> purge(UnixSeconds now);
  std::size_t size() const { return by_id_.size(); }

 private:
  struct Newest {
    bool operator()(const Stored* a, const Stored* b) const {
      if (a->event.created_at != b->event.created_at) return a->event.created_at > b->event.created_at;
      return a->event.id < b->event.id;
    }
  };
  using Index = std::set<const Stored*, Newest>;
  template <class Visit>
  void scan(const nostr::Filter& filter, UnixSeconds now, const Visit& visit) const;
  std::vector<const Index*> candidates(const nostr::Filter& filter) const;
  void index(const Stored* row, bool in);
  void remove(const nostr::EventId& id);
  bool is_deleted(const nostr::Event& event, const std::string& coordinate) const;
  void apply_deletion(const nostr::Event& deletion, std::vector<nostr::EventId>& removed);

  std::size_t most_events_;
  std::unordered_map<nostr::EventId, Row, UniformBytesHash> by_id_;
  Index all_;
  std::unordered_map<std::string, Index> by_key_;  // index_key.h
  std::unordered_map<std::string, const Stored*> by_coordinate_;
  std::set<std::pair<UnixSeconds, nostr::EventId>> by_expiration_;
  std::map<std::pair<nostr::EventId, crypto::XOnlyKey>, bool> deleted_ids_;
  std::unordered_map<std::string, UnixSeconds> deleted_coordinates_;  // up to and including
};

}  // namespace manastr::relay::embedded
