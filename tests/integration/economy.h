// A whole set of daemons on a folder of its own (three relays, mint, engine) and players as processes: for
// tests that kill some of them and count the money afterwards.
#pragma once
#include <functional>
#include <memory>

#include "process.h"

namespace manastr::test {

class Economy {
 public:
  struct Options {
    std::string announcement;  ///< lines of the engine's [announcement] section
    std::uint64_t input_fee_ppk = 0;
    /// The URL under which the engine finds the mint of this URL; itself unless told.
    std::function<std::string(const std::string& mint_url)> door = {};
    std::vector<std::string> more_relays = {};  ///< that the engine uses besides
    std::string first_relay = {};               ///< lines of the first relay's configuration
  };
  explicit Economy(Options options);
  Economy() : Economy(Options{}) {}
  ~Economy();

  std::string mint_url() const;
  std::string engine_url() const;
  std::vector<std::string> relay_urls() const;
  std::string engine_pubkey() const { return engine_pubkey_; }
  Daemon& mint() { return *mint_; }
  Daemon& engine() { return *engine_; }
  Daemon& relay(std::size_t i) { return *relays_.at(i); }
  const std::string& folder() const { return folder_; }

  /// Stops it if it runs (SIGKILL), and starts it again on the same port. Throws if it ends before it serves:
  /// then it may be started again.
  void restart_mint(const std::map<std::string, std::string>& environment = {});
  void restart_engine(const std::map<std::string, std::string>& environment = {});
  /// Restarts the mint with a new keyset in every unit; the old ones only verify from then on.
  void rotate_keysets();

  /// Makes the player and buys `mana` for it.
  void add_player(const std::string& name, std::uint64_t mana);
  /// A command of the player in the background; its JSON lines are in output(name).
  Process start(const std::string& name, std::vector<std::string> arguments,
                std::map<std::string, std::string> environment = {});
  /// The same, waited for; throws with its output if the exit code is another than `expected`.
  std::string run(const std::string& name, std::vector<std::string> arguments, int expected = 0);
  std::string output(const std::string& name) const;
  /// Publishes a challenge without playing it; the match id.
  std::string challenge(const std::string& name, std::uint64_t stake);

  /// Money: every proof of every wallet that the mint calls unspent, and the rake of the matches that
  /// fault_of() has seen settled, against the fake node's own book; and what each wallet knows against what
  /// its seed brings back. Empty if they agree, else the sums. All players must have ended.
  std::string unbalanced();
  /// A signed transcript of the match, as the reference client gathers it, and what the referee finds wrong
  /// with it; waits until the match is settled. A match that was not played to its end is a fault too.
  std::string fault_of(const std::string& name, const std::string& match);

 private:
  struct Ended {
    int code = -1;
    std::string said;
  };
  Ended attempt(const std::string& name, std::vector<std::string> arguments);
  static std::string said_at(int expected, const std::string& name, const Ended& ended);
  void write_mint_config(std::uint16_t port);
  void write_engine_config(std::uint16_t port);
  std::string judge_chain(const std::string& name, const std::string& match);
  Process::Options player_options(const std::string& name, std::vector<std::string> arguments) const;

  Options options_;
  std::string folder_;
  std::vector<std::unique_ptr<Daemon>> relays_;
  std::unique_ptr<Daemon> mint_;
  std::unique_ptr<Daemon> engine_;
  std::uint16_t mint_port_ = 0;
  unsigned keyset_index_ = 0;
  std::string engines_mint_;
  std::uint16_t engine_port_ = 0;
  std::string engine_pubkey_;
  std::vector<std::string> players_;
  std::map<std::string, std::uint64_t> rake_;  ///< loot, by match
};

/// The value of a member of the first JSON line that has it; "" if none has.
std::string json_field(const std::string& lines, const std::string& name);

}  // namespace manastr::test
