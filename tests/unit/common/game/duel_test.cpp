// The duel's rules: properties of every fight and of every match. Exact results are in
// tests/vectors/duel.json.
#include "common/game/duel.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "common/crypto/hash.h"

namespace manastr::game {
namespace {

Army army_of(std::string_view name) {
  return draw_army(crypto::sha256(as_bytes(name)), crypto::sha256(as_bytes("key")));
}

Unit unit(int attack, int defence, int health, Ability ability = Ability::none) {
  return {0, League::fire, ability, attack, defence, health};
}

Round fight_of(const Unit& a, const Unit& b) { return fight({a, a, a, a}, 0, {b, b, b, b}, 0); }

TEST(Duel, DamageIsAttackLessDefence) {
  const Round round = fight_of(unit(20, 5, 30), unit(12, 8, 25));
  EXPECT_EQ(round.fighters[0].damage, 12);
  EXPECT_EQ(round.fighters[1].damage, 7);
  EXPECT_EQ(round.fighters[0].health, 23);
  EXPECT_EQ(round.fighters[1].health, 13);
  EXPECT_EQ(round.winner, Side::creator);
}

TEST(Duel, Abilities) {
  EXPECT_EQ(fight_of(unit(20, 5, 30, Ability::boost), unit(1, 8, 25)).fighters[0].damage, 25)
      << "no more than there is";
  EXPECT_EQ(fight_of(unit(20, 5, 30, Ability::boost), unit(1, 8, 60)).fighters[0].damage, 32);
  EXPECT_EQ(fight_of(unit(99, 5, 30), unit(1, 8, 25, Ability::shield)).fighters[0].damage, 0);
  EXPECT_EQ(fight_of(unit(20, 0, 30), unit(15, 5, 40, Ability::heal)).fighters[1].health, 40)
      << "25 and 20, at most 40";
  EXPECT_EQ(fight_of(unit(35, 0, 30), unit(15, 5, 40, Ability::heal)).fighters[1].health, 30);
  EXPECT_EQ(fight_of(unit(90, 0, 30), unit(15, 5, 40, Ability::heal)).fighters[1].health, 0)
      << "the dead don't heal";
  EXPECT_EQ(fight_of(unit(1, 9, 30), unit(1, 9, 30)).winner, std::nullopt);
  EXPECT_EQ(fight_of(unit(90, 0, 30), unit(90, 0, 40)).winner, std::nullopt) << "both fall";
}

TEST(Duel, MovesThatNameAUnitTwiceOrNone) {
  const Army army = army_of("a");
  EXPECT_FALSE(play_duel(army, {0, 0, 1}, army, {0, 1, 2}));
  EXPECT_FALSE(play_duel(army, {0, 1, 2}, army, {0, 1, 4}));
  EXPECT_EQ(forced_unit({3, 0, 2}), 1);
  EXPECT_TRUE(may_fight({0, 2}, 1));
  EXPECT_FALSE(may_fight({0, 2}, 2));
  EXPECT_FALSE(may_fight({}, 4));
}

TEST(Duel, TheSameArmiesAndMovesDraw) {
  const Army army = army_of("a");
  EXPECT_EQ(play_duel(army, {0, 1, 2}, army, {0, 1, 2})->winner, std::nullopt);
}

RC_GTEST_PROP(AnyDuel, SidesAreEqualBeforeTheRules, (const std::string& a, const std::string& b)) {
  const Army first = army_of(a);
  const Army second = army_of(b);
  const Moves x{0, 1, 2};
  const Moves y{3, 1, 0};
  const Duel one = *play_duel(first, x, second, y);
  const Duel two = *play_duel(second, y, first, x);
  RC_ASSERT(one.winner.has_value() == two.winner.has_value());
  if (one.winner) RC_ASSERT(*one.winner == other(*two.winner));
  RC_ASSERT(one.damage[0] == two.damage[1]);
}

RC_GTEST_PROP(AnyArmy, StaysWithinItsTables, (const std::string& name)) {
  for (const Unit& each : army_of(name)) {
    RC_ASSERT(each.kind < 8);
    RC_ASSERT(each.attack >= 11 && each.attack <= 20 + 9 + 10);
    RC_ASSERT(each.defence >= 4 && each.defence <= 12 + 7 + 5);
    RC_ASSERT(each.health >= 20 && each.health <= 34 + 14 + 20);
  }
}

RC_GTEST_PROP(AnyFight, TakesNoMoreThanThereIs, (const std::string& a, const std::string& b)) {
  const Army first = army_of(a);
  const Army second = army_of(b);
  const Round round = fight(first, 0, second, 0);
  for (const Fighter& fighter : round.fighters) RC_ASSERT(fighter.damage >= 0 && fighter.health >= 0);
  RC_ASSERT(round.fighters[0].damage <= second[0].health);
  RC_ASSERT(round.fighters[0].health <= first[0].health);
}

}  // namespace
}  // namespace manastr::game
