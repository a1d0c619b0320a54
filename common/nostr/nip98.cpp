#include "common/nostr/nip98.h"

#include <cstdlib>

namespace manastr::nostr {
namespace {

constexpr std::uint32_t kKind = 27235;
constexpr std::string_view kScheme = "Nostr ";
constexpr std::size_t kMaxHeader = 8 * 1024;
constexpr std::int64_t kWindowSeconds = 60;

std::unexpected<Error> bad(std::string_view reason) {
  return invalid("Authorization: " + std::string(reason));
}

/// The value of the one tag of that name.
Result<std::string_view> only(const Event& event, std::string_view name) {
  const Tag* found = nullptr;
  std::size_t times = 0;
  for (const Tag& tag : event.tags) {
    if (tag[0] == name) found = &tag, ++times;
  }
  if (times != 1 || found->size() < 2) {
    return bad("the event needs exactly one '" + std::string(name) + "' tag with a value");
  }
  return (*found)[1];
}

/// Wallet libraries write base64 with and without padding.
std::optional<Bytes> decode(std::string_view text) {
  std::string padded(text);
  while (padded.size() % 4 != 0) padded.push_back('=');
  return from_base64(padded);
}

}  // namespace

std::string authorization_header(const crypto::SecretKey& key, std::string_view url, std::string_view method,
                                 std::string_view body, UnixSeconds now, Random& random) {
  Draft draft;
  draft.created_at = now;
  draft.kind = kKind;
  draft.tags = {{"u", std::string(url)},
                {"method", std::string(method)},
                {"payload", to_hex(crypto::sha256(as_bytes(body)))},
                {"request", to_hex(random.bytes<32>())}};
  return std::string(kScheme) + to_base64(as_bytes(dump(sign(draft, key, random.bytes<32>()))));
}

Result<Authorized> check_authorization(std::string_view header, std::string_view url, std::string_view method,
                                       std::string_view body, UnixSeconds now) {
  if (header.size() > kMaxHeader) return bad("longer than 8 KiB");
  if (!header.starts_with(kScheme)) return bad("expected 'Nostr ' and a base64 event (NIP-98)");
  const auto decoded = decode(header.substr(kScheme.size()));
  if (!decoded) return bad("what follows 'Nostr ' is not base64");
  auto parsed = parse_event(as_text(*decoded));
  if (!parsed) return bad(parsed.error().message);
  const Event& event = *parsed;
  if (event.kind != kKind) return bad("event.kind is " + std::to_string(event.kind) + ", expected 27235");
  TRY(const auto u, only(event, "u"));
  if (u != url) return bad("the 'u' tag is not this request's URL, " + std::string(url));
  TRY(const auto verb, only(event, "method"));
  if (verb != method) return bad("the 'method' tag is not " + std::string(method));
  TRY(const auto payload, only(event, "payload"));
  if (payload != to_hex(crypto::sha256(as_bytes(body))))
    return bad("the 'payload' tag is not the SHA-256 of this body");
  TRY(const auto request, only(event, "request"));
  if (!array_from_hex<32>(request)) return bad("the 'request' tag is not 32 random bytes in lower-case hex");
  if (std::abs(count(event.created_at) - count(now)) > kWindowSeconds) {
    return bad("event.created_at is more than 60 s from the time here, " + std::to_string(count(now)));
  }
  if (!id_matches(event)) return bad("event.id is not the hash of the event");
  if (!crypto::verify_schnorr(event.pubkey, event.id, event.sig)) return bad("event.sig does not verify");
  return Authorized{event.pubkey, event.id};
}

}  // namespace manastr::nostr
