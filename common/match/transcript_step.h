// One receipt applied to a copy of a view, rule by rule. Internal to common/match: transcript*.cpp.
#pragma once
#include "common/match/commitment.h"
#include "common/match/transcript.h"

namespace manastr::match {

/// Each apply() checks what the receipt says against all that was said before, then says it.
struct Transcript::Step {
  View& v;
  const std::optional<cashu::Keyset>& keyset;
  const Event& receipt;
  const ReceiptHead& head;

  // transcript.cpp
  Status apply(const ChallengeReceipt& body);
  Status apply(const AcceptanceReceipt& body);
  Status apply(const StoppedReceipt& body);
  Status apply(const ResumedReceipt& body);
  Status apply(const ClosedReceipt& body);
  // transcript_stakes.cpp
  Status apply(const FundingReceipt& body);
  Status apply(const StakedReceipt& body);
  Status apply(const UnstakedReceipt& body);
  Status apply(const LapsedReceipt& body);
  Status apply(const FundedReceipt& body);
  // transcript_play.cpp
  Status apply(const SeedReceipt& body);
  Status apply(const CommitmentReceipt& body);
  Status apply(const RevealReceipt& body);
  Status apply(const SilenceReceipt& body);
  // transcript_claims.cpp
  Status apply(const VerdictReceipt& body);
  Status apply(const ClaimReceipt& body);
  Status apply(const RefusalReceipt& body);
  Status apply(const SettledReceipt& body);

  /// A party's event of the content wanted, in place, by a party, built on a receipt of this phase.
  template <class Body>
  Result<std::pair<std::size_t, Body>> party_event(const Event& event) const {
    TRY(const PartyEvent parsed, parse_party_event(event));
    const auto* content = std::get_if<Body>(&parsed.content);
    if (content == nullptr) return invalid("the embedded event is of another kind than the receipt");
    if (parsed.match != v.match) return invalid("the embedded event is of another match");
    TRY_STATUS(check_pointer(parsed.receipt));
    TRY(const std::size_t seat, seat_of(event.pubkey));
    return std::pair{seat, *content};
  }
  Status check_pointer(const EventId& named) const;
  Result<std::size_t> seat_of(const PubKey& pubkey) const;
  /// The phase and round that the head must show, now that the body is applied.
  Status expect(Phase phase, unsigned round = 0) const;
  Status only_in(std::initializer_list<Phase> phases) const;
  /// The engine took the event in time, by its own earlier word.
  Status in_time(std::size_t seat) const;
  Lock lock_of(std::size_t seat) const;
  /// The clocks as the engine must keep them (docs/protocol.md, "Clocks").
  void begin_stake(std::size_t seat);
  void begin_step();
  void stop_all(UnixMillis at);
  void end_all();
  Status check_clocks() const;
  bool playing(Phase phase) const {
    return phase == Phase::seeds || phase == Phase::commit || phase == Phase::reveal;
  }

  Phase before{};  ///< phase before this receipt
  unsigned round_before = 0;
  std::array<std::optional<UnixMillis>, 2> deadlines_before;
};

/// What a played-out match must end in: recomputed from the view alone.
struct PlayedOut {
  game::Duel duel;
  Outcome outcome = Outcome::draw;
  std::optional<std::size_t> winner;
};
std::optional<PlayedOut> play_out(const Transcript::View& view);

}  // namespace manastr::match
