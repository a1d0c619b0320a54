#include "mint/pipeline/known.h"

#include <algorithm>

namespace manastr::mint {

Result<Known> look_up(Ledger& ledger, const Hash32& operation, std::span<const PointBytes> ys,
                      const Outputs& outputs, bool surely) {
  const bool maybe_signed = std::ranges::any_of(outputs.messages, [&](const auto& message) {
    return surely || ledger.may_know_output(message.b_blinded.bytes());
  });
  if (maybe_signed) {
    std::vector<PointBytes> bs_blinded;
    bs_blinded.reserve(outputs.messages.size());
    for (const auto& message : outputs.messages) bs_blinded.push_back(message.b_blinded.bytes());
    TRY(auto found, ledger.signatures(bs_blinded));
    const bool done = std::ranges::all_of(
        found, [&](const auto& each) { return each && !each->pending && each->operation == operation; });
    if (done) {
      Known known;
      known.done.emplace();
      for (auto& each : found) known.done->push_back(*std::move(each));
      return known;
    }
  }
  if (std::ranges::any_of(ys, [&](const PointBytes& y) { return ledger.may_know_proof(y); })) {
    TRY(const auto states, ledger.proof_states(ys));
    for (std::size_t i = 0; i < states.size(); ++i) {
      const std::string which = "inputs[" + std::to_string(i) + "]";
      if (states[i].state == ProofState::State::spent)
        return refused(cashu::kProofsSpent, which + ": already spent");
      if (states[i].state == ProofState::State::pending) {
        return refused(cashu::kProofsPending, which + ": locked by a payment under way");
      }
    }
  }
  if (maybe_signed) {
    std::vector<PointBytes> bs_blinded;
    bs_blinded.reserve(outputs.messages.size());
    for (const auto& message : outputs.messages) bs_blinded.push_back(message.b_blinded.bytes());
    TRY(const auto found, ledger.signatures(bs_blinded));
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (!found[i]) continue;
      const std::string which = "outputs[" + std::to_string(i) + "]";
      if (found[i]->pending)
        return refused(cashu::kOutputsPending, which + ": reserved by a payment under way, use another");
      return refused(cashu::kOutputsAlreadySigned, which + ": signed before, use another or restore it");
    }
  }
  return Known{};
}

}  // namespace manastr::mint
