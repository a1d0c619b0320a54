// A reader's copy of a match, built from the engine's receipts alone and checking each of them: what has
// happened, whose turn it is, and whether the engine kept to the protocol. The client plays by it, the
// referee judges by it.
#pragma once
#include <map>

#include "common/game/duel.h"
#include "common/match/allowance.h"
#include "common/match/receipt.h"

namespace manastr::match {

class Transcript {
 public:
  /// Everything known so far. Indices are 0 creator, 1 acceptor.
  struct View {
    MatchId match{};
    Terms terms;
    Hash32 terms_hash{};
    PubKey engine;
    std::optional<Announcement> announcement;
    cashu::KeysetInfo keyset;
    std::size_t max_inputs = kMaxProofs;
    Hash32 challenge_d{};
    std::vector<PubKey> parties;
    std::vector<crypto::PublicKey> escrow;  ///< of the parties, same order
    std::optional<crypto::PublicKey> engine_escrow;
    std::vector<Hash32> seed_commitments;
    std::array<Allowance, 2> clocks;  ///< recomputed; every head must agree
    ReceiptHead head;                 ///< of the last receipt
    std::vector<EventId> receipts;    ///< by sequence
    std::optional<UnixSeconds> funding_limit, hard_end, locktime;
    std::optional<Hash32> link_commitment;
    std::array<Stake, 2> stakes;  ///< the attempt that counts, in funding order
    /// How far a party's stake is: the attempt, and whether it may still become whole.
    struct Funding {
      unsigned attempt = 0;
      bool open = false;
      unsigned parts = 0;
      std::map<unsigned, std::vector<cashu::Proof>> received;
      bool checking = false;  ///< whole, and before the mint
    };
    std::array<Funding, 2> funding;
    std::array<bool, 2> staked{};  ///< the engine says the mint calls it unspent
    bool funded = false;
    std::array<std::optional<Hash32>, 2> seeds;
    std::optional<Hash32> match_seed;
    std::optional<std::array<game::Army, 2>> armies;
    std::array<std::vector<Hash32>, 2> commitments;  ///< by round, from round 1
    std::array<std::vector<std::uint8_t>, 2> moves;
    std::array<bool, 2> silent{};
    bool stopped = false;
    std::optional<VerdictReceipt> verdict;
    std::optional<EventId> verdict_id;
    /// How far a party's claim is.
    struct Claiming {
      unsigned attempt = 0;
      bool pending = false;  ///< before the mint
      unsigned settled_groups = 0;
      Event event;
      std::string signatures;        ///< the engine's, sealed to the claimant
      std::vector<Outputs> outputs;  ///< settled
    };
    std::array<Claiming, 2> claims;
    std::vector<Event> accepted_claims;
    std::vector<SettledReceipt> settled;
    std::vector<RefusalReceipt> refusals;
    std::string closed_reason;
    EventId phase_start{};  ///< the receipt that began the phase: what the next event should name
  };

  /// `keys`: the stake keyset with its keys, to check DLEQ proofs; without it their presence alone is
  /// checked.
  explicit Transcript(std::optional<cashu::Keyset> keyset = std::nullopt);

  /// The next receipt. A repeated one changes nothing. An error is a fault of the engine (or a gap: kind
  /// unavailable, get the missing receipt first); the sentence says which rule was broken, and the copy stays
  /// as it was.
  Status add(const Event& receipt);
  const View& view() const { return view_; }
  /// The event of a party that the engine waits for now: kind and `d`; nullopt when none.
  struct Awaited {
    std::uint32_t kind = 0;
    std::string d;
    std::optional<UnixMillis> deadline;
  };
  std::optional<Awaited> awaited(std::size_t party) const;

 private:
  struct Step;
  View view_;
  std::optional<cashu::Keyset> keyset_;
  UnixMillis last_at_{};
};

}  // namespace manastr::match
