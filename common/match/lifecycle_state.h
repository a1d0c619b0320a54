// The state of a match and the one step that an input makes of it. Internal to common/match: lifecycle*.cpp.
#pragma once
#include <map>
#include <set>

#include "common/game/duel.h"
#include "common/match/allowance.h"
#include "common/match/commitment.h"
#include "common/match/lifecycle.h"

namespace manastr::match {

/// One party of the match.
struct Seat {
  PubKey pubkey;
  crypto::PublicKey escrow;
  Hash32 seed_commitment{};
  Allowance clock;  ///< waiting() says whether the engine waits for this party

  unsigned attempt = 0;  ///< of the stake now being sent
  bool attempt_open = false;
  unsigned parts = 0;
  std::map<unsigned, std::vector<cashu::Proof>> received;  ///< by part
  Stake stake;                                             ///< whole
  bool staked = false;

  std::optional<Hash32> seed;
  std::vector<Hash32> commitments;
  std::vector<std::uint8_t> moves;
  bool silent = false;
};

/// Where a payout's claim stands.
struct Claiming {
  enum class Stand { open, pending, done };
  Stand stand = Stand::open;
  unsigned attempt = 0;  ///< the last receipted
  Event event;
  Hash32 operation{};
  std::vector<Outputs> outputs;
};

/// What the mint was asked about last.
struct Asked {
  enum class Why { stake, refused_claim };
  unsigned request = 0;
  Why why = Why::stake;
  std::size_t party = 0;                                      ///< whose stake or claim it is
  std::vector<std::pair<std::size_t, crypto::PublicKey>> ys;  ///< with the owner's seat
};

/// A slot that a receipt filled.
struct Filled {
  Event event;
  unsigned receipt = 0;
  unsigned offers = 0;  ///< how often the receipt was offered again
};
using SlotKey = std::pair<std::pair<std::uint32_t, PubKey>, std::string>;

struct Match::State {
  bool opened = false;
  bool ended = false;
  bool frozen = false;  ///< a longer chain than this exists
  UnixMillis now{};     ///< of the last receipt, between inputs
  Event challenge;
  Hash32 challenge_d{};
  Event announcement;
  std::optional<crypto::PublicKey> engine_escrow;
  bool atomic = true;
  unsigned work = 0;
  cashu::Keyset keyset;
  std::size_t max_inputs = kMaxProofs;
  Terms terms;
  Hash32 terms_hash{};

  Phase phase = Phase::open;
  unsigned round = 0;
  unsigned phase_start = 0;  ///< sequence of the receipt that began it
  std::vector<Event> chain;
  std::map<EventId, unsigned> sequence_of;
  std::map<SlotKey, Filled> slots;
  std::vector<Seat> seats;  ///< creator, acceptor
  UnixSeconds funding_limit{};
  UnixSeconds hard_end{};
  UnixSeconds locktime{};

  std::optional<UnixMillis> stopped_at;
  Millis given_back{0};
  std::optional<Asked> asked;
  unsigned requests = 0;

  std::optional<Hash32> match_seed;
  std::optional<Outcome> outcome;
  std::vector<Payout> payouts;
  std::map<PubKey, Claiming> claims;
  RakeGroups rake;
  unsigned rake_issue = 0;
  Event verdict;

  std::vector<PartyInput> held;
  std::map<PubKey, unsigned> rejections;
  unsigned all_rejections = 0;
  unsigned stranger_rejections = 0;
  unsigned records = 0;
  std::optional<UnixMillis> timer;
};

/// One application of reduce(): the state it changes, and the effects it makes.
class Step {
 public:
  Step(Match::State& state, const EngineKeys& keys, std::vector<Effect>& effects)
      : s_(state), keys_(keys), effects_(effects) {}

  void run(const Input& input);

 private:
  // lifecycle.cpp
  void operate(const PartyInput& input);
  void operate(const TimerFired&) {}
  void operate(const RelaysLost& input);
  void operate(const RelaysRegained& input);
  void operate(const Restarted& input);
  void operate(const Withdrawn& input);
  void operate(const ForeignReceipt& input);
  void take(const PartyInput& input);
  Status admit(const PartyInput& input, const PartyEvent& event, std::size_t seat);
  void take_held();
  bool repeated(const Event& event);
  void pass_time();
  bool due();
  void update_timer();
  std::optional<UnixMillis> next_timer() const;
  void stop_clocks(UnixMillis since, std::string_view reason);
  void resume_clocks(std::string_view reason);

  // lifecycle_receipts.cpp
  void issue(ReceiptBody body, bool starts_phase = false);
  void receipted(const Event& event);
  void reject(const Event& event, std::string reason, std::optional<EventId> receipt = std::nullopt);
  void record(const PubKey& author, const EventId& event, std::string what);
  void close(std::string reason);

  // lifecycle_stakes.cpp
  void operate(const Opening& input);
  Status open(const Opening& input);
  Status accept(const PartyInput& input, const Acceptance& acceptance);
  Status fund(const Event& event, const Funding& funding, std::size_t seat);
  void operate(const MintStates& input);
  void stake_answered(const Asked& asked, const MintStates& input);
  void unstake(std::size_t seat, int code, std::string reason);
  void ask(Asked::Why why, std::size_t party, const std::vector<std::size_t>& owners);
  void lapse(std::string reason);
  Lock lock_of(std::size_t seat) const;

  // lifecycle_play.cpp
  Status reveal_seed(const Event& event, const Reveal& reveal, std::size_t seat);
  Status commit(const Event& event, const Commitment& commitment, std::size_t seat);
  Status reveal_move(const Event& event, const Reveal& reveal, std::size_t seat);
  void begin_play(Phase phase, unsigned round);
  bool all_done() const;
  void after_step();
  void play_out();
  void silence(std::size_t seat);

  // lifecycle_claims.cpp
  void decide(Outcome outcome, std::optional<std::size_t> winner, std::string reason);
  Status claim(const Event& event, const Claim& claim, std::size_t seat);
  void operate(const SettlementDone& input);
  void operate(const SettlementRefused& input);
  void claim_answered(const Asked& asked, const MintStates& input);
  void refuse_claim(const PubKey& claimant, int code, std::string reason);
  std::optional<std::string> seal_rake(const PubKey& winner);
  void close_if_settled();
  UnixMillis claims_end() const;

  bool playing() const {
    return s_.phase == Phase::seeds || s_.phase == Phase::commit || s_.phase == Phase::reveal;
  }
  bool funding() const { return s_.phase == Phase::acceptor_stake || s_.phase == Phase::creator_stake; }
  std::optional<std::size_t> seat_of(const PubKey& pubkey) const;
  PubKey pubkey_of(std::size_t seat) const { return s_.seats[seat].pubkey; }

  Match::State& s_;
  const EngineKeys& keys_;
  std::vector<Effect>& effects_;
};

/// Reasons that stand in receipts and that inputs_of_chain() reads again.
inline constexpr std::string_view kRelaysLost = "fewer relays than the quorum are connected";
inline constexpr std::string_view kRelaysBack = "enough relays are connected again";
inline constexpr std::string_view kEngineDown = "the engine was down";
inline constexpr std::string_view kEngineUp = "the engine is back";
inline constexpr std::string_view kGivenBackAll = "the give-back of the terms is used up";
inline constexpr std::string_view kDeleted = "withdrawn: deleted by its author";
inline constexpr std::string_view kReplaced = "withdrawn: replaced by its author";
inline constexpr std::string_view kStakeSpent = "a stake was found spent at the mint";

}  // namespace manastr::match
