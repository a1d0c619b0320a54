// The duel rulebook: two armies of four units drawn from the match seed fight four simultaneous rounds. Pure,
// integers only; the engine, the player client, the referee and a browser build share it. Rules and tables:
// docs/protocol.md section "Duel"; vectors: tests/vectors/duel.json.
#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/error.h"

namespace manastr::game {

inline constexpr std::string_view kDuelName = "duel";
inline constexpr int kDuelVersion = 1;
inline constexpr std::size_t kUnits = 4;                   ///< units in an army
inline constexpr std::size_t kRounds = 4;                  ///< each unit fights in exactly one round
inline constexpr std::size_t kChosenRounds = kRounds - 1;  ///< the last round is forced

enum class Ability : std::uint8_t { none, boost, shield, heal };
enum class League : std::uint8_t { fire, ice, shadow, nature };

struct Unit {
  std::uint8_t kind = 0;  ///< 0..7, see kind_name
  League league = League::fire;
  Ability ability = Ability::none;
  int attack = 0;  ///< as it fights: kind, roll and league together
  int defence = 0;
  int health = 0;
  bool operator==(const Unit&) const = default;
};
using Army = std::array<Unit, kUnits>;

std::string_view kind_name(std::uint8_t kind);
std::string_view ability_name(Ability ability);
std::string_view league_name(League league);

/// The army of a player: eight bytes a unit of the tagged hash "manastr/v1/duel/army" over match seed ‖
/// public key.
Army draw_army(const Hash32& match_seed, const ByteArray<32>& pubkey);

enum class Side : std::uint8_t { creator, acceptor };
inline std::size_t index(Side side) { return static_cast<std::size_t>(side); }
inline Side other(Side side) { return side == Side::creator ? Side::acceptor : Side::creator; }

/// One fighter's share of a round.
struct Fighter {
  std::uint8_t unit = 0;  ///< index in the army
  int damage = 0;         ///< health taken from the opponent
  int health = 0;         ///< left at the end of the round, healing included
  bool operator==(const Fighter&) const = default;
};
struct Round {
  std::array<Fighter, 2> fighters;  ///< by Side
  std::optional<Side> winner;
  bool operator==(const Round&) const = default;
};
/// Both strike at once: boost doubles the attack, damage is attack less defence, at most the target's health,
/// none at all against a shield; who is left alive with heal regains half its full health. The sole survivor
/// wins, else who has more health left, else nobody.
Round fight(const Army& creator, std::uint8_t creator_unit, const Army& acceptor, std::uint8_t acceptor_unit);

/// The units chosen for rounds 1 to 3 by one player.
using Moves = std::array<std::uint8_t, kChosenRounds>;
/// The unit that is left for round 4; nullopt if the moves name a unit twice or one that isn't there.
std::optional<std::uint8_t> forced_unit(const Moves& moves);
/// True if `unit` may fight next after `used`.
bool may_fight(const std::vector<std::uint8_t>& used, std::uint8_t unit);

struct Duel {
  std::array<Round, kRounds> rounds;
  std::array<int, 2> rounds_won{};
  std::array<int, 2> damage{};
  std::optional<Side> winner;  ///< most rounds, then most damage; nullopt is a draw
};
/// Refuses moves that name a unit twice or one that isn't there.
Result<Duel> play_duel(const Army& creator, const Moves& creator_moves, const Army& acceptor,
                       const Moves& acceptor_moves);

/// Hash of this rulebook's name, version and tables: stands in each match's first receipt.
Hash32 duel_rulebook_hash();

}  // namespace manastr::game
