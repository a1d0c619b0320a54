// A player as a process on a machine of its own: wallet and match book in files, clock wrong, relays and mint
// far away. It can be killed wherever a kill -9 would make a difference, and be made to behave as its
// character says. The game itself is player/duelist.h, untouched: whatever a character does, it does to what
// the duelist wants to publish.
#pragma once
#include "player/duelist.h"
#include "tests/simulation/line_to_mint.h"
#include "tests/simulation/relay_network.h"
#include "tests/support/skewed_clock.h"

namespace manastr::simulation {

enum class Character {
  honest,
  silent,       ///< says nothing more after some events, until its stake falls due
  late,         ///< each event comes late, some too late
  contradicts,  ///< signs a second, different event for a slot, and shows each to some relays
  deletes,      ///< deletes its events from the relays once they are out
  cheats,       ///< claims what the verdict does not give
  forgets,      ///< loses wallet file and match book once; key and seed survive
};
const char* name_of(Character character);

struct PlayerSetting {
  std::string name;
  Character character = Character::honest;
  unsigned at_event = 0;  ///< of its own events, which one the character shows at
  Millis skew{0};
  LineFaults line;
  unsigned kills = 0;
  unsigned edges_apart = 1;  ///< at most so many edges (requests, publications) from one death to the next
  Millis longest_down{4000};
  std::string folder;
  std::string mint;
  match::PubKey engine;
};

class PlayerProcess {
 public:
  PlayerProcess(Timeline& timeline, RelayNetwork& relays, std::shared_ptr<test::SimulatedGameMint> mint,
                PlayerSetting setting, std::uint64_t seed);
  ~PlayerProcess();

  /// Buys `amount` by Lightning, before anything else.
  void buy(const cashu::Unit& unit, cashu::Amount amount);
  void start();
  /// Makes the challenge as soon as the announcement is there.
  void challenge(cashu::Amount stake, const std::string& prize_unit);
  /// Accepts a match as soon as the engine has receipted it.
  void accept(const match::MatchId& match);
  /// Its last challenge.
  std::optional<match::MatchId> challenged() const { return challenged_; }

  /// From now on honest, on a good line, and no longer killed.
  void calm();
  bool is_up() const { return memory_ != nullptr; }
  /// Nothing left to do in any match.
  bool is_finished();
  const PlayerSetting& setting() const { return setting_; }
  match::PubKey pubkey() const { return key_.x_only(); }
  bool is_party_of(const match::MatchId& match) const { return roles_.contains(match); }

  // For the audit, after the end:
  Result<player::Balance> balance(const cashu::Unit& unit);
  Status look_for_money();
  const match::Transcript::View* view(const match::MatchId& match);
  std::string fault(const match::MatchId& match);
  std::string result(const match::MatchId& match);
  /// What the player was told, for --verbose and for reports of failures.
  const std::vector<std::string>& diary() const { return diary_; }
  unsigned deaths() const { return deaths_; }

 private:
  struct Memory;
  class Moves;
  void guarded(const std::function<void()>& work);
  void on_edge();
  void die();
  void later(Millis wait, std::function<void()> what);
  void note(const std::string& text);
  void tick();
  void act(const match::MatchId& match);
  void receive(const match::Event& event);
  void make_challenge();
  Status add(const player::MatchRecord& record);
  Status take_up(const player::MatchRecord& record);
  Status publish(const match::Event& event);
  Status send(const match::Event& event);
  void contradict(const match::Event& event);
  std::optional<match::Event> false_claim(const match::MatchId& match);

  Timeline& timeline_;
  RelayNetwork& relays_;
  const std::shared_ptr<test::SimulatedGameMint> mint_;
  PlayerSetting setting_;
  const std::uint64_t seed_;
  const test::SkewedClock clock_;
  SeededRandom random_;   ///< of the machine: kills and character
  SeededRandom secrets_;  ///< of the program
  const crypto::SecretKey key_;
  const crypto::Secret<64> wallet_seed_;
  std::shared_ptr<DirectLine> line_;
  std::unique_ptr<Moves> moves_;
  std::unique_ptr<Memory> memory_;

  // What the person knows, whatever the machine forgets.
  std::map<match::MatchId, player::Role> roles_;
  std::optional<match::MatchId> challenged_;
  cashu::Amount wanted_stake_ = 0;
  std::string wanted_prize_unit_;

  unsigned life_ = 0;
  std::uint64_t edges_to_death_ = 0;
  unsigned deaths_ = 0;
  unsigned said_ = 0;  ///< different events published
  std::set<match::EventId> said_ids_;
  bool is_silent_ = false;
  bool is_reformed_ = false;
  bool forgotten_ = false;
  bool loses_files_ = false;
  bool has_cheated_ = false;
  std::vector<std::string> diary_;
};

}  // namespace manastr::simulation
