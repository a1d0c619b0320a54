// The engine as a process that can be killed at any step: the pure parts of engine/match (step, replay,
// adoption) with a journal in memory that holds bytes, on a SimulatedCourier and a SlowLine. What the daemon
// does with threads and queues is done here one thing after another, in the same order: input and receipts
// are journaled, then published.
#pragma once
#include "engine/match/challenge_slots.h"
#include "engine/match/replay.h"
#include "engine/match/reputation.h"
#include "engine/match/step.h"
#include "engine/settlement/stake_reservations.h"
#include "tests/simulation/line_to_mint.h"
#include "tests/simulation/relay_network.h"

namespace manastr::simulation {

struct EngineSetting {
  std::string mint;
  match::Announcement announcement;
  LineFaults line;
  std::size_t quorum = 2;
  unsigned kills = 0;        ///< so many times it dies at a random step
  unsigned steps_apart = 1;  ///< at most so many steps from one death to the next
  Millis longest_down{5000};
  /// Once, the disk is lost, and an old backup put back.
  bool loses_disk = false;
  std::optional<Millis> vanishes;  ///< after this time it is gone for good
  std::optional<Millis> forks;     ///< after this time it signs a second receipt of a number, once
  /// Where both seeds are open it says no more, or signs a receipt without its link.
  bool keeps_link = false;
};

class EngineProcess {
 public:
  EngineProcess(Timeline& timeline, RelayNetwork& relays, std::shared_ptr<test::SimulatedGameMint> mint,
                const match::EngineKeys& keys, EngineSetting setting, std::uint64_t seed);
  ~EngineProcess();

  void start();
  /// It dies no more.
  void calm();
  bool is_up() const;
  bool has_vanished() const { return has_vanished_; }
  /// The match of which two receipts of one number are signed.
  const std::optional<match::MatchId>& forked() const { return forked_; }
  const nostr::EventId& second_receipt() const { return second_receipt_; }
  /// The matches in which it kept its link to itself.
  const std::set<match::MatchId>& abandoned() const { return abandoned_; }
  /// No match is open, and all receipts are with all relays.
  bool is_idle() const;

  struct Disk;
  const Disk& disk() const { return *disk_; }
  /// The chain of a match, as journaled.
  std::vector<nostr::Event> chain(const match::MatchId& match) const;
  std::vector<match::MatchId> matches() const;
  bool has_ended(const match::MatchId& match) const;
  /// What it earned, as proofs.
  std::vector<cashu::Proof> rake() const;
  const std::vector<std::string>& trouble() const { return trouble_; }
  unsigned deaths() const { return deaths_; }
  unsigned adoptions() const { return adoptions_; }
  nostr::Event announcement() const;

 private:
  struct Memory;
  struct Entry;
  void guarded(const std::function<void()>& work);
  void maybe_die();
  void die();
  void restore(const std::vector<nostr::Event>& published);
  void take_up(engine::RestoredMatch restored);
  void judge_on();
  void beat();
  void lose_disk();
  void fork_a_chain();
  bool keeps_its_link(const match::MatchId& match, const engine::Step& step);
  void take(const nostr::Event& event);
  void open(const nostr::Event& event);
  void step(const match::MatchId& match, match::Input input);
  void publish(const nostr::Event& event);
  void set_timer(const match::MatchId& match, std::optional<UnixMillis> at);
  void ask(const match::MatchId& match, const match::AskStates& question, unsigned attempt);
  void settle(const match::Settle& order, unsigned attempt);
  /// Runs later, if the process still lives then.
  void later(Millis wait, std::function<void()> what);
  void watch_relays();

  Timeline& timeline_;
  RelayNetwork& relays_;
  const std::shared_ptr<test::SimulatedGameMint> mint_;
  const match::EngineKeys& keys_;
  EngineSetting setting_;
  SeededRandom random_;
  const UnixMillis born_;
  std::unique_ptr<Disk> disk_;
  std::unique_ptr<Disk> backup_;
  std::unique_ptr<Memory> memory_;
  std::shared_ptr<SlowLine> line_;
  unsigned life_ = 0;
  std::uint64_t steps_to_death_ = 0;
  unsigned deaths_ = 0;
  unsigned adoptions_ = 0;
  bool has_vanished_ = false;
  std::optional<match::MatchId> forked_;
  nostr::EventId second_receipt_{};
  std::set<match::MatchId> abandoned_;
  std::vector<std::string> trouble_;
};

}  // namespace manastr::simulation
