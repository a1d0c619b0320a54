// What a verdict pays, to the unit: groups of inputs and outputs, their hash and their idempotency key, and
// the check of a whole settlement order that the mint, the engine and the claimant make alike.
// docs/protocol.md, "Settlement".
#pragma once
#include <span>

#include "common/match/escrow.h"
#include "common/match/outcome.h"
#include "common/match/party_events.h"

namespace manastr::match {

/// One stake as one SIG_ALL operation.
struct Group {
  PubKey owner;  ///< whose stake it is
  crypto::PublicKey owner_escrow;
  std::vector<crypto::PublicKey> ys;  ///< its proofs, in funding order
  cashu::Unit unit;                   ///< of all outputs
  cashu::Amount pay = 0;              ///< to the claimant
  cashu::Amount rake = 0;             ///< to the engine
  bool operator==(const Group&) const = default;
};
/// What one claimant may claim, all or none. Losers' groups first, its own stake last.
struct Payout {
  PubKey claimant;
  std::vector<Group> groups;
  bool operator==(const Payout&) const = default;
};

struct Party {
  PubKey pubkey;
  crypto::PublicKey escrow;
};
/// The stake of one party as it stands in the funded receipt; empty: not locked.
struct Stake {
  std::vector<cashu::Proof> proofs;
};
/// `winner` is used for Outcome::win only. Parties and stakes in the order creator, acceptor.
Result<std::vector<Payout>> plan_payouts(const Terms& terms, std::span<const Party> parties,
                                         std::span<const Stake> stakes, Outcome outcome,
                                         std::optional<std::size_t> winner);

/// A blinded output as claims carry it: the keyset stands once per claim.
using Outputs = std::vector<cashu::BlindedMessage>;
/// tagged hash "manastr/v1/outputs" over u32 groups ‖ per group u32 n ‖ n × (u8 id length ‖ id ‖ u64be amount
/// ‖ B_).
Hash32 outputs_hash(std::span<const Outputs> groups);
/// tagged hash "manastr/v1/settlement" over u32 groups ‖ per group u32 n ‖ n × Y ‖ u32 m ‖ m × output as
/// above.
Hash32 settlement_key(const Payout& payout, std::span<const Outputs> groups);

/// The plaintext of a claim's `sealed`: outputs (the claimant's first, then the rake's, in each group) and
/// the claimant's SIG_ALL signature over each group.
struct SealedClaim {
  std::vector<Outputs> groups;
  std::vector<crypto::Signature> signatures;
};
/// {"keyset":id,"groups":[[[amount,"B_"],...],...],"signatures":[hex,...]}; all outputs are of one keyset.
std::string dump_sealed_claim(const SealedClaim& claim);
Result<SealedClaim> parse_sealed_claim(std::string_view text);

/// The engine's blinded outputs for the rake, as sealed to the claimant: per group [[amount,"B_"],...], empty
/// where none.
struct RakeOutput {
  cashu::Amount amount = 0;
  crypto::PublicKey b_blinded;
  bool operator==(const RakeOutput&) const = default;
};
using RakeGroups = std::vector<std::vector<RakeOutput>>;
std::string dump_rake(const RakeGroups& rake);
Result<RakeGroups> parse_rake(std::string_view text);

/// SHA-256 of the NUT-11 SIG_ALL message of one group.
Hash32 group_message(std::span<const cashu::Proof> inputs, const Outputs& outputs);

/// Sums, counts, duplicates, and the rake outputs of a claim against what the verdict pays. With `rake` null
/// (a reader who can't open the sealed rake) only the sums are checked. 11005 wrong sum, 11008 an output
/// twice.
Status check_outputs(const Payout& payout, std::span<const Outputs> groups, const RakeGroups* rake);

/// Inputs ready to send: both signatures in the first proof's witness.
struct SignedGroup {
  std::vector<cashu::Proof> inputs;
  Outputs outputs;
};

}  // namespace manastr::match
