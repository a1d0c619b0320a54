// kill -9 at the journal steps of player, engine and mint while a duel is played, again and again: after the
// restarts the match ends as it would have, nothing is paid twice, nothing is lost. The passes are drawn from
// a seed; MANASTR_SEED repeats a run.
// Rooms: player common/match lightning
#include <gtest/gtest.h>
#include <signal.h>

#include <random>

#include "common/match/receipt.h"
#include "economy.h"
#include "player/match_book.h"

namespace manastr::test {
namespace {

constexpr std::chrono::seconds kPatience(90);  // for a whole duel with its restarts, on a crowded machine
constexpr int kUnavailable = 3;                // the player's "try again"

struct Step {
  const char* name;
  int passes;  ///< the pass to die at first is drawn from 1 to this; a duel has as many at least
  int later;   ///< the same after a restart, when it may be that no such pass comes
  int kills;   ///< of one process, at most
};

std::string name_of(const testing::TestParamInfo<Step>& info) {
  std::string name = info.param.name;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
}

class Crash : public testing::TestWithParam<Step> {
 protected:
  Crash() {
    const char* text = std::getenv("MANASTR_SEED");
    const std::string seed = text != nullptr ? text : "20261121";
    std::printf("MANASTR_SEED=%s\n", seed.c_str());
    const std::string mixed = seed + GetParam().name;  // each step draws its own
    std::seed_seq sequence(mixed.begin(), mixed.end());
    random_.seed(sequence);
    economy_.add_player("alice", 200);
    economy_.add_player("bob", 200);
  }

  /// The environment in which a process dies at a drawn pass of the step; none once it has died often enough.
  std::map<std::string, std::string> doomed(int deaths) {
    if (deaths >= GetParam().kills) return {};
    const int pass =
        std::uniform_int_distribution(1, deaths == 0 ? GetParam().passes : GetParam().later)(random_);
    const std::string failpoint = std::string(GetParam().name) + ":" + std::to_string(pass);
    std::printf("  to die at %s\n", failpoint.c_str());
    return {{"MANASTR_FAILPOINT", failpoint}};
  }

  /// Whatever of a player's the engine has receipted is in that player's book, as it was said.
  void expect_all_said_is_written(const std::string& name, const std::string& match) {
    const auto book = player::MatchBook::open(economy_.folder() + "/" + name + "/matches.sqlite").value();
    const std::string me = json_field(economy_.run(name, {"pubkey"}), "pubkey");
    int receipted = 0;
    const auto chain = book->receipts(*array_from_hex<32>(match)).value();
    for (const nostr::Event& each : chain) {
      const auto receipt = match::parse_receipt(each).value();
      std::visit(
          [&](const auto& body) {
            if constexpr (requires { body.event; }) {
              const nostr::Event& event = body.event;
              if (event.pubkey.hex() != me || event.kind == match::kChallenge) return;
              ++receipted;
              const auto written = book->said(*match::match_of(event), event.kind, event.d()).value();
              EXPECT_TRUE(written == event) << name << " said what it had not written down: " << event.d();
            }
          },
          receipt.body);
    }
    EXPECT_GE(receipted, 8) << "stake, seed, and three moves with their reveals";
  }

  void expect_a_good_end(const std::string& match) {
    EXPECT_EQ(economy_.fault_of("alice", match), "") << economy_.engine().log();
    EXPECT_EQ(economy_.unbalanced(), "");
  }

  std::mt19937_64 random_;
  Economy economy_;
};

class PlayerKilled : public Crash {};

TEST_P(PlayerKilled, ResumesAndLosesNothing) {
  struct Player {
    std::string name;
    std::vector<std::string> command;
    std::optional<Process> process;
    int kills = 0;
    bool done = false;
  };
  const std::string match = economy_.challenge("alice", 100);
  std::array<Player, 2> players{Player{"alice", {"play", match}, {}},
                                Player{"bob", {"accept", match, "--yes"}, {}}};
  for (Player& each : players) each.process.emplace(economy_.start(each.name, each.command, doomed(0)));
  const bool ended = eventually(
      [&] {
        for (Player& each : players) {
          if (each.done || each.process->running()) continue;
          const int code = *each.process->wait();
          if (code == 0) {
            each.done = true;
            continue;
          }
          if (code == 128 + SIGKILL) {
            ++each.kills;
            each.command = {"resume"};
          } else {
            EXPECT_EQ(code, kUnavailable) << each.name << ": " << economy_.output(each.name);
          }
          each.process.emplace(economy_.start(each.name, each.command, doomed(each.kills)));
        }
        return (players[0].done && players[1].done) || HasFailure();
      },
      kPatience);
  ASSERT_TRUE(ended) << economy_.output("alice") << economy_.output("bob") << economy_.engine().log();
  EXPECT_GE(players[0].kills + players[1].kills, 1);
  expect_a_good_end(match);
  for (const Player& each : players) expect_all_said_is_written(each.name, match);
}

INSTANTIATE_TEST_SUITE_P(
    Steps, PlayerKilled,
    testing::Values(Step{"player.before-write", 6, 6, 3}, Step{"player.after-write", 6, 6, 3},
                    Step{"player.after-publish", 6, 6, 3}, Step{"wallet.before-journal", 1, 2, 3},
                    Step{"wallet.after-journal", 1, 2, 3}, Step{"wallet.before-swap", 1, 1, 3},
                    Step{"wallet.after-swap", 1, 1, 3}, Step{"wallet.before-finish", 1, 2, 3},
                    Step{"wallet.after-finish", 1, 2, 3}),
    name_of);

class DaemonKilled : public Crash {
 protected:
  DaemonKilled() : engine_(std::string_view(GetParam().name).starts_with("engine.")) { restart(); }

  Daemon& victim() { return engine_ ? economy_.engine() : economy_.mint(); }

  void restart() {
    for (const auto& with : {doomed(deaths_), {}}) {
      try {
        engine_ ? economy_.restart_engine(with) : economy_.restart_mint(with);
        return;
      } catch (const std::runtime_error&) {
        if (with.empty()) throw;
        ++deaths_;  // before it served
      }
    }
  }

  /// `condition` comes true, while a victim that died is started again.
  bool survives(const std::function<bool()>& condition) {
    return eventually(
        [&] {
          if (!victim().process().running()) {
            ++deaths_;
            restart();
          }
          return condition();
        },
        kPatience);
  }

  /// Runs the command until it ends well; what it says "try again" to is tried again.
  void insist(const std::string& name, Process& process, const std::vector<std::string>& command) {
    const bool done = survives([&] {
      if (process.running()) return false;
      const int code = *process.wait();
      if (code == 0) return true;
      EXPECT_EQ(code, kUnavailable) << name << ": " << economy_.output(name) << victim().log();
      if (HasFailure()) return true;
      process = economy_.start(name, command);
      return false;
    });
    EXPECT_TRUE(done) << name << " is stuck: " << economy_.output(name) << victim().log();
  }

  const bool engine_;
  int deaths_ = 0;
};

TEST_P(DaemonKilled, RestartsAndTheMatchGoesOn) {
  Process alice = economy_.start("alice", {"challenge", "--stake", "100", "--no-play"});
  insist("alice", alice, {"challenge", "--stake", "100", "--no-play"});
  const std::string match = json_field(economy_.output("alice"), "match");
  ASSERT_FALSE(HasFailure());
  alice = economy_.start("alice", {"play", match});
  Process bob = economy_.start("bob", {"accept", match, "--yes"});
  insist("bob", bob, {"accept", match, "--yes"});
  insist("alice", alice, {"play", match});
  ASSERT_FALSE(HasFailure());
  EXPECT_GE(deaths_, 1);
  deaths_ = GetParam().kills;
  restart();
  expect_a_good_end(match);
}

INSTANTIATE_TEST_SUITE_P(
    Steps, DaemonKilled,
    testing::Values(Step{"engine.before-commit", 15, 8, 4}, Step{"engine.after-commit", 15, 8, 4},
                    Step{"engine.after-effects", 15, 8, 4}, Step{"engine.before-settle-call", 1, 1, 2},
                    Step{"engine.after-settle-call", 1, 1, 2}, Step{"mint.before-commit", 3, 2, 3},
                    Step{"mint.after-commit", 3, 2, 3}),
    name_of);

}  // namespace
}  // namespace manastr::test
