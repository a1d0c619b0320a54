// The player's memory of matches: which are open, what was said in them, every receipt seen. One SQLite file;
// what a client publishes is in it before it is published, so that a retry says the same.
#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "common/match/protocol.h"
#include "common/storage/database.h"

namespace manastr::player {

enum class Role : std::uint8_t { creator, acceptor };

struct MatchRecord {
  match::MatchId id{};
  Role role = Role::creator;
  match::PubKey engine;
  match::Event challenge;     ///< the 31000
  match::Event announcement;  ///< the 31006 it was made under
  bool open = true;           ///< there may still be something to do
  std::string result;         ///< "", then how it ended for this player, a few words
  UnixSeconds locktime{};     ///< of the own stake; 0 before the acceptance
  bool recovered = false;     ///< from the chain, by a player who lost its files: a stake may be at the mint
};

class MatchBook {
 public:
  /// `storage` is for tests that lose power.
  static Result<std::unique_ptr<MatchBook>> open(const std::string& path,
                                                 const storage::OpenOptions& storage = {});
  ~MatchBook();

  Status add(const MatchRecord& record);  ///< the same id again changes nothing
  Status close(const match::MatchId& id, std::string_view result);
  Status set_locktime(const match::MatchId& id, UnixSeconds locktime);
  Status set_recovered(const match::MatchId& id, bool recovered);
  Result<std::vector<MatchRecord>> records(bool open_only);
  Result<std::optional<MatchRecord>> record(const match::MatchId& id);
  /// The record whose id starts with `prefix` (4 or more hex digits); an error if there is none, or more than
  /// one.
  Result<MatchRecord> find(std::string_view prefix);

  /// The event said for (match, kind, d), or nullopt.
  Result<std::optional<match::Event>> said(const match::MatchId& id, std::uint32_t kind, std::string_view d);
  Status say(const match::MatchId& id, const match::Event& event);

  /// The unit chosen for a round; the first choice stays.
  Result<std::uint8_t> choose(const match::MatchId& id, unsigned round, std::uint8_t unit);
  Result<std::optional<std::uint8_t>> chosen(const match::MatchId& id, unsigned round);

  Status add_receipt(const match::MatchId& id, unsigned sequence, const match::Event& receipt);
  Result<std::vector<match::Event>> receipts(const match::MatchId& id);
  /// What the engine signed against its own chain or the protocol: proves it at fault, and stops the client
  /// for good.
  Status add_evidence(const match::MatchId& id, const match::Event& event);
  Result<std::vector<match::Event>> evidence(const match::MatchId& id);

 private:
  struct State;
  explicit MatchBook(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace manastr::player
