// Rooms: player
// What an operator does to a running engine: other terms and limits by its configuration, and taking the rake
// out.
#include <filesystem>
#include <fstream>

#include "common/cashu/token.h"
#include "common/match/referee.h"
#include "lightning/fake_node.h"
#include "tests/integration/duel_table.h"

namespace manastr::test {
namespace {

constexpr cashu::Amount kStake = 100;

std::string configuration_file(const Economy& set) { return set.folder() + "/engine/game-engine.toml"; }

void replace_configuration(const Economy& set, const std::string& text) {
  const std::string file = configuration_file(set);
  std::ofstream(file + ".new", std::ios::trunc) << text;
  std::filesystem::rename(file + ".new", file);
}

std::string with(std::string text, const std::string& before, const std::string& after) {
  const auto at = text.find(before);
  if (at == std::string::npos) throw std::runtime_error("the configuration has no " + before);
  return text.replace(at, before.size(), after);
}

/// The prize to the winner; both stakes home after a draw.
void expect_paid(const DuelTable& table, cashu::Amount prize) {
  cashu::Amount mana = 0;
  cashu::Amount loot = 0;
  for (const Side& side : table.sides) {
    mana += side.has("mana");
    loot += side.has("loot");
  }
  if (loot == 0) {
    EXPECT_EQ(mana, 2 * kStake);
  } else {
    EXPECT_EQ(std::pair(loot, mana), std::pair(prize, cashu::Amount{0}));
  }
}

/// The acceptor wins, for the creator never makes a move.
void forfeit_by_creator(DuelTable& table) {
  table.creator().say = [](const nostr::Event& event) -> std::optional<nostr::Event> {
    if (event.kind == match::kCommitment) return std::nullopt;
    return event;
  };
  table.sit_down();
}

TEST(EngineOperator, ANewAnnouncementIsMadeOfAChangedConfigurationAndMatchesOfTheOldOneEndAsPromised) {
  Economy set({.announcement = DuelTable::allowance()});
  DuelTable before(set, DuelTable::quick(), kStake);
  ASSERT_EQ(before.announcement().offers.front().rake_ppm, 50'000U);
  before.sit_down();
  ASSERT_TRUE(before.play_until([&] { return before.view().parties.size() == 2; }));

  const std::string text = read_file(configuration_file(set));
  replace_configuration(set, with(text, "rake_ppm = 50000", "rake_ppm = 20000"));
  // A table reads the newest announcement when it is made.
  std::optional<DuelTable> after;
  ASSERT_TRUE(before.play_until([&] {
    after.emplace(set, DuelTable::quick(), kStake);
    return after->announcement().offers.front().rake_ppm == 20'000;
  })) << set.engine().log();

  ASSERT_TRUE(before.play_until_finished()) << set.engine().log();
  expect_paid(before, 2 * kStake - 5);
  after->sit_down();
  ASSERT_TRUE(after->play_until_finished()) << set.engine().log();
  expect_paid(*after, 2 * kStake - 2);
}

TEST(EngineOperator, AChangedLimitHoldsFromThenOnAndABrokenConfigurationChangesNothing) {
  Economy set({.announcement = DuelTable::allowance()});
  const std::string text = read_file(configuration_file(set));
  const auto rejected_as_dear = [&] {
    DuelTable table(set, DuelTable::hasty(), kStake);
    table.sit_down();
    EXPECT_TRUE(
        table.play_until([&] { return !table.view().receipts.empty() || !table.rejections().empty(); }));
    return !table.rejections().empty();
  };
  ASSERT_FALSE(rejected_as_dear());

  replace_configuration(set, text + "\nmax_stake = \"plenty\"\n");
  ASSERT_TRUE(eventually([&] { return set.engine().log().find("the old one stays") != std::string::npos; }));
  EXPECT_FALSE(rejected_as_dear());

  replace_configuration(set, text + "\nmax_stake = 50\n");
  EXPECT_TRUE(eventually([&] { return rejected_as_dear(); })) << set.engine().log();
}

TEST(EngineOperator, RakeIsATokenThatTheMintTakes) {
  Economy set({.announcement = DuelTable::allowance()});
  DuelTable table(set, DuelTable::hasty(), kStake);
  forfeit_by_creator(table);
  ASSERT_TRUE(table.play_until([&] { return table.acceptor().has("loot") == 195; })) << set.engine().log();

  unsigned runs = 0;
  const auto rake = [&] {
    const std::string output = set.folder() + "/rake" + std::to_string(++runs);
    Process process(
        "manastr-engine",
        {{"rake", "--config", configuration_file(set), "--data", set.folder() + "/engine"}, {}, output});
    EXPECT_EQ(process.wait(), 0) << read_file(output);
    return read_file(output);
  };
  const std::string text = rake();
  ASSERT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
  const auto token = cashu::parse_token(text.substr(0, text.size() - 1),
                                        {table.creator().wallet->active_keyset("loot").value().id});
  ASSERT_TRUE(token) << token.error().message;
  EXPECT_EQ(token->unit, "loot");
  EXPECT_EQ(cashu::sum_amounts(token->proofs), cashu::Amount{5});

  set.add_player("operator", 0);
  set.run("operator", {"receive", text.substr(0, text.size() - 1)});
  EXPECT_EQ(rake(), "") << "what is redeemed is not printed again";
  // Worth a sat, and whole: nothing of the 200 mana that came in is missing.
  const std::string invoice = json_field(set.run("operator", {"invoice", "1"}), "invoice");
  set.run("operator", {"melt", invoice, "--unit", "loot"});
  const auto book = lightning::read_fake_book(set.folder() + "/mint/fake-node.sqlite");
  ASSERT_TRUE(book);
  EXPECT_EQ(book->sent, 5U * 200U);
  EXPECT_EQ(book->received - book->sent, 195U * 200U) << "what the winner holds";
}

}  // namespace
}  // namespace manastr::test
