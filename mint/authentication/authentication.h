// What the mint asks of those who use its protected endpoints: a clear token of its OpenID provider (NUT-21)
// or a blind one of its own (NUT-22). Made once if mint.toml has [auth]; called by the pipeline on crypto
// workers. Verifies and knows nothing of what is spent: that is the ledger's.
#pragma once
#include <memory>

#include "mint/authentication/jwt.h"
#include "mint/authentication/openid_provider.h"
#include "mint/configuration/authentication.h"
#include "mint/keysets/keysets.h"
#include "mint/ledger/writes.h"

namespace manastr::mint {

enum class Access { open, clear, blind };

class Authentication {
 public:
  /// `keysets` have those of unit `auth`, and outlive this. `mint_key`: hex, of /v1/info. Asks the provider
  /// for its keys at once, on a thread of its own.
  Authentication(AuthenticationConfiguration configuration, const Keysets& keysets, std::string mint_key,
                 Fetch fetch, const Clock& clock = system_clock());

  const AuthenticationConfiguration& configuration() const { return configuration_; }
  OpenIdProvider& provider() { return provider_; }

  /// `path` as it was sent, without query. HEAD is GET.
  Access access_to(std::string_view method, std::string_view path) const;

  /// Whose token it is, as a hash that tells nobody. 30002 if it is not good; nullopt: signed by a key that
  /// isn't known (or none is yet), so the provider is to be looked at again.
  Result<std::optional<Hash32>> check_clear(std::string_view token, UnixSeconds now) const;
  /// Why a token by a key that stays unknown is refused: 30002, or unavailable if no key is known at all.
  Error unknown_key() const;

  /// A token that the mint has signed, of a keyset whose time is not over; whether it is spent is not looked
  /// at. 31002, or `unavailable` if it can't be told now whether another mint has made its keyset.
  Result<TokenSpend> check_blind(std::string_view header, UnixSeconds now) const;

  /// One request at a time that may not be repeated has a token; null: another one has it. For this process.
  std::shared_ptr<const void> hold(const PointBytes& token);

 private:
  struct Held;
  struct Hold;
  Result<const SigningKeyset*> keyset_of(const cashu::KeysetId& id, UnixSeconds now) const;
  const AuthenticationConfiguration configuration_;
  const Keysets* keysets_;
  const std::string mint_key_;
  const std::shared_ptr<Held> held_;
  OpenIdProvider provider_;
};

}  // namespace manastr::mint
