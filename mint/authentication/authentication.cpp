#include "mint/authentication/authentication.h"

#include <algorithm>
#include <mutex>
#include <unordered_set>

#include "common/crypto/hash.h"
#include "mint/authentication/blind_token.h"

namespace manastr::mint {
namespace {

/// Written with escapes, a path may be any that begins like it does before the first.
bool may_be_covered(const ProtectedEndpoint& endpoint, std::string_view method, std::string_view path) {
  if (endpoint.covers(method, path)) return true;
  const auto escape = path.find('%');
  return escape != std::string_view::npos && endpoint.method == method &&
         endpoint.path.starts_with(path.substr(0, escape));
}

std::unexpected<Error> no_blind_token(const std::string& why) {
  return refused(cashu::kBlindAuthFailed, "Blind-auth: " + why);
}

/// The first keyset of tokens that the mint ever had: its key stays when others come.
const SigningKeyset* first_of_tokens(const KeysetRing& ring) {
  const auto found = std::ranges::find_if(ring.all(), [](const auto& each) { return !each->is_money(); });
  return found == ring.all().end() ? nullptr : found->get();
}

std::unexpected<Error> no_clear_token(const std::string& why) {
  return refused(cashu::kClearAuthFailed, "Clear-auth: " + why);
}

}  // namespace

struct Authentication::Held {
  std::mutex mutex;
  std::unordered_set<PointBytes, UniformBytesHash> tokens;
};

/// Lets go when it ends.
struct Authentication::Hold {
  Hold(std::shared_ptr<Held> of, const PointBytes& which) : held(std::move(of)), token(which) {}
  ~Hold() {
    const std::lock_guard lock(held->mutex);
    held->tokens.erase(token);
  }
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;
  const std::shared_ptr<Held> held;
  const PointBytes token;
};

Authentication::Authentication(AuthenticationConfiguration configuration, const Keysets& keysets,
                               std::string mint_key, Fetch fetch, const Clock& clock)
    : configuration_(std::move(configuration)),
      keysets_(&keysets),
      mint_key_(std::move(mint_key)),
      held_(std::make_shared<Held>()),
      provider_(configuration_.openid_discovery, std::move(fetch), OpenIdProvider::Pace{}, clock) {}

Access Authentication::access_to(std::string_view method, std::string_view path) const {
  if (method == "HEAD") method = "GET";
  const auto in = [&](const std::vector<ProtectedEndpoint>& list) {
    return std::ranges::any_of(list, [&](const auto& each) { return may_be_covered(each, method, path); });
  };
  if (in(configuration_.blind)) return Access::blind;
  return in(configuration_.clear) ? Access::clear : Access::open;
}

Result<std::optional<Hash32>> Authentication::check_clear(std::string_view token, UnixSeconds now) const {
  const auto jwt = Jwt::parse(token);
  if (!jwt) return no_clear_token(jwt.error().message);
  const std::shared_ptr<const ProviderKeys> provider = provider_.current();
  if (!provider) return std::nullopt;
  switch (provider->keys.verify(jwt->algorithm, jwt->key_id, as_bytes(jwt->signed_part), jwt->signature)) {
    case JwkSet::Verdict::no_such_key:
      return std::nullopt;
    case JwkSet::Verdict::bad:
      return no_clear_token("the token's signature is not the provider's");
    case JwkSet::Verdict::good:
      break;
  }
  const auto subject = check_claims(
      jwt->claims, {provider->issuer, configuration_.openid_client_id, configuration_.audience, mint_key_},
      now);
  if (!subject) return no_clear_token(subject.error().message);
  const SigningKeyset* first = first_of_tokens(*keysets_->now());
  if (first == nullptr) return broken("there is authentication without a keyset of blind tokens");
  const auto& key = first->denominations().front().secret.reveal();
  constexpr ByteArray<1> kEnd{};
  return crypto::hmac_sha256(
      key, {as_bytes("subject"), kEnd, as_bytes(provider->issuer), kEnd, as_bytes(*subject)});
}

Error Authentication::unknown_key() const {
  if (!provider_.current()) {
    return {
        ErrorKind::unavailable, 0,
        "the mint can't reach its OpenID provider, and so can't tell whose token this is: try again soon"};
  }
  return {ErrorKind::refused, cashu::kClearAuthFailed,
          "Clear-auth: the token is signed by a key that the provider doesn't publish"};
}

/// Tokens are taken like proofs are: also of a keyset that has a successor, until it expires (NUT-02).
Result<const SigningKeyset*> Authentication::keyset_of(const cashu::KeysetId& id, UnixSeconds now) const {
  const SigningKeyset* keyset = keysets_->now()->find(id);
  if (keyset == nullptr) {
    TRY(const KeysetRing* ring, keysets_->look());
    keyset = ring->find(id);
  }
  if (keyset == nullptr || keyset->is_money()) return no_blind_token("the mint has no such keyset of tokens");
  const KeysetRecord& record = keyset->record();
  if (keyset->expired(now) || record.position <= configuration_.keyset_index) {
    return no_blind_token("tokens of this keyset are over: get new ones of /v1/auth/blind/keysets' active");
  }
  if (record.held) return no_blind_token("this token is of before the mint was restored: get a new one");
  return keyset;
}

Result<TokenSpend> Authentication::check_blind(std::string_view header, UnixSeconds now) const {
  TRY(const BlindToken token, BlindToken::parse(header));
  TRY(const SigningKeyset* keyset, keyset_of(token.id, now));
  const crypto::PublicKey y = crypto::hash_to_curve(as_bytes(token.secret));
  if (!crypto::verify_unblinded(keyset->denominations().front().secret, y, token.c))
    return no_blind_token("the mint never signed this token");
  return TokenSpend{y.bytes(), keyset->number(), std::nullopt};
}

std::shared_ptr<const void> Authentication::hold(const PointBytes& token) {
  {
    const std::lock_guard lock(held_->mutex);
    if (!held_->tokens.insert(token).second) return nullptr;
  }
  return std::make_shared<const Hold>(held_, token);
}

}  // namespace manastr::mint
