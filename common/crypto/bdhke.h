// Blind Diffie-Hellman key exchange of NUT-00 and the DLEQ proofs of NUT-12.
// Mint side: everything that multiplies by a mint key is constant time in the key (secp256k1_ecdh).
#pragma once
#include "common/crypto/keys.h"

namespace manastr::crypto {

/// NUT-00 hash_to_curve. Fails only with probability 2^-65536.
PublicKey hash_to_curve(ByteView secret);

struct Dleq {
  ByteArray<32> e{};
  ByteArray<32> s{};
  bool operator==(const Dleq&) const = default;
};

struct SignedBlind {
  PublicKey c_blinded;  ///< C_ = k·B_
  Dleq dleq;            ///< NUT-12, deterministic: the same (k, B_) gives the same proof for ever
};

/// k·B_ and its DLEQ proof with the deterministic nonce of NUT-12. `mint_public` is k·G (kept by the keyset).
SignedBlind sign_blinded(const SecretKey& mint_key, const PublicKey& mint_public, const PublicKey& b_blinded);

/// True if C = k·hash_to_curve(secret). `y` = hash_to_curve(secret), which the caller has anyway. C is
/// compared in constant time and never parsed.
bool verify_unblinded(const SecretKey& mint_key, const PublicKey& y, const ByteArray<33>& c);

// Wallet side.
/// B_ = hash_to_curve(secret) + r·G.
PublicKey blind(const PublicKey& y, const SecretKey& r);
/// C = C_ - r·K. nullopt if the result is the point at infinity.
std::optional<PublicKey> unblind(const PublicKey& c_blinded, const SecretKey& r,
                                 const PublicKey& mint_public);
/// NUT-12, Alice: the signature C_ over B_ was made with the key of mint_public.
bool verify_dleq(const PublicKey& mint_public, const PublicKey& b_blinded, const PublicKey& c_blinded,
                 const Dleq& dleq);
/// NUT-12, Carol: recomputes B_ and C_ from the proof's secret, C and blinding factor r.
bool verify_dleq_unblinded(const PublicKey& mint_public, const PublicKey& y, const PublicKey& c,
                           const SecretKey& r, const Dleq& dleq);

}  // namespace manastr::crypto
