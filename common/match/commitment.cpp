#include "common/match/commitment.h"

#include <algorithm>

namespace manastr::match {
namespace {

std::string_view phase_tag(Commits phase) {
  switch (phase) {
    case Commits::seed_create:
      return "manastr/v1/seed-create";
    case Commits::seed_accept:
      return "manastr/v1/seed-accept";
    case Commits::link:
      return "manastr/v1/link";
    case Commits::move:
      break;
  }
  return "manastr/v1/move";
}

std::string_view escrow_tag(EscrowRole role) {
  switch (role) {
    case EscrowRole::create:
      return "manastr/v1/escrow-create";
    case EscrowRole::accept:
      return "manastr/v1/escrow-accept";
    case EscrowRole::engine:
      break;
  }
  return "manastr/v1/escrow-engine";
}

}  // namespace

Hash32 commitment(Commits phase, const Hash32& scope, const PubKey& pubkey, std::uint32_t round,
                  ByteView payload, const Hash32& nonce) {
  Bytes numbers;
  append_be32(numbers, round);
  append_be32(numbers, static_cast<std::uint32_t>(payload.size()));
  return crypto::tagged_hash(phase_tag(phase), {scope, pubkey.bytes, numbers, payload, nonce});
}

Hash32 derive_nonce(const crypto::Secret<32>& secret, Commits phase, const Hash32& scope, std::uint32_t round,
                    ByteView payload) {
  Bytes number;
  append_be32(number, round);
  return crypto::hmac_sha256(secret.reveal(), {as_bytes(phase_tag(phase)), scope, number, payload});
}

Hash32 match_seed(const MatchId& match, std::span<const SeedShare> shares, std::vector<ByteArray<33>> stakes,
                  const Hash32& link) {
  std::sort(stakes.begin(), stakes.end());
  Bytes message(match.begin(), match.end());
  append_be32(message, static_cast<std::uint32_t>(shares.size()));
  for (const SeedShare& share : shares) {
    append(message, share.pubkey.bytes);
    append(message, share.seed);
  }
  append_be32(message, static_cast<std::uint32_t>(stakes.size()));
  for (const auto& c : stakes) append(message, c);
  append(message, link);
  return crypto::tagged_hash("manastr/v1/match-seed", message);
}

Hash32 escrow_proof_message(EscrowRole role, const PubKey& author, ByteView scope) {
  return crypto::tagged_hash(escrow_tag(role), {author.bytes, scope});
}

crypto::Signature prove_escrow(const crypto::SecretKey& escrow, EscrowRole role, const PubKey& author,
                               ByteView scope) {
  return crypto::sign_schnorr(escrow, escrow_proof_message(role, author, scope), {});
}

bool check_escrow(const crypto::PublicKey& escrow, const crypto::Signature& proof, EscrowRole role,
                  const PubKey& author, ByteView scope) {
  return crypto::verify_schnorr(escrow.x_only(), escrow_proof_message(role, author, scope), proof);
}

}  // namespace manastr::match
