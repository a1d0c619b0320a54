// Recomputes a verdict from signed events alone (P4): the player's `verify`, clients, and anyone else.
#pragma once
#include "common/match/transcript.h"

namespace manastr::match {

struct Judgement {
  std::vector<std::string> faults;  ///< each a sentence; empty: the transcript is in order
  std::optional<Outcome> outcome;   ///< as recomputed, once a verdict is due
  std::optional<PubKey> winner;
  std::optional<game::Duel> duel;  ///< if it was played out
  std::vector<Payout> payouts;
  cashu::Amount rake = 0;  ///< prize_unit, all groups together
  bool settled = false;    ///< every payout has been signed by the mint
  bool in_order() const { return faults.empty(); }
};
/// `events` in any order: the chain of one match, and whatever else was found; each is verified here. Two
/// receipts of one sequence number, a gap and a wrong verdict are faults.
Judgement judge(std::vector<Event> events, const std::optional<cashu::Keyset>& keyset = std::nullopt);

/// A mint's check of a settlement: that verdict, announcement, claim and groups belong together. What is left
/// to the mint: that the engine's key is active and permitted, units and prices, conditions (NUT-11), and its
/// ledger.
struct SettlementOrder {
  VerdictReceipt verdict;
  MatchId match{};
  PubKey engine;
  Payout payout;
  PubKey claimant;
  Hash32 operation{};  ///< settlement_key over inputs and outputs
};
/// Verifies ids and signatures of all three events too. The groups' inputs must have the verdict's locks and
/// Ys.
Result<SettlementOrder> check_settlement(const Event& announcement, const Event& verdict, const Event& claim,
                                         std::span<const SignedGroup> groups);

}  // namespace manastr::match
