// What a player keeps secret in one match: escrow key, seed, nonces. All derive from the wallet's seed and
// the match, so that a client that lost its state says the same again. Pure; called by the duelist.
#pragma once
#include "common/match/commitment.h"

namespace manastr::player {

class MatchSecrets {
 public:
  /// `scope`: the random `d` of one's own 31000, or the match id one accepts.
  MatchSecrets(const crypto::Secret<64>& wallet_seed, const Hash32& scope);

  crypto::SecretKey escrow() const;
  Hash32 seed() const;
  /// Commitment of one's seed: `phase` is seed_create (scope: `d`) or seed_accept (scope: match id).
  Hash32 seed_commitment(match::Commits phase, const match::PubKey& me) const;
  Hash32 seed_nonce(match::Commits phase) const;
  Hash32 move_commitment(const match::MatchId& match, const match::PubKey& me, unsigned round,
                         std::uint8_t unit) const;
  Hash32 move_nonce(const match::MatchId& match, unsigned round, std::uint8_t unit) const;

 private:
  Hash32 scope_;
  crypto::Secret<32> root_;
};

}  // namespace manastr::player
