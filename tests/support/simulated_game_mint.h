// A simulated mint with the game endpoints: it settles verdicts all or none, and lets a proof with a `match`
// tag go before its locktime by a settlement alone (docs/mint-api.md). For tests of what plays or judges
// matches.
#pragma once
#include <algorithm>

#include "common/gameapi/requests.h"
#include "tests/support/simulated_mint.h"

namespace manastr::test {

class SimulatedGameMint : public SimulatedMint {
 public:
  std::set<match::PubKey> engines;  ///< whose verdicts it executes
  std::map<cashu::Unit, std::uint64_t> price_msat;
  int settlements = 0;  ///< executed

  /// What the verdict of `match` gives to `claimant` was paid here.
  bool has_paid(const match::MatchId& match, const match::PubKey& claimant) const {
    const auto stored = verdicts_.find(match);
    return stored != verdicts_.end() &&
           std::ranges::any_of(stored->second.claims,
                               [&](const nostr::Event& claim) { return claim.pubkey == claimant; });
  }
  const cashu::Keyset& keyset(const cashu::KeysetId& id) const { return keysets_.at(id).info; }
  bool is_genuine(const cashu::Proof& proof) const {
    const auto& secrets = keysets_.at(proof.id).secrets;
    return secrets.contains(proof.amount) &&
           crypto::verify_unblinded(secrets.at(proof.amount), proof.y(), proof.c);
  }

 protected:
  Result<json::Value> handle(const std::string& path, const json::Value& body) override {
    if (path == gameapi::kSettlePath) return settle(body);
    if (path.starts_with(gameapi::kVerdictsPath)) return verdicts(path.substr(gameapi::kVerdictsPath.size()));
    if (path == "/v1/swap" || path == "/v1/melt/bolt11") TRY_STATUS(refuse_match_proofs(body));
    return SimulatedMint::handle(path, body);
  }

 private:
  Status refuse_match_proofs(const json::Value& body) {
    TRY(const auto inputs, inputs_of(body));
    for (const cashu::Proof& input : inputs) {
      const cashu::Condition condition = cashu::parse_condition(input.secret);
      if (match::match_tag(condition) && condition.locktime && now <= *condition.locktime) {
        return refused(gameapi::kMatchLocked,
                       "staked in a match: before its locktime only a settlement spends it");
      }
    }
    return {};
  }

  Result<json::Value> settle(const json::Value& body) {
    TRY(const gameapi::SettleRequest request, gameapi::settle_request_from_json(body, 100, 1000));
    TRY(const match::SettlementOrder order,
        match::check_settlement(request.announcement, request.verdict, request.claim, request.groups));
    if (!engines.contains(order.engine))
      return refused(gameapi::kVerdictInvalid, "not an engine of this mint");
    if (order.operation != request.operation) return refused(gameapi::kVerdictInvalid, "operation");
    if (const auto done = settled_.find(order.operation); done != settled_.end())
      return to_json(done->second);

    std::set<crypto::PublicKey> inputs_seen;
    std::set<crypto::PublicKey> outputs_seen;
    for (std::size_t g = 0; g < request.groups.size(); ++g) {
      const match::SignedGroup& group = request.groups[g];
      TRY(const Amount fee, check_inputs(group.inputs, group.outputs, ""));
      TRY_STATUS(check_outputs(group.outputs, true));
      for (const auto& input : group.inputs) {
        if (!inputs_seen.insert(input.y()).second) return refused(cashu::kDuplicateInputs, "an input twice");
        if (keysets_.at(input.id).info.unit != order.verdict.terms.stake_unit) {
          return refused(cashu::kUnitMismatch, "an input that is not of the stakes' unit");
        }
      }
      Amount paid = 0;
      for (const auto& output : group.outputs) {
        if (!outputs_seen.insert(output.b_blinded).second)
          return refused(cashu::kDuplicateOutputs, "an output twice");
        if (keysets_.at(output.id).info.unit != order.payout.groups[g].unit) {
          return refused(cashu::kUnitMismatch, "an output that is not of the verdict's unit");
        }
        paid += output.amount;
      }
      const Amount burned = cashu::sum_amounts(group.inputs).value() - fee;
      if (burned * price_msat.at(order.verdict.terms.stake_unit) !=
          paid * price_msat.at(order.payout.groups[g].unit)) {
        return refused(cashu::kNotBalanced, "a group that does not balance");
      }
    }
    gameapi::SettleResponse response;
    for (const match::SignedGroup& group : request.groups) {
      spend(group.inputs);
      response.signatures.push_back(sign(group.outputs));
    }
    ++settlements;
    settled_.emplace(order.operation, response);
    auto& stored = verdicts_[order.match];
    stored.announcement = request.announcement;
    stored.verdict = request.verdict;
    stored.claims.push_back(request.claim);
    return to_json(response);
  }

  Result<json::Value> verdicts(const std::string& id) {
    const auto match = array_from_hex<32>(id);
    const auto found = match ? verdicts_.find(*match) : verdicts_.end();
    if (found == verdicts_.end()) return invalid("no verdict of this match was executed here");
    return to_json(found->second);
  }

  std::map<Hash32, gameapi::SettleResponse> settled_;
  std::map<match::MatchId, gameapi::VerdictsResponse> verdicts_;
};

}  // namespace manastr::test
