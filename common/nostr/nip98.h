// NIP-98 HTTP authorization, hardened: `payload` and a random `request` tag are mandatory (docs/mint-api.md).
#pragma once
#include "common/base/random.h"
#include "common/nostr/event.h"

namespace manastr::nostr {

/// Value of the Authorization header: "Nostr " + base64 of a signed kind 27235 event over url, method and
/// body.
std::string authorization_header(const crypto::SecretKey& key, std::string_view url, std::string_view method,
                                 std::string_view body, UnixSeconds now, Random& random);

struct Authorized {
  crypto::XOnlyKey pubkey;
  EventId id;
};
/// Checks scheme, kind, exactly one each of u, method, payload (hex SHA-256 of body), request (64 hex), |now
/// - created_at| <= 60 s, id and signature. Every failure is a sentence that names the member at fault (HTTP
/// 401). Whether the id was seen before is the caller's to know.
Result<Authorized> check_authorization(std::string_view header, std::string_view url, std::string_view method,
                                       std::string_view body, UnixSeconds now);

}  // namespace manastr::nostr
