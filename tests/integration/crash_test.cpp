// kill -9 at each journal step of player, engine and mint while a duel is played: after a restart the match ends as it would have,
// nothing is paid twice, nothing is lost. The passes are drawn from a seed; MANASTR_SEED repeats a run.
// Rooms: common/match lightning
#include <gtest/gtest.h>

#include <random>

#include "economy.h"

namespace manastr::test {
namespace {

std::mt19937_64 seeded() {
  const char* text = std::getenv("MANASTR_SEED");
  const std::uint64_t seed = text != nullptr ? std::strtoull(text, nullptr, 10) : 20261121;
  std::printf("MANASTR_SEED=%llu\n", static_cast<unsigned long long>(seed));
  return std::mt19937_64(seed);
}

/// Waits for a player; one that died at its failpoint is resumed.
void finish(Economy& economy, const std::string& name, Process& process) {
  const auto code = process.wait(std::chrono::seconds(90));
  ASSERT_TRUE(code.has_value()) << name << " is stuck: " << economy.output(name);
  if (*code == 0) return;
  Process again = economy.start(name, {"resume"});
  ASSERT_EQ(again.wait(std::chrono::seconds(90)), 0) << economy.output(name);
}

struct Step {
  const char* name;
  int passes;  ///< how often a duel passes it, at least
};

class PlayerKilled : public testing::TestWithParam<Step> {};

TEST_P(PlayerKilled, ResumesAndLosesNothing) {
  auto random = seeded();
  Economy economy;
  economy.add_player("alice", 400);
  economy.add_player("bob", 400);
  for (const std::string victim : {"alice", "bob"}) {
    const int pass = std::uniform_int_distribution(1, GetParam().passes)(random);
    const std::map<std::string, std::string> killed{
        {"MANASTR_FAILPOINT", std::string(GetParam().name) + ":" + std::to_string(pass)}};
    SCOPED_TRACE(victim + " killed at " + killed.at("MANASTR_FAILPOINT"));
    const std::string match = economy.challenge("alice", 100);
    Process alice = economy.start("alice", {"play", match}, victim == "alice" ? killed : decltype(killed){});
    Process bob = economy.start("bob", {"accept", match, "--yes"}, victim == "bob" ? killed : decltype(killed){});
    Process& first = victim == "alice" ? alice : bob;
    finish(economy, victim, first);
    finish(economy, "alice", alice);
    finish(economy, "bob", bob);
    EXPECT_EQ(economy.fault_of("alice", match), "");
    EXPECT_EQ(economy.unbalanced(), "");
  }
}

INSTANTIATE_TEST_SUITE_P(Steps, PlayerKilled,
                         testing::Values(Step{"player.before-write", 6}, Step{"player.after-write", 6},
                                         Step{"player.after-publish", 6}, Step{"wallet.before-journal", 1},
                                         Step{"wallet.after-journal", 1}, Step{"wallet.before-swap", 1},
                                         Step{"wallet.after-swap", 1}, Step{"wallet.before-finish", 1},
                                         Step{"wallet.after-finish", 1}),
                         [](const auto& tested) {
                           std::string name = tested.param.name;
                           for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
                           return name;
                         });

class DaemonKilled : public testing::TestWithParam<Step> {};

TEST_P(DaemonKilled, RestartsAndTheMatchGoesOn) {
  auto random = seeded();
  const std::string name = GetParam().name;
  const bool engine = name.starts_with("engine.");
  Economy economy;
  economy.add_player("alice", 400);
  economy.add_player("bob", 400);
  for (int round = 0; round < 2; ++round) {
    const std::string failpoint =
        name + ":" + std::to_string(std::uniform_int_distribution(1, GetParam().passes)(random));
    SCOPED_TRACE(failpoint);
    engine ? economy.restart_engine({{"MANASTR_FAILPOINT", failpoint}})
           : economy.restart_mint({{"MANASTR_FAILPOINT", failpoint}});
    Process alice = economy.start("alice", {"challenge", "--stake", "100"});
    std::string match;
    const std::size_t before = economy.output("alice").size();
    ASSERT_TRUE(eventually([&] {
      match = json_field(economy.output("alice").substr(std::min(before, economy.output("alice").size())), "match");
      Daemon& victim = engine ? economy.engine() : economy.mint();
      if (!victim.process().running()) engine ? economy.restart_engine() : economy.restart_mint();
      return !match.empty();
    }));
    Process bob = [&] {
      // The engine receipts the challenge first; `accept` says 3 (try again) until then.
      for (;;) {
        Process attempt = economy.start("bob", {"accept", match, "--yes"});
        if (!eventually([&] { return !attempt.running() || economy.output("bob").find(match) != std::string::npos; })) {
          return attempt;
        }
        Daemon& victim = engine ? economy.engine() : economy.mint();
        if (!victim.process().running()) engine ? economy.restart_engine() : economy.restart_mint();
        if (attempt.running()) return attempt;
        if (attempt.wait() != 3 && attempt.wait() != 1) return attempt;
      }
    }();
    EXPECT_TRUE(eventually(
        [&] {
          Daemon& victim = engine ? economy.engine() : economy.mint();
          if (!victim.process().running()) engine ? economy.restart_engine() : economy.restart_mint();
          return !alice.running() && !bob.running();
        },
        std::chrono::seconds(120)))
        << economy.output("alice") << economy.engine().log();
    finish(economy, "alice", alice);
    finish(economy, "bob", bob);
    engine ? economy.restart_engine() : economy.restart_mint();
    EXPECT_EQ(economy.fault_of("alice", match), "");
    EXPECT_EQ(economy.unbalanced(), "");
  }
}

INSTANTIATE_TEST_SUITE_P(Steps, DaemonKilled,
                         testing::Values(Step{"engine.before-commit", 20}, Step{"engine.after-commit", 20},
                                         Step{"engine.after-effects", 20}, Step{"engine.before-settle-call", 1},
                                         Step{"engine.after-settle-call", 1}, Step{"mint.before-commit", 3},
                                         Step{"mint.after-commit", 3}),
                         [](const auto& tested) {
                           std::string name = tested.param.name;
                           for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
                           return name;
                         });

}  // namespace
}  // namespace manastr::test
