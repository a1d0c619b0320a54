// A client's line to the mint: requests and replies get lost on it. The mint itself acts at one moment, all
// or nothing, as a durable ledger does.
#pragma once
#include "tests/simulation/seeded_random.h"
#include "tests/simulation/timeline.h"
#include "tests/support/simulated_game_mint.h"

namespace manastr::simulation {

/// Thrown where a process dies by kill -9: whoever runs it catches this and destroys what was in its memory.
struct Killed {};

struct LineFaults {
  unsigned lost_requests = 0;  ///< percent
  unsigned lost_replies = 0;   ///< percent
};

/// Answers before send() returns, as a blocking client needs it. `on_edge` is called before and after the
/// mint acts and may throw Killed.
class DirectLine final : public mintclient::Transport {
 public:
  DirectLine(const Timeline& timeline, std::shared_ptr<test::SimulatedGameMint> mint, SeededRandom random,
             std::function<void()> on_edge)
      : timeline_(timeline), mint_(std::move(mint)), random_(random), on_edge_(std::move(on_edge)) {}

  void set(LineFaults faults) { faults_ = faults; }
  void send(mintclient::HttpRequest request, mintclient::OnReply on_reply) override {
    on_edge_();
    if (random_.chance(faults_.lost_requests)) return on_reply(unavailable("the request got lost"));
    mint_->now = timeline_.now_seconds();
    std::optional<Result<mintclient::HttpReply>> reply;
    mint_->send(std::move(request), [&](Result<mintclient::HttpReply> answer) { reply = std::move(answer); });
    on_edge_();
    if (random_.chance(faults_.lost_replies)) return on_reply(unavailable("the reply got lost"));
    on_reply(*std::move(reply));
  }

 private:
  const Timeline& timeline_;
  const std::shared_ptr<test::SimulatedGameMint> mint_;
  LineFaults faults_;
  SeededRandom random_;
  const std::function<void()> on_edge_;
};

/// Takes its time, for clients that don't wait.
class SlowLine final : public mintclient::Transport {
 public:
  SlowLine(Timeline& timeline, std::shared_ptr<test::SimulatedGameMint> mint, LineFaults faults,
           SeededRandom random)
      : timeline_(timeline), mint_(std::move(mint)), faults_(faults), random_(random) {}

  void calm() { faults_ = {}; }
  void send(mintclient::HttpRequest request, mintclient::OnReply on_reply) override {
    const bool loses_request = random_.chance(faults_.lost_requests);
    const bool loses_reply = random_.chance(faults_.lost_replies);
    const Millis there = random_.between(Millis{1}, Millis{300});
    const Millis back = random_.between(Millis{1}, Millis{300});
    timeline_.after(there, [request = std::move(request), on_reply = std::move(on_reply), loses_request,
                            loses_reply, back, mint = mint_, &timeline = timeline_] {
      Result<mintclient::HttpReply> reply = unavailable("the line is dead");
      if (!loses_request) {
        mint->now = timeline.now_seconds();
        mint->send(request, [&](Result<mintclient::HttpReply> answer) { reply = std::move(answer); });
      }
      if (loses_reply) reply = unavailable("the line is dead");
      timeline.after(back, [reply = std::move(reply), on_reply] { on_reply(reply); });
    });
  }

 private:
  Timeline& timeline_;
  const std::shared_ptr<test::SimulatedGameMint> mint_;
  LineFaults faults_;
  SeededRandom random_;
};

}  // namespace manastr::simulation
