// Inside of the duelist, shared by duelist.cpp (the chain and what is due), duelist_play.cpp (stake, seed,
// moves) and duelist_prize.cpp (claim, prize, refund).
#pragma once
#include <map>

#include "common/base/failpoint.h"
#include "player/duelist.h"
#include "player/match_secrets.h"

namespace manastr::player {

struct Duelist::State {
  MatchRecord record;
  DuelistTools tools;
  MatchSecrets secrets;
  match::PubKey me;
  match::Challenge challenge;
  match::Transcript transcript;
  std::map<unsigned, match::Event> held = {};              ///< receipts that came before an earlier one
  std::map<unsigned, match::ClaimReceipt> my_claims = {};  ///< accepted ones, by attempt
  std::optional<match::Lock> own_lock = {};                ///< of the acceptance that seated us last
  std::map<std::string, Monotonic> last_sent = {};         ///< by kind and d, and for questions to the mint
  std::string fault = {};
  bool finished = false;
  bool prize_taken = false;

  const match::Transcript::View& view() const { return transcript.view(); }
  bool opened() const { return !view().receipts.empty(); }
  /// 0 creator, 1 acceptor; nullopt while the acceptance is not receipted (or is somebody else's).
  std::optional<std::size_t> my_index() const;
  std::string id_text() const { return to_hex(record.id); }
  /// True, and noted, if `what` was not done within the last `every`.
  bool due(const std::string& what, Millis every);

  // duelist.cpp
  Status drain();
  void narrate(const match::Event& event);
  void tell(std::string what, std::string text, json::Value detail = json::Object{});
  void stop(std::string why);
  /// As stop(), and keeps what the engine signed.
  Status stop_for(const match::Event& evidence, std::string why);
  Status finish(const std::string& result);
  match::Pointers pointers() const;
  UnixSeconds created_at() const;
  /// Says what the book holds for this slot, or makes it by `draft`, writes it down and says that. Again
  /// every 5 s until the caller stops calling.
  template <class MakeDraft>
  Status say(std::uint32_t kind, const std::string& d, MakeDraft draft);

  // duelist_play.cpp
  Status play(std::size_t index);
  Status accept();
  bool locktime_is_plausible() const;
  Status fund(std::size_t index, unsigned attempt);
  /// Of a recovered match: puts what the lost files had locked for it under our labels.
  Status find_stakes();
  /// The stake of an earlier attempt, if the mint calls all of it unspent: an engine that refuses stake after
  /// stake must not get more than one locked. Empty: a new one is needed. nullopt: the mint has it under way.
  Result<std::optional<std::vector<cashu::Proof>>> earlier_stake(const match::Lock& lock, unsigned attempt);
  Status publish_stake(const match::Lock& lock, const std::vector<cashu::Proof>& proofs, unsigned attempt);
  Status open_seed(std::size_t index);
  Status commit(std::size_t index, unsigned round);
  Status reveal(std::size_t index, unsigned round);
  match::Lock stake_lock(std::size_t index) const;
  std::string stake_label(unsigned attempt) const { return id_text() + ":stake:" + std::to_string(attempt); }
  /// NUT-07 for another party's stake: true if the mint calls all of it unspent.
  Result<bool> stake_is_there(std::size_t index);

  // duelist_prize.cpp
  Status collect();
  Status claim(const match::Payout& payout, unsigned attempt);
  Result<bool> take_settled(const match::Payout& payout);
  /// For a claim that was said from files now lost: the seed finds what the mint signed for it.
  Result<bool> said_here(unsigned attempt);
  Status take_by_seed(const match::Payout& payout);
  Status finish_without_engine(const match::Payout& payout, unsigned attempt);
  Result<std::vector<match::Outputs>> claim_outputs(const match::Payout& payout, unsigned attempt);
  std::string how_it_ended(bool paid) const;
  Result<bool> stakes_are_gone();
  Status take_back_stakes();
  std::string prize_label(unsigned attempt, std::size_t group) const {
    return id_text() + ":prize:" + std::to_string(attempt) + ":" + std::to_string(group);
  }
};

template <class MakeDraft>
Status Duelist::State::say(std::uint32_t kind, const std::string& d, MakeDraft draft) {
  TRY(auto event, tools.book.said(record.id, kind, d));
  if (!event) {
    TRY(const nostr::Draft made, draft());
    event = nostr::sign(made, tools.nostr_key, tools.random.bytes<32>());
    TRY_STATUS(match::check_envelope(*event));
    failpoint("player.before-write");
    TRY_STATUS(tools.book.say(record.id, *event));
    failpoint("player.after-write");
  }
  if (!due(std::to_string(kind) + ":" + d, Millis{5000})) return {};
  TRY_STATUS(tools.publish(*event));
  failpoint("player.after-publish");
  return {};
}

}  // namespace manastr::player
