#include <algorithm>

#include "common/match/lifecycle_state.h"

namespace manastr::match {
namespace {

json::Value hex_array(const std::vector<crypto::Signature>& signatures) {
  json::Value out{json::Array{}};
  for (const crypto::Signature& signature : signatures) out.push(to_hex(signature));
  return out;
}

}  // namespace

UnixMillis Step::claims_end() const { return s_.locktime - kQuietBeforeLocktime; }

/// Fresh rake outputs, sealed to the winner; nullopt where no rake is owed.
std::optional<std::string> Step::seal_rake(const PubKey& winner) {
  s_.rake.clear();
  bool any = false;
  for (const Payout& payout : s_.payouts) {
    if (payout.claimant != winner) continue;
    for (std::size_t i = 0; i < payout.groups.size(); ++i) {
      auto& group = s_.rake.emplace_back();
      for (const auto& rake :
           keys_.rake(s_.challenge.id, s_.rake_issue, static_cast<unsigned>(i), payout.groups[i].rake)) {
        group.push_back({rake.amount, rake.b_blinded});
        any = true;
      }
    }
  }
  if (!any) return std::nullopt;
  auto sealed = keys_.seal(winner, dump_rake(s_.rake));
  return sealed ? std::optional(*std::move(sealed)) : std::nullopt;
}

void Step::decide(Outcome outcome, std::optional<std::size_t> winner, std::string reason) {
  std::vector<Party> parties;
  std::vector<Stake> stakes;
  for (Seat& seat : s_.seats) {
    seat.clock.end(s_.now);
    parties.push_back({seat.pubkey, seat.escrow});
    stakes.push_back(seat.stake);
  }
  s_.stopped_at.reset();
  s_.asked.reset();
  s_.claims.clear();
  s_.outcome = outcome;
  s_.payouts =
      *plan_payouts(s_.terms, parties, stakes, outcome, winner);  // the terms were checked at the opening
  s_.phase = Phase::claims;
  s_.round = 0;
  VerdictReceipt verdict{.terms = s_.terms,
                         .parties = {parties[0].pubkey, parties[1].pubkey},
                         .escrow_keys = {parties[0].escrow, parties[1].escrow, *s_.engine_escrow},
                         .locktime = s_.locktime,
                         .outcome = outcome,
                         .winner = winner ? std::optional(parties[*winner].pubkey) : std::nullopt,
                         .reason = std::move(reason),
                         .payouts = s_.payouts,
                         .rake = winner ? seal_rake(parties[*winner].pubkey) : std::nullopt};
  issue(std::move(verdict), true);
  s_.verdict = s_.chain.back();
  close_if_settled();
}

Status Step::claim(const Event& event, const Claim& claim, std::size_t index) {
  const Seat& seat = s_.seats[index];
  const auto payout = std::find_if(s_.payouts.begin(), s_.payouts.end(),
                                   [&](const Payout& p) { return p.claimant == seat.pubkey; });
  if (claim.outcome != s_.outcome || payout == s_.payouts.end()) {
    return invalid("the verdict is another: it pays nothing by this claim");
  }
  Claiming& claiming = s_.claims[seat.pubkey];
  if (claiming.stand == Claiming::Stand::done) return invalid("this claim is settled");
  if (claiming.stand == Claiming::Stand::pending)
    return invalid("a claim is before the mint: wait for its answer");
  if (claim.attempt <= claiming.attempt) {
    return invalid("send a higher attempt than " + std::to_string(claiming.attempt));
  }
  if (s_.now >= claims_end())
    return invalid("the claim window is over: take the stake back after the locktime");
  TRY(const std::string text, keys_.open(seat.pubkey, claim.sealed));
  TRY(const SealedClaim sealed, parse_sealed_claim(text));
  if (outputs_hash(sealed.groups) != claim.outputs_hash)
    return invalid("outputs_hash is not that of the sealed outputs");
  const RakeGroups none;
  TRY_STATUS(check_outputs(*payout, sealed.groups, s_.outcome == Outcome::win ? &s_.rake : &none));

  std::vector<crypto::Signature> ours;
  Settle settle{.match = s_.challenge.id,
                .mint = s_.terms.mint,
                .atomic = s_.atomic,
                .announcement = s_.announcement,
                .verdict = s_.verdict,
                .claim = event,
                .groups = {}};
  for (std::size_t i = 0; i < sealed.groups.size(); ++i) {
    std::vector<cashu::Proof> inputs = s_.seats[*seat_of(payout->groups[i].owner)].stake.proofs;
    const Hash32 message = group_message(inputs, sealed.groups[i]);
    if (!crypto::verify_schnorr(seat.escrow.x_only(), message, sealed.signatures[i])) {
      return invalid("group " + std::to_string(i) +
                     ": not the escrow key's SIG_ALL signature over inputs and outputs");
    }
    ours.push_back(keys_.sign_escrow(message));
    for (cashu::Proof& input : inputs) input.dleq.reset();
    inputs.front().witness = cashu::p2pk_witness({sealed.signatures[i], ours.back()});
    settle.groups.push_back({std::move(inputs), sealed.groups[i]});
  }
  TRY(std::string signatures, keys_.seal(seat.pubkey, hex_array(ours).dump()));
  settle.operation = settlement_key(*payout, sealed.groups);
  claiming = {Claiming::Stand::pending, claim.attempt, event, settle.operation, sealed.groups};
  receipted(event);
  issue(ClaimReceipt{event, std::move(signatures)});
  effects_.push_back(std::move(settle));
  return {};
}

void Step::operate(const SettlementDone& input) {
  for (auto& [claimant, claiming] : s_.claims) {
    if (claiming.stand != Claiming::Stand::pending || claiming.operation != input.operation) continue;
    if (input.signatures.size() != claiming.outputs.size()) return;
    for (std::size_t i = 0; i < input.signatures.size(); ++i) {
      if (input.signatures[i].size() != claiming.outputs[i].size()) return;
    }
    claiming.stand = Claiming::Stand::done;
    for (std::size_t i = 0; i < input.signatures.size(); ++i) {
      issue(SettledReceipt{claimant, static_cast<unsigned>(i), claiming.outputs[i], input.signatures[i]});
      if (s_.outcome != Outcome::win || s_.rake.at(i).empty()) continue;
      RakeReceived rake{s_.rake_issue, static_cast<unsigned>(i), s_.terms.prize_unit, {}};
      rake.signatures.assign(input.signatures[i].end() - static_cast<std::ptrdiff_t>(s_.rake[i].size()),
                             input.signatures[i].end());
      effects_.push_back(std::move(rake));
    }
    return close_if_settled();
  }
}

void Step::close_if_settled() {
  const bool all = std::all_of(s_.payouts.begin(), s_.payouts.end(), [&](const Payout& payout) {
    const auto claiming = s_.claims.find(payout.claimant);
    return claiming != s_.claims.end() && claiming->second.stand == Claiming::Stand::done;
  });
  if (all) close(s_.payouts.empty() ? "nothing was locked" : "settled in full");
}

void Step::operate(const SettlementRefused& input) {
  for (auto& [claimant, claiming] : s_.claims) {
    if (claiming.stand != Claiming::Stand::pending || claiming.operation != input.operation) continue;
    if (input.code != cashu::kProofsSpent) return refuse_claim(claimant, input.code, input.message);
    std::vector<std::size_t> owners;
    for (const Payout& payout : s_.payouts) {
      if (payout.claimant != claimant) continue;
      for (const Group& group : payout.groups) owners.push_back(*seat_of(group.owner));
    }
    return ask(Asked::Why::refused_claim, *seat_of(claimant), owners);
  }
}

void Step::refuse_claim(const PubKey& claimant, int code, std::string reason) {
  Claiming& claiming = s_.claims[claimant];
  claiming.stand = Claiming::Stand::open;
  ++s_.rake_issue;
  if (reason.size() > 400) reason.resize(400);
  std::erase_if(reason, [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7E;
  });
  issue(RefusalReceipt{claimant, claiming.attempt, code, std::move(reason),
                       s_.outcome == Outcome::win ? seal_rake(claimant) : std::nullopt});
}

/// The mint refused a settlement because something was spent; now it has said what.
void Step::claim_answered(const Asked& asked, const MintStates& input) {
  std::vector<bool> spent(s_.seats.size(), false);
  bool any = false;
  for (std::size_t i = 0; i < input.states.size(); ++i) {
    if (input.states[i] != ProofState::spent) continue;
    spent[asked.ys[i].first] = true;
    any = true;
  }
  const PubKey claimant = pubkey_of(asked.party);
  if (!any)
    return refuse_claim(claimant, cashu::kProofsSpent,
                        "the mint called a proof spent, and now calls it unspent");
  if (s_.outcome != Outcome::win) {
    refuse_claim(claimant, cashu::kProofsSpent, std::string(kStakeSpent));
    s_.claims[claimant].stand = Claiming::Stand::done;  // there is nothing left to pay
    return close_if_settled();
  }
  for (std::size_t i = 0; i < spent.size(); ++i) {
    if (spent[i]) s_.seats[i].stake.proofs.clear();
  }
  decide(Outcome::void_match, std::nullopt, std::string(kStakeSpent));
}

}  // namespace manastr::match
