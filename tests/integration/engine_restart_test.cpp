// Rooms: player
// The engine stopped, killed and restored from old backups in the midst of matches: its chain goes on where
// the world saw it.
#include <csignal>
#include <filesystem>

#include "common/match/referee.h"
#include "tests/integration/duel_table.h"

namespace manastr::test {
namespace {

using match::Phase;

constexpr cashu::Amount kStake = 100;

struct EngineRestartTest : testing::Test {
  Economy set{Economy::Options{.announcement = DuelTable::allowance()}};
  DuelTable table{set};

  std::string data() const { return set.folder() + "/engine"; }
  std::string backup() const { return set.folder() + "/backup"; }

  void stop_engine() {
    set.engine().process().signal(SIGTERM);
    ASSERT_EQ(set.engine().process().wait(std::chrono::seconds(6)), 0) << set.engine().log();
  }
  void take_backup() {
    stop_engine();
    std::filesystem::copy(data(), backup(), std::filesystem::copy_options::recursive);
    restart();
  }
  void restart() {
    set.restart_engine();
    ASSERT_TRUE(eventually([&] { return http_get(set.engine_url() + "/health").has_value(); }))
        << set.engine().log();
  }
  void restore_backup() {
    set.engine().process().kill();
    std::filesystem::remove_all(data());
    std::filesystem::copy(backup(), data(), std::filesystem::copy_options::recursive);
    restart();
  }
  bool play_to(Phase phase, unsigned round) {
    return table.play_until(
        [&] { return table.view().head.phase == phase && table.view().head.round == round; });
  }
  void finish_in_order() {
    ASSERT_TRUE(table.play_until_finished()) << set.engine().log();
    auto events = table.transcript();
    for (const nostr::Event& each : table.seen()) {
      if (!match::parse_rejection(each)) events.push_back(each);
    }
    const auto judgement = match::judge(events);
    EXPECT_TRUE(judgement.in_order()) << judgement.faults.front();
    EXPECT_TRUE(judgement.settled);
    cashu::Amount loot = 0;
    cashu::Amount mana = 0;
    for (const Side& side : table.sides) {
      loot += side.has("loot");
      mana += side.has("mana");
    }
    EXPECT_TRUE(loot == 195 || mana == 2 * kStake) << loot << " loot, " << mana << " mana";
  }
};

TEST_F(EngineRestartTest, StopsWithinFiveSecondsAndTheMatchGoesOn) {
  table.sit_down();
  ASSERT_TRUE(play_to(Phase::commit, 2));
  stop_engine();
  restart();
  finish_in_order();
  bool stopped = false;
  for (const nostr::Event& each : table.transcript()) {
    stopped |= std::holds_alternative<match::StoppedReceipt>(match::parse_receipt(each).value().body);
  }
  EXPECT_TRUE(stopped) << "the clocks stood while the engine was down";
}

TEST_F(EngineRestartTest, ABackupFromTheMidstOfTheMatchDoesNotContradictTheChain) {
  table.sit_down();
  ASSERT_TRUE(play_to(Phase::commit, 1));
  take_backup();
  ASSERT_TRUE(play_to(Phase::commit, 3));
  restore_backup();
  EXPECT_NE(set.engine().log().find("Adopted a chain"), std::string::npos) << set.engine().log();
  finish_in_order();
}

TEST_F(EngineRestartTest, ABackupFromBeforeTheMatchDoesNotContradictTheChain) {
  take_backup();
  table.sit_down();
  ASSERT_TRUE(play_to(Phase::reveal, 2));
  restore_backup();
  EXPECT_NE(set.engine().log().find("Adopted a chain"), std::string::npos) << set.engine().log();
  finish_in_order();
}

TEST_F(EngineRestartTest, ABackupFromBeforeTheEndPaysNothingTwice) {
  table.sit_down();
  ASSERT_TRUE(play_to(Phase::commit, 2));
  take_backup();
  ASSERT_TRUE(table.play_until_finished());
  const auto chain = table.transcript();
  restore_backup();
  EXPECT_EQ(table.transcript(), chain);
  finish_in_order();
}

}  // namespace
}  // namespace manastr::test
