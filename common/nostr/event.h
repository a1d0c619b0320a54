// NIP-01 events: the only thing that travels over relays. parse -> verify -> use; identity is pubkey after
// verify.
#pragma once
#include "common/base/clock.h"
#include "common/crypto/hash.h"
#include "common/crypto/keys.h"
#include "common/json/reader.h"
#include "common/json/value.h"

namespace manastr::nostr {

using EventId = Hash32;
using Tag = std::vector<std::string>;

struct Event {
  EventId id{};
  crypto::XOnlyKey pubkey;
  UnixSeconds created_at{};
  std::uint32_t kind = 0;  ///< 0..65535
  std::vector<Tag> tags;
  std::string content;
  crypto::Signature sig{};
  bool operator==(const Event&) const = default;

  /// First value of the first tag of that name; nullopt if there is no such tag or it has no value.
  std::optional<std::string_view> tag(std::string_view name) const;
  /// The `d` value; "" if absent (NIP-01 addressable events).
  std::string_view d() const;
};

/// What an unsigned event is made of; sign() fills pubkey, id, sig.
struct Draft {
  UnixSeconds created_at{};
  std::uint32_t kind = 0;
  std::vector<Tag> tags;
  std::string content;
};

/// NIP-01 serialization [0,pubkey,created_at,kind,tags,content] whose SHA-256 is the id.
std::string canonical(const crypto::XOnlyKey& pubkey, UnixSeconds created_at, std::uint32_t kind,
                      const std::vector<Tag>& tags, std::string_view content);
EventId compute_id(const Event& event);
Event sign(const Draft& draft, const crypto::SecretKey& key, const ByteArray<32>& aux);

/// Shape only: field types, lower-case hex of right length, kind range, created_at 0..2^53, no tag of 0
/// elements. Neither id nor signature is checked. Unknown members are ignored.
Result<Event> event_from_json(const json::Value& value);
Result<Event> parse_event(
    std::string_view text);  ///< parse() with limits for one event (256 KiB), then the above
json::Value to_json(const Event& event);
std::string dump(
    const Event& event);  ///< members in the order id, pubkey, created_at, kind, tags, content, sig

/// The hash alone (cheap), and hash plus signature.
bool id_matches(const Event& event);
bool verify(const Event& event);

}  // namespace manastr::nostr
