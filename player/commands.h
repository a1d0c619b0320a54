// What each command does, given an open home. main.cpp reads the command line and calls these.
#pragma once
#include <optional>

#include "player/home.h"
#include "player/report.h"

namespace manastr::player {

// money_commands.cpp
struct MintCommand {
  cashu::Amount amount = 0;
  cashu::Unit unit;
  std::string quote;  ///< go on with this one instead
  bool wait = true;   ///< until it is paid
  Seconds patience{600};
};
Status run_mint(Home& home, const Report& report, const MintCommand& command);
Status run_balance(Home& home, const Report& report);
Status run_melt(Home& home, const Report& report, const std::string& invoice, const cashu::Unit& unit);
/// An invoice of a node that is not there, which any fake node pays: for trying out `melt`.
Status run_invoice(const Report& report, std::uint64_t sats);
Status run_send(Home& home, const Report& report, cashu::Amount amount, const cashu::Unit& unit);
/// Tokens of earlier `send`s that nobody has redeemed, one a unit.
Status run_sent(Home& home, const Report& report);
Status run_receive(Home& home, const Report& report, const std::string& token);
Status run_restore(Home& home, const Report& report);

// match_commands.cpp
struct PlayOptions {
  bool play = true;  ///< stay and play the match to its end
  bool ask = false;  ///< ask for each move instead of drawing one
};
struct ChallengeCommand {
  cashu::Amount stake = 0;
  cashu::Unit unit;  ///< "": the engine's first offer
  std::optional<crypto::XOnlyKey> opponent;
  Seconds open_for{3600};
  PlayOptions play;
};
Status run_challenge(Home& home, const Report& report, const ChallengeCommand& command);
/// `yes`: don't ask whether the cost is all right.
Status run_accept(Home& home, const Report& report, const std::string& match, bool yes,
                  const PlayOptions& play);
Status run_play(Home& home, const Report& report, const std::string& match, const PlayOptions& play);
Status run_resume(Home& home, const Report& report, const PlayOptions& play);

// look_commands.cpp
Status run_challenges(Home& home, const Report& report);
Status run_matches(Home& home, const Report& report);
Status run_watch(Home& home, const Report& report, const std::string& match);
Status run_transcript(Home& home, const Report& report, const std::string& match, const std::string& file);
/// `file`: a JSON array of events. An error if the transcript is not in order.
Status run_verify(const Report& report, const std::string& file);

/// The match id that a whole id, or the beginning of one in the match book, stands for.
Result<match::MatchId> match_id_from(Home& home, const std::string& text);
/// Every event of the engine that names this match, from the relays.
Result<std::vector<match::Event>> fetch_chain(Home& home, const match::MatchId& id);
/// The engine's announcement, the newest that any relay has.
Result<match::Event> fetch_announcement(Home& home);

}  // namespace manastr::player
