// The numbers of the protocol: kinds, sizes, limits, and the grammar of the `d` tags (docs/protocol.md,
// "Events").
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/clock.h"
#include "common/crypto/keys.h"
#include "common/nostr/event.h"

namespace manastr::match {

using MatchId = Hash32;  ///< the event id of the 31000
using PubKey = crypto::XOnlyKey;
using nostr::Event;
using nostr::EventId;

inline constexpr int kVersion = 1;

enum Kind : std::uint32_t {
  kChallenge = 31000,
  kAcceptance = 31001,
  kFunding = 31002,
  kCommitment = 31003,
  kReveal = 31004,
  kClaim = 31005,
  kEngine = 31006,
};

inline constexpr std::size_t kMaxPartyEvent = 8 * 1024;  ///< bytes of the event as JSON
inline constexpr std::size_t kMaxEngineEvent = 12 * 1024;
/// A receipt embeds the event that it receipts in its content: sizes of an event written as a JSON string.
inline constexpr std::size_t kMaxEmbedded = 10 * 1024;
inline constexpr std::size_t kMaxEmbeddedChallenge =
    4608;  ///< with the announcement in a match's first receipt
inline constexpr std::size_t kMaxEmbeddedAnnouncement = 5632;
inline constexpr std::size_t kMaxTags = 32;
inline constexpr unsigned kMaxAttempts = 8;  ///< attempts of a 31002 or 31005
inline constexpr unsigned kMaxParts = 12;    ///< parts of one stake
inline constexpr std::size_t kMaxProofsPerPart = 6;
inline constexpr std::size_t kMaxProofs = 12;   ///< of one stake
inline constexpr std::size_t kMaxOutputs = 36;  ///< of one group: they and their signatures fit one receipt
inline constexpr std::size_t kMaxClaimOutputs =
    40;  ///< of all groups of a claim: sealed, they fit one event of a party
inline constexpr std::size_t kMaxRelays = 8;
inline constexpr std::size_t kMaxUrl = 256;
inline constexpr Seconds kCreatedAtTolerance{2 * 3600};  ///< sanity only: created_at selects nothing
inline constexpr Seconds kQuietBeforeLocktime{600};      ///< no prize settlement in the last ten minutes
inline constexpr Millis kTimerSlack{
    1000};  ///< a deadline is acted on this much later, for events still on their way in

inline constexpr std::string_view kAnnouncementD = "announcement";

/// The `d` tag, taken apart. Numbers are decimal without leading zeros.
/// 31000: 64 hex · 31001: match · 31002: match:attempt:part · 31003, 31004: match:round · 31005:
/// match:attempt · 31006: match:sequence, match:x:event id (a rejection), or `announcement`.
struct Slot {
  enum class Form { random, match, numbers, rejection, announcement };
  Form form = Form::match;
  Hash32 match{};       ///< the match id, or the random `d` of a 31000
  unsigned first = 0;   ///< attempt, round or sequence
  unsigned second = 0;  ///< part
  EventId rejected{};
  bool operator==(const Slot&) const = default;
};
/// nullopt if `d` is not of the grammar of that kind, or a number lies outside its range (attempt 1..8,
/// part 1..12, commitment round 1..3, reveal round 0..3, sequence 0..99999).
std::optional<Slot> parse_slot(std::uint32_t kind, std::string_view d);
std::string slot_text(std::uint32_t kind, const Slot& slot);

/// Which match an event belongs to: its own id for a 31000, else the id in `d`. Cheap, for routing before any
/// parsing of content; nullopt for the announcement and for what is no match event.
std::optional<MatchId> match_of(const Event& event);

/// Protocol checks of any match event beside id and signature (which the caller verified): size, tag count,
/// one `d` of the grammar, no `expiration` and no `-` tag, no byte below 0x20 and no 0x7F in any string.
Status check_envelope(const Event& event);

/// The size of the event's JSON written as a JSON string, quotes included.
std::size_t embedded_size(const Event& event);

/// NIP-13: leading zero bits of the id.
unsigned work_of(const EventId& id);

}  // namespace manastr::match
