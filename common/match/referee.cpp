#include "common/match/referee.h"

namespace manastr::match {
namespace {

constexpr int kVerdict = 16002;  // gameapi: the events don't bear the settlement out

std::unexpected<Error> unproven(std::string message) { return refused(kVerdict, std::move(message)); }

}  // namespace

Result<SettlementOrder> check_settlement(const Event& announcement_event, const Event& verdict_event,
                                         const Event& claim_event, std::span<const SignedGroup> groups) {
  for (const auto& [event, name] : {std::pair{&announcement_event, "announcement"}, std::pair{&verdict_event, "verdict"},
                                    std::pair{&claim_event, "claim"}}) {
    if (!nostr::verify(*event)) return unproven(std::string(name) + ": the event's id or signature is wrong");
  }
  if (announcement_event.pubkey != verdict_event.pubkey) return unproven("announcement and verdict are of two engines");
  const auto announcement = parse_announcement(announcement_event);
  if (!announcement) return unproven("announcement: " + announcement.error().message);
  auto receipt = parse_receipt(verdict_event);
  if (!receipt) return unproven("verdict: " + receipt.error().message);
  auto* verdict = std::get_if<VerdictReceipt>(&receipt->body);
  if (verdict == nullptr) return unproven("verdict: this receipt is none");
  const MatchId match = receipt->head.match;
  if (verdict->terms.engine != verdict_event.pubkey) return unproven("verdict: the terms name another engine");
  if (verdict->escrow_keys[2] != announcement->escrow_key) {
    return unproven("verdict: its engine escrow key is not the announced one");
  }
  if (auto distinct = check_distinct(verdict->escrow_keys); !distinct) return unproven(distinct.error().message);

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
    if (groups[i].inputs.size() != planned.ys.size()) return unproven(where + "the verdict names other inputs");
    const Lock lock{verdict->escrow_keys[0], verdict->escrow_keys[1], verdict->escrow_keys[2], planned.owner_escrow,
                    verdict->locktime, match};
    for (std::size_t j = 0; j < planned.ys.size(); ++j) {
      const cashu::Proof& input = groups[i].inputs[j];
      if (auto ok = check_stake_secret(input.secret, lock); !ok) return unproven(where + ok.error().message);
      if (input.y() != planned.ys[j]) return unproven(where + "the verdict names other inputs");
    }
  }
  return SettlementOrder{*verdict,           match, verdict_event.pubkey, *payout, claim_event.pubkey,
                         settlement_key(*payout, outputs)};
}

}  // namespace manastr::match
