#include <algorithm>

#include "common/match/lifecycle_state.h"

namespace manastr::match {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

/// Follows a chain and finds, for each receipt that no earlier input made, the input that did.
class Rebuild {
 public:
  Rebuild(std::span<const Event> chain, const cashu::Keyset& keyset, const EngineKeys& keys)
      : chain_(chain), keyset_(keyset), keys_(keys) {}

  Result<std::vector<Input>> run() {
    for (const Event& event : chain_) {
      TRY(Receipt receipt, parse_receipt(event));
      receipts_.push_back(std::move(receipt));
    }
    while (match_.chain().size() < chain_.size()) {
      const std::size_t next = match_.chain().size();
      TRY_STATUS(add(next));
      const std::size_t made = match_.chain().size();
      if (made <= next || made > chain_.size() ||
          !std::equal(chain_.begin() + static_cast<std::ptrdiff_t>(next),
                      chain_.begin() + static_cast<std::ptrdiff_t>(made), match_.chain().begin() + next)) {
        return invalid("receipt " + std::to_string(next) + " can't be made again from the chain");
      }
    }
    return std::move(inputs_);
  }

 private:
  void feed(Input input) {
    reduce(match_, input, keys_);
    inputs_.push_back(std::move(input));
  }

  void answer(UnixMillis at, ProofState state, const std::vector<std::size_t>& owners) {
    const auto& asked = match_.state().asked;
    if (!asked) return;
    std::vector<ProofState> states;
    for (const auto& [owner, y] : asked->ys) {
      const bool named = std::find(owners.begin(), owners.end(), owner) != owners.end();
      states.push_back(named ? state : ProofState::unspent);
    }
    feed(MintStates{at, asked->request, std::move(states)});
  }

  const Claiming* pending() const {
    for (const auto& [claimant, claiming] : match_.state().claims) {
      if (claiming.stand == Claiming::Stand::pending) return &claiming;
    }
    return nullptr;
  }

  std::optional<std::size_t> seat_of(const PubKey& pubkey) const {
    const auto parties = match_.parties();
    const auto found = std::find(parties.begin(), parties.end(), pubkey);
    if (found == parties.end()) return std::nullopt;
    return static_cast<std::size_t>(found - parties.begin());
  }

  void verdict(const VerdictReceipt& body, UnixMillis at) {
    if (body.reason != kStakeSpent) return feed(TimerFired{at});
    std::vector<std::size_t> spent;
    for (std::size_t i = 0; i < 2; ++i) {
      const bool paid = std::any_of(body.payouts.begin(), body.payouts.end(),
                                    [&](const Payout& payout) { return payout.claimant == body.parties[i]; });
      if (!paid) spent.push_back(i);
    }
    if (const Claiming* claiming = pending()) {
      feed(SettlementRefused{at, claiming->operation, cashu::kProofsSpent, {}});
    }
    answer(at, ProofState::spent, spent);
  }

  void refused(const RefusalReceipt& body, UnixMillis at) {
    const auto claiming = match_.state().claims.find(body.claimant);
    if (claiming == match_.state().claims.end()) return;
    feed(SettlementRefused{at, claiming->second.operation, body.code, body.reason});
    const auto seat = seat_of(body.claimant);
    if (!match_.state().asked || !seat) return;
    if (body.reason == kStakeSpent) return answer(at, ProofState::spent, {*seat});
    answer(at, ProofState::unspent, {});
  }

  void closed(const ClosedReceipt& body, UnixMillis at) {
    if (body.reason != kDeleted && body.reason != kReplaced) return feed(TimerFired{at});
    // The evidence is not in the chain; reduce() looks at no more of it than this.
    Event evidence;
    evidence.pubkey = match_.state().challenge.pubkey;
    evidence.kind = body.reason == kDeleted ? 5 : static_cast<std::uint32_t>(kChallenge);
    if (body.reason == kDeleted) evidence.tags = {{"e", to_hex(match_.id())}};
    if (body.reason == kReplaced) evidence.tags = {{"d", std::string(match_.state().challenge.d())}};
    feed(Withdrawn{at, std::move(evidence)});
  }

  void settled(std::size_t next, UnixMillis at) {
    const auto& first = std::get<SettledReceipt>(receipts_[next].body);
    const auto claiming = match_.state().claims.find(first.claimant);
    if (claiming == match_.state().claims.end()) return;
    SettlementDone done{at, claiming->second.operation, {}};
    for (; next < receipts_.size() && done.signatures.size() < claiming->second.outputs.size(); ++next) {
      const auto* body = std::get_if<SettledReceipt>(&receipts_[next].body);
      if (body == nullptr || body->claimant != first.claimant) return;
      done.signatures.push_back(body->signatures);
    }
    feed(std::move(done));
  }

  Status add(std::size_t next) {
    const Receipt& receipt = receipts_[next];
    const UnixMillis at = receipt.head.at;
    std::visit(Overloaded{[&](const ChallengeReceipt& body) {
                            feed(Opening{at, body.event, body.announcement, keyset_, body.max_inputs, 0});
                          },
                          [&](const AcceptanceReceipt& body) { feed(PartyInput{at, body.event}); },
                          [&](const FundingReceipt& body) { feed(PartyInput{at, body.event}); },
                          [&](const SeedReceipt& body) { feed(PartyInput{at, body.event}); },
                          [&](const CommitmentReceipt& body) { feed(PartyInput{at, body.event}); },
                          [&](const RevealReceipt& body) { feed(PartyInput{at, body.event}); },
                          [&](const ClaimReceipt& body) { feed(PartyInput{at, body.event}); },
                          [&](const StakedReceipt&) { answer(at, ProofState::unspent, {}); },
                          [&](const UnstakedReceipt& body) {
                            const ProofState state = body.code == cashu::kProofsSpent ? ProofState::spent
                                                     : body.code == cashu::kProofsPending
                                                         ? ProofState::pending
                                                         : ProofState::reserved;
                            if (const auto seat = seat_of(body.party)) answer(at, state, {*seat});
                          },
                          [&](const StoppedReceipt& body) {
                            if (body.reason == kRelaysLost) return feed(RelaysLost{at});
                            const bool last = next + 1 >= receipts_.size();
                            feed(Restarted{last ? at : receipts_[next + 1].head.at, body.since});
                          },
                          [&](const ResumedReceipt& body) {
                            if (body.reason == kRelaysBack) return feed(RelaysRegained{at});
                            feed(TimerFired{at});
                          },
                          [&](const VerdictReceipt& body) { verdict(body, at); },
                          [&](const RefusalReceipt& body) { refused(body, at); },
                          [&](const SettledReceipt&) { settled(next, at); },
                          [&](const ClosedReceipt& body) { closed(body, at); },
                          [&](const auto&) { feed(TimerFired{at}); }},
               receipt.body);
    return {};
  }

  std::span<const Event> chain_;
  const cashu::Keyset& keyset_;
  const EngineKeys& keys_;
  std::vector<Receipt> receipts_;
  Match match_;
  std::vector<Input> inputs_;
};

}  // namespace

Result<std::vector<Input>> inputs_of_chain(std::span<const Event> chain, const cashu::Keyset& keyset,
                                           const EngineKeys& keys) {
  return Rebuild(chain, keyset, keys).run();
}

}  // namespace manastr::match
