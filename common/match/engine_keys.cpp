#include "common/match/engine_keys.h"

#include "common/match/commitment.h"
#include "common/nostr/nip44.h"

namespace manastr::match {
namespace {

/// A scalar from `root` and `parts`; the counter passes over the two values in 2^127 that are none.
crypto::SecretKey derive_key(const crypto::Secret<32>& root, std::string_view what, ByteView parts) {
  for (Byte counter = 0;; ++counter) {
    const Byte tail[1] = {counter};
    Hash32 scalar = crypto::hmac_sha256(root.reveal(), {as_bytes(what), parts, tail});
    auto key = crypto::SecretKey::parse(scalar);
    crypto::wipe(scalar);
    if (key) return *key;
  }
}

}  // namespace

EngineKeys::EngineKeys(const crypto::SecretKey& nostr, const crypto::Secret<32>& root)
    : nostr_(nostr),
      root_(root),
      pubkey_(nostr.x_only()),
      escrow_(derive_key(root, "manastr/v1/engine/escrow", {})),
      escrow_public_(escrow_.public_key()) {}

crypto::Signature EngineKeys::escrow_proof() const {
  return prove_escrow(escrow_, EscrowRole::engine, pubkey_, as_bytes(kAnnouncementD));
}

Event EngineKeys::sign(const nostr::Draft& draft) const { return nostr::sign(draft, nostr_, {}); }

crypto::Signature EngineKeys::sign_escrow(const Hash32& message) const {
  return crypto::sign_schnorr(escrow_, message, {});
}

Hash32 EngineKeys::link(const MatchId& match) const {
  return crypto::hmac_sha256(root_.reveal(), {as_bytes("manastr/v1/engine/link"), match});
}

Hash32 EngineKeys::link_nonce(const MatchId& match) const {
  return crypto::hmac_sha256(root_.reveal(), {as_bytes("manastr/v1/engine/link-nonce"), match});
}

std::vector<EngineKeys::Rake> EngineKeys::rake(const MatchId& match, unsigned issue, unsigned group,
                                               cashu::Amount amount) const {
  std::vector<Rake> out;
  for (const cashu::Amount piece : cashu::split_amount(amount)) {
    Bytes place(match.begin(), match.end());
    append_be32(place, issue);
    append_be32(place, group);
    append_be32(place, static_cast<std::uint32_t>(out.size()));
    const std::string secret =
        to_hex(crypto::hmac_sha256(root_.reveal(), {as_bytes("manastr/v1/engine/rake"), place}));
    const crypto::SecretKey r = derive_key(root_, "manastr/v1/engine/rake-r", place);
    out.push_back({piece, secret, r, crypto::blind(crypto::hash_to_curve(as_bytes(secret)), r)});
  }
  return out;
}

Result<std::string> EngineKeys::seal(const PubKey& peer, std::string_view text) const {
  const auto key = nostr::conversation_key(nostr_, peer);
  if (!key) return invalid("the party's public key is not on the curve");
  return nostr::nip44_encrypt(
      *key, text,
      crypto::hmac_sha256(root_.reveal(), {as_bytes("manastr/v1/engine/seal"), peer.bytes, as_bytes(text)}));
}

Result<std::string> EngineKeys::open(const PubKey& peer, std::string_view payload) const {
  const auto key = nostr::conversation_key(nostr_, peer);
  if (!key) return invalid("the party's public key is not on the curve");
  return nostr::nip44_decrypt(*key, payload);
}

}  // namespace manastr::match
