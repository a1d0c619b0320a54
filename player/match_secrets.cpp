#include "player/match_secrets.h"

#include "common/crypto/hash.h"

namespace manastr::player {

MatchSecrets::MatchSecrets(const crypto::Secret<64>& wallet_seed, const Hash32& scope)
    : scope_(scope),
      root_(crypto::hmac_sha256(wallet_seed.reveal(), {as_bytes("manastr/v1/player/match"), scope})) {}

crypto::SecretKey MatchSecrets::escrow() const {
  for (Byte attempt = 0;; ++attempt) {  // one in 2^128 digests is no scalar
    const ByteArray<1> counter{attempt};
    if (auto key =
            crypto::SecretKey::parse(crypto::hmac_sha256(root_.reveal(), {as_bytes("escrow"), counter}))) {
      return *key;
    }
  }
}

Hash32 MatchSecrets::seed() const { return crypto::hmac_sha256(root_.reveal(), {as_bytes("seed")}); }

Hash32 MatchSecrets::seed_nonce(match::Commits phase) const {
  return match::derive_nonce(root_, phase, scope_, 0, seed());
}

Hash32 MatchSecrets::seed_commitment(match::Commits phase, const match::PubKey& me) const {
  return match::commitment(phase, scope_, me, 0, seed(), seed_nonce(phase));
}

Hash32 MatchSecrets::move_nonce(const match::MatchId& match, unsigned round, std::uint8_t unit) const {
  return match::derive_nonce(root_, match::Commits::move, match, round, ByteView(&unit, 1));
}

Hash32 MatchSecrets::move_commitment(const match::MatchId& match, const match::PubKey& me, unsigned round,
                                     std::uint8_t unit) const {
  return match::commitment(match::Commits::move, match, me, round, ByteView(&unit, 1),
                           move_nonce(match, round, unit));
}

}  // namespace manastr::player
