// The engine's secrets, all that a match needs of them, and each use deterministic: the same input gives the
// same bytes, so that a replayed journal, a restart or another engine of the cluster says the same.
#pragma once
#include "common/crypto/secret.h"
#include "common/match/settlement.h"

namespace manastr::match {

class EngineKeys {
 public:
  /// `nostr` is the identity that signs 31006; `root` is a second secret, kept as long as any match is open:
  /// escrow key, links, rake outputs and sealing nonces come from it.
  EngineKeys(const crypto::SecretKey& nostr, const crypto::Secret<32>& root);

  const PubKey& pubkey() const { return pubkey_; }
  const crypto::PublicKey& escrow() const { return escrow_public_; }
  crypto::Signature escrow_proof() const;  ///< for the announcement
  Event sign(const nostr::Draft& draft) const;
  crypto::Signature sign_escrow(const Hash32& message) const;

  Hash32 link(const MatchId& match) const;
  Hash32 link_nonce(const MatchId& match) const;

  /// A rake output, with what the engine's wallet needs to unblind it.
  struct Rake {
    cashu::Amount amount = 0;
    std::string secret;
    crypto::SecretKey r;
    crypto::PublicKey b_blinded;
  };
  /// For group `group` of a match's payout; `issue` counts how often fresh ones were needed.
  std::vector<Rake> rake(const MatchId& match, unsigned issue, unsigned group, cashu::Amount amount) const;

  /// NIP-44 between the engine and a party. The nonce derives from peer and text, so equal texts seal alike.
  Result<std::string> seal(const PubKey& peer, std::string_view text) const;
  Result<std::string> open(const PubKey& peer, std::string_view payload) const;

 private:
  crypto::SecretKey nostr_;
  crypto::Secret<32> root_;
  PubKey pubkey_;
  crypto::SecretKey escrow_;
  crypto::PublicKey escrow_public_;
};

}  // namespace manastr::match
