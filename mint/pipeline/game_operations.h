// The operations of /game-engine/* (docs/mint-api.md), once the caller may use them. On a crypto worker, as
// all operations.
#pragma once
#include "mint/pipeline/game_access.h"

namespace manastr::mint {

/// Spends proofs for a match, whose credit grows by their value less the input fee.
void burn_mana(Parts& parts, const AuthorizedEngine& engine, const std::string& body, Answer answer);
/// Signs outputs against the credit of a match.
void mint_loot(Parts& parts, const AuthorizedEngine& engine, const std::string& body, Answer answer);
/// NUT-07 states, and the match that a proof was burned for.
void spent_status(Parts& parts, const AuthorizedEngine& engine, const std::string& body, Answer answer);

/// All groups of a claimant at once, by the authority of the verdict inside (match-protocol, "Settlement").
void settle(Parts& parts, const std::string& body, Answer answer);
/// The evidence of a settled match; 404 if there is none.
void show_verdicts(Parts& parts, const std::string& match, Answer answer);

}  // namespace manastr::mint
