#include "common/match/referee.h"

#include <algorithm>
#include <map>

#include "common/match/transcript_step.h"

namespace manastr::match {
namespace {

constexpr int kVerdict = 16002;  // gameapi: the events don't bear the settlement out

std::unexpected<Error> unproven(std::string message) { return refused(kVerdict, std::move(message)); }

/// The chain's receipts by sequence; two of one sequence are a fault of the engine.
std::map<unsigned, Event> sort_chain(std::vector<Event> events, std::vector<std::string>& faults) {
  std::map<unsigned, Event> chain;
  std::optional<std::pair<PubKey, MatchId>> of;
  // The match and the engine are those of the first receipt that there is.
  std::stable_sort(events.begin(), events.end(),
                   [](const Event& a, const Event& b) { return a.d() < b.d(); });
  for (Event& event : events) {
    const auto slot = event.kind == kEngine ? parse_slot(kEngine, event.d()) : std::nullopt;
    if (!slot || slot->form != Slot::Form::numbers) continue;
    if (!nostr::verify(event)) {
      faults.push_back("an event with a wrong id or signature was given as receipt " +
                       std::to_string(slot->first));
      continue;
    }
    if (!of) of = {event.pubkey, slot->match};
    if (of->first != event.pubkey || of->second != slot->match) {
      faults.push_back("a receipt of another match or another engine was given");
      continue;
    }
    const auto [found, fresh] = chain.try_emplace(slot->first, event);
    if (!fresh && found->second.id != event.id) {
      faults.push_back("the engine signed two different receipts of sequence " + std::to_string(slot->first) +
                       ": its word is void, stakes go home only");
    }
  }
  return chain;
}

}  // namespace

Judgement judge(std::vector<Event> events, const std::optional<cashu::Keyset>& keyset) {
  Judgement out;
  const auto chain = sort_chain(std::move(events), out.faults);
  Transcript transcript(keyset);
  for (const auto& [sequence, event] : chain) {
    if (auto added = transcript.add(event); !added) {
      out.faults.push_back(added.error().message);
      break;
    }
  }
  const Transcript::View& view = transcript.view();
  if (view.receipts.empty()) {
    if (out.faults.empty()) out.faults.push_back("there is no receipt of the engine among the events");
    return out;
  }
  if (const auto played = play_out(view)) {
    out.duel = played->duel;
    out.outcome = played->outcome;
    if (played->winner) out.winner = view.parties[*played->winner];
  }
  if (view.verdict) {  // checked against the events when it was added
    out.outcome = view.verdict->outcome;
    out.winner = view.verdict->winner;
    out.payouts = view.verdict->payouts;
    out.settled = !out.payouts.empty();
    for (const Payout& payout : out.payouts) {
      for (const Group& group : payout.groups) out.rake += group.rake;
      const auto seat =
          std::find(view.parties.begin(), view.parties.end(), payout.claimant) - view.parties.begin();
      if (view.claims[static_cast<std::size_t>(seat)].settled_groups != payout.groups.size())
        out.settled = false;
    }
  } else if (out.faults.empty() && view.head.phase != Phase::closed) {
    out.faults.push_back("the transcript has no verdict yet");
  }
  return out;
}

Result<SettlementOrder> check_settlement(const Event& announcement_event, const Event& verdict_event,
                                         const Event& claim_event, std::span<const SignedGroup> groups) {
  for (const auto& [event, name] : {std::pair{&announcement_event, "announcement"},
                                    std::pair{&verdict_event, "verdict"}, std::pair{&claim_event, "claim"}}) {
    if (!nostr::verify(*event)) return unproven(std::string(name) + ": the event's id or signature is wrong");
  }
  if (announcement_event.pubkey != verdict_event.pubkey)
    return unproven("announcement and verdict are of two engines");
  const auto announcement = parse_announcement(announcement_event);
  if (!announcement) return unproven("announcement: " + announcement.error().message);
  auto receipt = parse_receipt(verdict_event);
  if (!receipt) return unproven("verdict: " + receipt.error().message);
  auto* verdict = std::get_if<VerdictReceipt>(&receipt->body);
  if (verdict == nullptr) return unproven("verdict: this receipt is none");
  const MatchId match = receipt->head.match;
  if (verdict->terms.engine != verdict_event.pubkey)
    return unproven("verdict: the terms name another engine");
  if (verdict->escrow_keys[2] != announcement->escrow_key) {
    return unproven("verdict: its engine escrow key is not the announced one");
  }
  if (auto distinct = check_distinct(verdict->escrow_keys); !distinct)
    return unproven(distinct.error().message);

  const auto claim = parse_party_event(claim_event);
  if (!claim) return unproven("claim: " + claim.error().message);
  const auto* claimed = std::get_if<Claim>(&claim->content);
  if (claimed == nullptr || claim->match != match) return unproven("claim: not a 31005 of this match");
  if (claimed->outcome != verdict->outcome) return unproven("claim: of another outcome than the verdict's");
  const Payout* payout = nullptr;
  for (const Payout& each : verdict->payouts) {
    if (each.claimant == claim_event.pubkey) payout = &each;
  }
  if (payout == nullptr) return unproven("claim: the verdict pays its author nothing");
  if (verdict->outcome == Outcome::win && verdict->winner != payout->claimant) {
    return unproven("verdict: it pays another than the winner");
  }

  std::vector<Outputs> outputs;
  for (const SignedGroup& group : groups) outputs.push_back(group.outputs);
  TRY_STATUS(check_outputs(*payout, outputs, nullptr));
  if (outputs_hash(outputs) != claimed->outputs_hash) {
    return unproven("the outputs are not those that the claim's outputs_hash names");
  }
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const Group& planned = payout->groups[i];
    const std::string where = "groups[" + std::to_string(i) + "]: ";
    const bool known_owner =
        planned.owner_escrow == verdict->escrow_keys[0] || planned.owner_escrow == verdict->escrow_keys[1];
    if (!known_owner) return unproven(where + "its owner is no party");
    if (groups[i].inputs.size() != planned.ys.size())
      return unproven(where + "the verdict names other inputs");
    const Lock lock{verdict->escrow_keys[0], verdict->escrow_keys[1], verdict->escrow_keys[2],
                    planned.owner_escrow,    verdict->locktime,       match};
    for (std::size_t j = 0; j < planned.ys.size(); ++j) {
      const cashu::Proof& input = groups[i].inputs[j];
      if (auto ok = check_stake_secret(input.secret, lock); !ok) return unproven(where + ok.error().message);
      if (input.y() != planned.ys[j]) return unproven(where + "the verdict names other inputs");
    }
  }
  return SettlementOrder{
      *verdict, match, verdict_event.pubkey, *payout, claim_event.pubkey, settlement_key(*payout, outputs)};
}

}  // namespace manastr::match
