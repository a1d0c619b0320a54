// The engine's side of a match as a pure function: reduce(state, input, keys) -> effects. The engine's shell
// journals each input together with the receipts that answer it, runs the effects, and finds any state again
// by replaying inputs from an empty one: equal inputs give equal bytes. No clock, no I/O, no randomness.
#pragma once
#include <memory>

#include "common/match/engine_keys.h"
#include "common/match/receipt.h"

namespace manastr::match {

// --- inputs. `at` is the engine's time; a lower one than the last receipt's counts as that. An input that
// has no effects left the chain's future as it was and need not be journaled. ---

/// The first of every match: a verified 31000 and what the engine knows about its mint.
struct Opening {
  UnixMillis at{};
  Event challenge;
  Event announcement;                   ///< the engine's own, as the challenge names it
  cashu::Keyset keyset;                 ///< of the stakes, with its keys
  std::size_t max_inputs = kMaxProofs;  ///< of the mint
  unsigned work = 0;                    ///< NIP-13 bits asked of this author, if more than the announcement's
};
/// A verified event 31001..31005 whose match_of() is this match.
struct PartyInput {
  UnixMillis at{};
  Event event;
  unsigned work = 0;
};
struct TimerFired {
  UnixMillis at{};
};
enum class ProofState : std::uint8_t {
  unspent,
  pending,
  spent,
  reserved
};  ///< reserved: by another match of ours
/// Answers AskStates; the shell asks a silent mint again by itself.
struct MintStates {
  UnixMillis at{};
  unsigned request = 0;
  std::vector<ProofState> states;  ///< in the order asked
};
/// Answers Settle. A mint that gives no answer is asked again by the shell (the operation is idempotent).
struct SettlementDone {
  UnixMillis at{};
  Hash32 operation{};
  std::vector<std::vector<cashu::BlindSignature>> signatures;  ///< by group
};
struct SettlementRefused {
  UnixMillis at{};
  Hash32 operation{};
  int code = 0;
  std::string message;
};
/// Fewer relays than the quorum are connected, or enough again.
struct RelaysLost {
  UnixMillis at{};
};
struct RelaysRegained {
  UnixMillis at{};
};
/// The engine was down from its last heartbeat until now.
struct Restarted {
  UnixMillis at{};
  UnixMillis down_since{};
};
/// A verified kind 5 by the creator that names the challenge, or a verified second 31000 in its slot.
struct Withdrawn {
  UnixMillis at{};
  Event evidence;
};
/// A verified 31006 of this match under the engine's own key, that is not of this chain.
struct ForeignReceipt {
  UnixMillis at{};
  Event event;
};
using Input = std::variant<Opening, PartyInput, TimerFired, MintStates, SettlementDone, SettlementRefused,
                           RelaysLost, RelaysRegained, Restarted, Withdrawn, ForeignReceipt>;
/// For the journal: JSON, one version of the form; decode refuses what encode would not have written.
std::string encode(const Input& input);
Result<Input> decode_input(std::string_view text);

// --- effects ---

/// A signed 31006: journal it with the input, then publish to a quorum.
struct Publish {
  Event event;
  bool in_chain = true;  ///< false: a rejection, which may be lost
};
/// An event already published that somebody seems to lack: offer it to the relays again.
struct Republish {
  Event event;
};
/// The next time at which this match wants TimerFired; replaces the earlier one. nullopt: none.
struct SetTimer {
  std::optional<UnixMillis> at;
};
/// Reserve these Ys for this match (where another holds one, answer `reserved` for it), then NUT-07.
struct AskStates {
  unsigned request = 0;
  std::string mint;
  std::vector<crypto::PublicKey> ys;
};
/// Burn and pay. Atomic mints take it as one /game-engine/settle; others group by group through NUT-03, in
/// order, where a group already done with these outputs counts as done (NUT-09).
struct Settle {
  Hash32 operation{};  ///< idempotency key
  MatchId match{};
  std::string mint;
  bool atomic = true;
  Event announcement;
  Event verdict;
  Event claim;
  std::vector<SignedGroup> groups;
};
/// The engine's rake of a settled group: unblind with EngineKeys::rake(match, issue, group, amount).
struct RakeReceived {
  unsigned issue = 0;
  unsigned group = 0;
  cashu::Unit unit;
  std::vector<cashu::BlindSignature> signatures;
};
/// A key that made others wait or contradicted itself: it may be asked for more work next time.
struct Misconduct {
  PubKey author;
  EventId event{};  ///< the evidence, zeros if there is none
  std::string what;
};
/// A receipt of ours exists that this state lacks (an old backup): the match is frozen, every input is
/// ignored, until the shell takes up the longer chain (inputs_of_chain) in its stead.
struct Behind {
  unsigned sequence = 0;
};
/// The event names a receipt unknown here and is kept until the chain has it. Journal the input: it changed
/// the state.
struct Held {
  EventId event{};
};
/// Nothing more will come of this match; the Ys it reserved may be forgotten.
struct Ended {
  std::string how;
};
using Effect = std::variant<Publish, Republish, SetTimer, AskStates, Settle, RakeReceived, Misconduct, Behind,
                            Held, Ended>;

// --- the machine ---

/// The state of one match; a value: copies are independent.
class Match {
 public:
  Match();
  Match(const Match&);
  Match(Match&&) noexcept;
  Match& operator=(Match);
  ~Match();

  bool opened() const;  ///< the challenge was receipted
  bool ended() const;
  MatchId id() const;
  Phase phase() const;
  const Terms& terms() const;            ///< opened() only
  std::span<const Event> chain() const;  ///< every receipt so far, for HTTP and for republishing
  std::vector<PubKey> parties() const;   ///< creator, then the acceptor of now
  std::optional<UnixMillis> next_timer() const;

  struct State;
  State& state() { return *state_; }
  const State& state() const { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

std::vector<Effect> reduce(Match& match, const Input& input, const EngineKeys& keys);

/// For an engine restored from an old backup: the inputs that made a chain, found from the chain itself.
/// Refuses a chain that doesn't come out of them byte for byte, and one that ended by a withdrawal or a fork,
/// whose cause is not in it (nothing is left to do for such a match). `keyset` must have its keys.
Result<std::vector<Input>> inputs_of_chain(std::span<const Event> chain, const cashu::Keyset& keyset,
                                           const EngineKeys& keys);

}  // namespace manastr::match
