// What must be true when all is over, whatever happened: money is conserved, nobody lost what no verdict
// took, nothing is paid twice, and all who can read the chain read the same verdict in it.
#pragma once
#include "common/match/referee.h"
#include "tests/simulation/economy.h"

namespace manastr::simulation {

class Auditor {
 public:
  /// `bought`: mana, by player.
  Auditor(test::SimulatedGameMint& mint, const EngineProcess& engine, RelayNetwork& relays,
          std::vector<std::unique_ptr<PlayerProcess>>& players, const std::vector<cashu::Amount>& bought)
      : mint_(mint), engine_(engine), relays_(relays), players_(players), bought_(bought) {}

  Report run();

 private:
  struct Verdict {
    match::VerdictReceipt body;
    nostr::EventId id{};
    bool by_silence = false;
  };
  void fail(std::string sentence) { report_.failures.push_back(std::move(sentence)); }
  void check_match(const match::MatchId& match);
  void check_abandoned(const match::MatchId& match, const std::vector<nostr::Event>& chain,
                       const match::Judgement& by_all);
  void check_views(const match::MatchId& match, const std::vector<nostr::Event>& chain);
  void check_verdict(const match::MatchId& match, const Verdict& verdict);
  void check_money();
  /// In msat.
  std::int64_t value(const cashu::Unit& unit, cashu::Amount amount) const;

  test::SimulatedGameMint& mint_;
  const EngineProcess& engine_;
  RelayNetwork& relays_;
  std::vector<std::unique_ptr<PlayerProcess>>& players_;
  const std::vector<cashu::Amount>& bought_;
  Report report_;
  std::map<match::PubKey, std::int64_t> due_;  ///< what the verdicts that were paid gave and took, msat
  std::int64_t rake_due_ = 0;
};

}  // namespace manastr::simulation
