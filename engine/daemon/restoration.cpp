#include "engine/daemon/restoration.h"

#include <algorithm>

#include "common/match/party_events.h"
#include "common/match/receipt.h"
#include "common/telemetry/log.h"

namespace manastr::engine {
namespace {

/// Sequence 0 on without a gap; the first of several of one number.
std::vector<nostr::Event> unbroken(const Chain& chain) {
  std::vector<nostr::Event> out;
  for (const auto& [sequence, event] : chain) {
    if (sequence == out.size()) out.push_back(event);
    if (sequence > out.size()) break;
  }
  return out;
}

/// Terms of the challenge that the first receipt embeds.
Result<match::Terms> terms_of(const nostr::Event& first) {
  TRY(const match::Receipt receipt, match::parse_receipt(first));
  const auto* challenge = std::get_if<match::ChallengeReceipt>(&receipt.body);
  if (challenge == nullptr) return broken("its first receipt is not that of a challenge");
  TRY(const match::PartyEvent event, match::parse_party_event(challenge->event));
  return std::get<match::Challenge>(event.content).terms;
}

}  // namespace

Result<Restoration> restore(Journal& journal, const match::EngineKeys& keys, relay::Courier& courier,
                            const OwnChains& published,
                            const std::function<Result<cashu::Keyset>(const match::Terms&)>& keyset,
                            const std::function<bool()>& give_up) {
  Restoration out;
  TRY(const std::vector<JournaledMatch> unfinished, journal.unfinished());
  TRY(const std::vector<Journal::Slot> slots, journal.slots());
  std::set<match::MatchId> known;
  for (const Journal::Slot& each : slots) known.insert(each.match);
  std::map<match::MatchId, std::size_t> journaled_receipts;
  for (const JournaledMatch& each : unfinished) journaled_receipts[each.match] = each.receipts.size();

  // Chains longer than the journal's. A match that the journal knows as finished has no successor receipts.
  std::set<match::MatchId> adopted;
  for (const auto& [id, found] : published) {
    const auto journaled = journaled_receipts.find(id);
    if (journaled == journaled_receipts.end() && known.contains(id)) continue;
    const std::size_t length = journaled == journaled_receipts.end() ? 0 : journaled->second;
    if (found.empty() || found.rbegin()->first < length) continue;
    TRY(const Chain whole, read_own_chain(courier, keys.pubkey(), id, give_up));
    const std::vector<nostr::Event> chain = unbroken(whole);
    const std::string name = to_hex(id);
    adopted.insert(id);  // or left alone: in no case may the shorter chain be continued, or another one begun
    out.found.push_back(id);
    if (chain.size() <= found.rbegin()->first) {
      out.untouched.push_back("match " + name + ": the relays hold receipt " +
                              std::to_string(found.rbegin()->first) + " but not all before it");
      continue;
    }
    const auto terms = terms_of(chain.front());
    if (!terms) {
      out.untouched.push_back("match " + name + ": " + terms.error().message);
      continue;
    }
    TRY(const cashu::Keyset stake_keyset, keyset(*terms));
    auto taken = adopt(chain, stake_keyset, keys);
    if (!taken) {
      out.untouched.push_back("match " + name + ": " + taken.error().message);
      continue;
    }
    TRY_STATUS(journal.adopt(taken->steps));
    ++out.adopted;
    telemetry::log_warn("Adopted a chain from the relays that is longer than the journal's",
                        {{"match", name}, {"receipts", chain.size()}, {"journaled", length}});
    if (!taken->restored.match.ended()) out.matches.push_back(std::move(taken->restored));
  }

  for (const JournaledMatch& each : unfinished) {
    if (adopted.contains(each.match)) continue;
    auto replayed = replay(each, keys);
    if (!replayed) {
      out.untouched.push_back(replayed.error().message);
      continue;
    }
    if (const auto found = published.find(each.match); found != published.end()) {
      const auto chain = replayed->match.chain();
      for (const auto& [sequence, event] : found->second) {
        if (sequence < chain.size() && chain[sequence].id != event.id) out.foreign.push_back(event);
      }
    }
    out.matches.push_back(*std::move(replayed));
  }
  return out;
}

}  // namespace manastr::engine
