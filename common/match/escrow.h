// The lock of a stake: one canonical NUT-11 secret, built and compared here, and the checks of a stake's
// proofs that need no mint. Called by the player (to lock), the engine and the other party (to check), and
// the mint (to settle).
#pragma once
#include <span>

#include "common/cashu/conditions.h"
#include "common/match/terms.h"

namespace manastr::match {

/// Two of the three keys spend; the owner alone after the locktime.
struct Lock {
  crypto::PublicKey creator;  ///< escrow keys
  crypto::PublicKey acceptor;
  crypto::PublicKey engine;
  crypto::PublicKey owner;  ///< creator or acceptor: the refund key
  UnixSeconds locktime{};
  MatchId match{};
};
/// ["P2PK",{"nonce":N,"data":creator,"tags":[["locktime",T],["pubkeys",acceptor,engine],["n_sigs","2"],["refund",owner],
/// ["sigflag","SIG_ALL"],["match",id]]}], byte for byte; N is 64 lower-case hex digits.
std::string stake_secret(const Lock& lock, const ByteArray<32>& nonce);
/// Refuses a secret that is not exactly stake_secret(lock, some nonce); the sentence says which part differs.
Status check_stake_secret(std::string_view secret, const Lock& lock);
/// The match id in a secret's `match` tag, and so whether a mint lets it go only through a settlement.
/// nullopt: none.
std::optional<MatchId> match_tag(const cashu::Condition& condition);

/// Refuses escrow keys of which two have the same x (02/03 twins included).
Status check_distinct(std::span<const crypto::PublicKey> keys);

/// One part: each proof's keyset, amount (a key of the keyset), lock, DLEQ, absence of a witness; no secret
/// twice. With an empty `keyset.keys` the DLEQ proofs' presence is checked, not their truth (a reader who
/// knows no keys).
Status check_proofs(std::span<const cashu::Proof> proofs, const cashu::Keyset& keyset, const Lock& lock);
/// The whole: count <= min(12, max_inputs), no secret twice, sum − ceil(n × ppk / 1000) = stake.
Status check_stake(std::span<const cashu::Proof> proofs, const cashu::KeysetInfo& keyset, cashu::Amount stake,
                   std::size_t max_inputs);
/// The least number of proofs, and their amounts, that pay `stake` with its input fee at this keyset; refuses
/// a stake that 12 proofs can't pay. Ascending.
Result<std::vector<cashu::Amount>> stake_amounts(cashu::Amount stake, std::uint64_t input_fee_ppk,
                                                 std::size_t max_inputs);

}  // namespace manastr::match
