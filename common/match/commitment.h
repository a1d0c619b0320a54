// Commitments, the match seed, and proofs of escrow keys: docs/protocol.md, "Commitments". Called by engine,
// player, referee.
#pragma once
#include <span>

#include "common/match/protocol.h"

namespace manastr::match {

enum class Commits { seed_create, seed_accept, link, move };

/// tagged hash "manastr/v1/<phase>" over scope ‖ pubkey ‖ u32be(round) ‖ u32be(payload length) ‖ payload ‖
/// nonce. `scope` is the match id, for seed_create the 32 bytes of the 31000's `d`.
Hash32 commitment(Commits phase, const Hash32& scope, const PubKey& pubkey, std::uint32_t round,
                  ByteView payload, const Hash32& nonce);

/// A nonce that a retry finds again: HMAC-SHA256(secret, phase ‖ scope ‖ round ‖ payload). `secret` is the
/// client's own, one for each match.
Hash32 derive_nonce(const crypto::Secret<32>& secret, Commits phase, const Hash32& scope, std::uint32_t round,
                    ByteView payload);

struct SeedShare {
  PubKey pubkey;
  Hash32 seed{};
};
/// tagged hash "manastr/v1/match-seed" over match id ‖ u32 n ‖ n × (pubkey ‖ seed) ‖ u32 m ‖ m × C ascending
/// ‖ link. `shares` creator first; `stakes` every C finally funded, in any order.
Hash32 match_seed(const MatchId& match, std::span<const SeedShare> shares, std::vector<ByteArray<33>> stakes,
                  const Hash32& link);

enum class EscrowRole { create, accept, engine };
/// What the escrow key signs to show that its owner holds it: tagged hash "manastr/v1/escrow-<role>" over
/// author ‖ scope; scope = the 31000's `d` (32 bytes), the match id, or the text "announcement".
Hash32 escrow_proof_message(EscrowRole role, const PubKey& author, ByteView scope);
crypto::Signature prove_escrow(const crypto::SecretKey& escrow, EscrowRole role, const PubKey& author,
                               ByteView scope);
bool check_escrow(const crypto::PublicKey& escrow, const crypto::Signature& proof, EscrowRole role,
                  const PubKey& author, ByteView scope);

}  // namespace manastr::match
