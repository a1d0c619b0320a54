#include "common/game/duel.h"

#include <algorithm>

#include "common/crypto/hash.h"

namespace manastr::game {
namespace {

struct Kind {
  std::string_view name;
  Byte attack, defence, health;
};
constexpr std::array<Kind, 8> kKinds{{{"skeleton", 14, 6, 24},
                                      {"golem", 11, 12, 32},
                                      {"wolf", 18, 5, 22},
                                      {"knight", 15, 10, 26},
                                      {"mage", 20, 4, 20},
                                      {"archer", 17, 6, 22},
                                      {"troll", 13, 8, 34},
                                      {"dragon", 19, 9, 28}}};
struct Modifier {
  std::string_view name;
  Byte attack, defence, health;
};
constexpr std::array<Modifier, 4> kLeagues{
    {{"fire", 10, 0, 0}, {"ice", 0, 0, 20}, {"shadow", 5, 5, 0}, {"nature", 0, 5, 15}}};
constexpr std::array<std::string_view, 4> kAbilities{"none", "boost", "shield", "heal"};
// A stat is the kind's base plus its roll (a byte of the hash modulo these) plus the league's modifier.
constexpr Byte kAttackRoll = 10;
constexpr Byte kDefenceRoll = 8;
constexpr Byte kHealthRoll = 15;
constexpr std::size_t kBytesPerUnit = 8;

Unit unit_of(std::span<const Byte> bytes) {
  Unit unit;
  unit.kind = bytes[0] % kKinds.size();
  unit.ability = static_cast<Ability>(bytes[4] % kAbilities.size());
  unit.league = static_cast<League>(bytes[5] % kLeagues.size());
  const Kind& kind = kKinds[unit.kind];
  const Modifier& league = kLeagues[bytes[5] % kLeagues.size()];
  unit.attack = kind.attack + bytes[1] % kAttackRoll + league.attack;
  unit.defence = kind.defence + bytes[2] % kDefenceRoll + league.defence;
  unit.health = kind.health + bytes[3] % kHealthRoll + league.health;
  return unit;
}

int damage(const Unit& from, const Unit& to) {
  if (to.ability == Ability::shield) return 0;
  const int attack = from.ability == Ability::boost ? 2 * from.attack : from.attack;
  return std::clamp(attack - to.defence, 0, to.health);
}

int health_after(const Unit& unit, int damage_taken) {
  const int left = unit.health - damage_taken;
  if (left == 0 || unit.ability != Ability::heal) return left;
  return std::min(unit.health, left + std::max(1, unit.health / 2));
}

}  // namespace

std::string_view kind_name(std::uint8_t kind) { return kKinds[kind % kKinds.size()].name; }
std::string_view ability_name(Ability ability) { return kAbilities[static_cast<std::size_t>(ability)]; }
std::string_view league_name(League league) { return kLeagues[static_cast<std::size_t>(league)].name; }

Army draw_army(const Hash32& match_seed, const ByteArray<32>& pubkey) {
  const Hash32 draw = crypto::tagged_hash("manastr/v1/duel/army", {match_seed, pubkey});
  Army army;
  for (std::size_t i = 0; i < kUnits; ++i) {
    army[i] = unit_of(std::span(draw).subspan(i * kBytesPerUnit, kBytesPerUnit));
  }
  return army;
}

Round fight(const Army& creator, std::uint8_t creator_unit, const Army& acceptor,
            std::uint8_t acceptor_unit) {
  const Unit& a = creator.at(creator_unit);
  const Unit& b = acceptor.at(acceptor_unit);
  Round round;
  round.fighters[0] = {creator_unit, damage(a, b), 0};
  round.fighters[1] = {acceptor_unit, damage(b, a), 0};
  round.fighters[0].health = health_after(a, round.fighters[1].damage);
  round.fighters[1].health = health_after(b, round.fighters[0].damage);
  // The dead have 0 left and the living more, so more health left covers the sole survivor too.
  if (round.fighters[0].health > round.fighters[1].health) round.winner = Side::creator;
  if (round.fighters[0].health < round.fighters[1].health) round.winner = Side::acceptor;
  return round;
}

bool may_fight(const std::vector<std::uint8_t>& used, std::uint8_t unit) {
  return unit < kUnits && std::find(used.begin(), used.end(), unit) == used.end();
}

std::optional<std::uint8_t> forced_unit(const Moves& moves) {
  unsigned left = (1U << kUnits) - 1;
  for (const std::uint8_t unit : moves) {
    if (unit >= kUnits || (left >> unit & 1U) == 0) return std::nullopt;
    left &= ~(1U << unit);
  }
  for (std::uint8_t unit = 0; unit < kUnits; ++unit) {
    if (left >> unit & 1U) return unit;
  }
  return std::nullopt;
}

Result<Duel> play_duel(const Army& creator, const Moves& creator_moves, const Army& acceptor,
                       const Moves& acceptor_moves) {
  const auto creator_last = forced_unit(creator_moves);
  const auto acceptor_last = forced_unit(acceptor_moves);
  if (!creator_last || !acceptor_last)
    return invalid("each unit 0 to 3 fights once: a move names one twice or none");
  Duel duel;
  for (std::size_t i = 0; i < kRounds; ++i) {
    const bool last = i == kChosenRounds;
    duel.rounds[i] = fight(creator, last ? *creator_last : creator_moves[i], acceptor,
                           last ? *acceptor_last : acceptor_moves[i]);
    for (std::size_t side = 0; side < 2; ++side) duel.damage[side] += duel.rounds[i].fighters[side].damage;
    if (duel.rounds[i].winner) ++duel.rounds_won[index(*duel.rounds[i].winner)];
  }
  const auto lead = [&](const std::array<int, 2>& score) -> std::optional<Side> {
    if (score[0] == score[1]) return std::nullopt;
    return score[0] > score[1] ? Side::creator : Side::acceptor;
  };
  duel.winner = lead(duel.rounds_won);
  if (!duel.winner) duel.winner = lead(duel.damage);
  return duel;
}

Hash32 duel_rulebook_hash() {
  Bytes tables;
  for (const Kind& kind : kKinds) append(tables, ByteArray<3>{kind.attack, kind.defence, kind.health});
  append(tables, ByteArray<3>{kAttackRoll, kDefenceRoll, kHealthRoll});
  for (const Modifier& league : kLeagues)
    append(tables, ByteArray<3>{league.attack, league.defence, league.health});
  return crypto::tagged_hash("manastr/v1/rulebook", {as_bytes("duel/1"), tables});
}

}  // namespace manastr::game
