// One match from the side of one player: reads the engine's chain, says what is due, guards the stake, takes
// the prize. Driven by table.h (which owns the relays); blocks only for the mint. Promises: nothing is
// published that is not in the match book first; no stake is locked, no seed opened, no claim signed before
// what it relies on was verified here; a chain that breaks a rule stops it, and the stake comes home by the
// locktime.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/json/value.h"
#include "common/match/transcript.h"
#include "player/match_book.h"
#include "player/wallet.h"

namespace manastr::player {

/// Chooses the unit for a round; called until it answers, the answer is written down before it is used.
class MoveChooser {
 public:
  virtual ~MoveChooser() = default;
  /// `free` are the indices of one's units that have not fought; the answer is one of them, or nullopt: not
  /// decided yet, ask again. Never waits, for the clocks of other matches run too.
  virtual std::optional<std::uint8_t> choose(const match::MatchId& match, const match::Transcript::View& view,
                                             std::size_t me, unsigned round,
                                             const std::vector<std::uint8_t>& free) = 0;
};

/// What happened, for a person (`text`) and for a program (`what` and `detail`).
struct Happening {
  match::MatchId match{};
  std::string what;
  std::string text;
  json::Value detail;
};

struct DuelistTools {
  const crypto::SecretKey& nostr_key;
  const crypto::Secret<64>& wallet_seed;
  Wallet& wallet;
  mintclient::MintClient& mint;
  MatchBook& book;
  MoveChooser& moves;
  const Clock& clock;
  Random& random;
  std::function<Status(const match::Event&)> publish;  ///< to the relays of the match; returns at once
  std::function<void(const Happening&)> tell;
};

class Duelist {
 public:
  /// Takes up the match where the book left it: nothing is sent yet.
  static Result<std::unique_ptr<Duelist>> resume(const MatchRecord& record, const DuelistTools& tools);
  ~Duelist();

  const match::MatchId& match() const;
  const match::Transcript::View& view() const;

  /// A verified 31006 by the engine that names this match, in any order, repeated or not.
  Status receive(const match::Event& event);
  /// Says and does what is due now. `unavailable` errors of the mint are kept for the next call. Call it
  /// after receive() and at least once a second.
  Status act();
  /// Everything that this player can do here is done.
  bool finished() const;
  /// An error of the chain that made the client stop, or "".
  const std::string& fault() const;

 private:
  struct State;
  explicit Duelist(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace manastr::player
