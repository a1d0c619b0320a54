// The engine's events 31006: receipts, phase changes, verdict, settlement. One chain per match; it is the
// transcript. Called by the lifecycle (to write), by clients and the referee (to read), by the mint (the
// verdict).
#pragma once
#include <variant>

#include "common/match/settlement.h"

namespace manastr::match {

enum class Phase : std::uint8_t {
  open,
  acceptor_stake,
  creator_stake,
  seeds,
  commit,
  reveal,
  claims,
  closed
};
std::string_view phase_name(Phase phase);
std::optional<Phase> phase_from(std::string_view name);

/// What every receipt says beside its body. Arrays are in the order creator, acceptor.
struct ReceiptHead {
  MatchId match{};
  unsigned sequence = 0;
  std::optional<EventId> previous;  ///< absent in the first
  UnixMillis at{};                  ///< the engine's receive time of the event, or the time of the change
  Phase phase = Phase::open;        ///< that holds from here on
  unsigned round = 0;               ///< of phases commit and reveal
  std::array<Millis, 2> clocks{};   ///< allowance left
  std::array<std::optional<UnixMillis>, 2> deadlines;  ///< of whom the engine waits for
};

struct ChallengeReceipt {  ///< "challenge"
  Event event;
  Event announcement;
  Hash32 rulebook_hash{};
  cashu::KeysetInfo keyset;
  std::size_t max_inputs = kMaxProofs;
};
struct AcceptanceReceipt {  ///< "acceptance"
  Event event;
  Hash32 link_commitment{};
  UnixSeconds funding_limit{};
  UnixSeconds hard_end{};
  UnixSeconds locktime{};
};
struct FundingReceipt {  ///< "funding": a part's form, lock and DLEQ hold
  Event event;
};
struct StakedReceipt {  ///< "staked": a whole stake holds, and the mint calls it unspent
  PubKey party;
  unsigned attempt = 1;
};
struct UnstakedReceipt {  ///< "unstaked": an attempt that can't be used; a higher one may follow within the
                          ///< clock
  PubKey party;
  unsigned attempt = 1;
  int code = 0;
  std::string reason;
};
struct LapsedReceipt {  ///< "lapsed": the acceptance is void, the challenge open again
  PubKey party;
  std::string reason;
};
struct FundedReceipt {                               ///< "funded"
  std::array<std::vector<ByteArray<33>>, 2> stakes;  ///< every C, in funding order
  Hash32 link_commitment{};
};
struct SeedReceipt {  ///< "seed"
  Event event;
  /// In the one that closes round 0.
  struct Opening {
    Hash32 link{};
    Hash32 nonce{};
    Hash32 match_seed{};
  };
  std::optional<Opening> opening;
};
struct CommitmentReceipt {  ///< "commitment"
  Event event;
};
struct RevealReceipt {  ///< "reveal"
  Event event;
};
struct StoppedReceipt {  ///< "stopped"
  std::string reason;
  UnixMillis since{};  ///< the clocks stand still from here
};
struct ResumedReceipt {  ///< "resumed"
  std::string reason;
  Millis given_back{0};  ///< by this stop
};
struct SilenceReceipt {  ///< "silence": nothing received by `deadline`
  PubKey party;
  UnixMillis deadline{};
  std::uint32_t kind = 0;
  std::string d;
};
struct VerdictReceipt {  ///< "verdict"
  Terms terms;
  std::array<PubKey, 2> parties;
  std::array<crypto::PublicKey, 3> escrow_keys;  ///< creator, acceptor, engine
  UnixSeconds locktime{};
  Outcome outcome = Outcome::void_match;
  std::optional<PubKey> winner;
  std::string reason;  ///< one sentence
  std::vector<Payout> payouts;
  std::optional<std::string> rake;  ///< NIP-44 to the winner: RakeGroups
};
struct ClaimReceipt {  ///< "claim": accepted; the engine's signature over each group goes to the claimant
  Event event;
  std::string signatures;  ///< NIP-44 to the claimant: a JSON array of hex
};
struct RefusalReceipt {  ///< "refusal": the mint refused the claim's settlement; a higher attempt may follow
  PubKey claimant;
  unsigned attempt = 1;
  int code = 0;
  std::string reason;
  std::optional<std::string> rake;  ///< fresh rake outputs, as in the verdict
};
struct SettledReceipt {  ///< "settled": one for each group of a payout
  PubKey claimant;
  unsigned group = 0;  ///< index in the payout
  std::vector<cashu::BlindedMessage> outputs;
  std::vector<cashu::BlindSignature> signatures;
};
struct ClosedReceipt {  ///< "closed": withdrawn, expired, settled in full, or the claim window is over
  std::string reason;
};
using ReceiptBody =
    std::variant<ChallengeReceipt, AcceptanceReceipt, FundingReceipt, StakedReceipt, UnstakedReceipt,
                 LapsedReceipt, FundedReceipt, SeedReceipt, CommitmentReceipt, RevealReceipt, StoppedReceipt,
                 ResumedReceipt, SilenceReceipt, VerdictReceipt, ClaimReceipt, RefusalReceipt, SettledReceipt,
                 ClosedReceipt>;
std::string_view type_name(const ReceiptBody& body);

struct Receipt {
  ReceiptHead head;
  ReceiptBody body;
};
/// `creator` and, once there is one, `acceptor` stand in the tags; `relay` is a hint.
nostr::Draft to_draft(const Receipt& receipt, const PubKey& creator, const std::optional<PubKey>& acceptor,
                      const PubKey& engine, std::string_view relay);
/// Kind, envelope, `d` and content; embedded events must have their right id and signature. The receipt's own
/// id and signature are the caller's to have verified.
Result<Receipt> parse_receipt(const Event& event);

/// A rejection stands outside the chain: `d` = match:x:event id.
struct Rejection {
  MatchId match{};
  EventId event{};
  std::string reason;
  std::optional<EventId> receipt;  ///< what fills the slot, where that is the reason
};
nostr::Draft to_draft(const Rejection& rejection, const PubKey& author, UnixSeconds created_at);
Result<Rejection> parse_rejection(const Event& event);

}  // namespace manastr::match
