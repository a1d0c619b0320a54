#include "mint/pipeline/funds.h"

#include <algorithm>
#include <unordered_set>

#include "common/cashu/conditions.h"
#include "common/gameapi/requests.h"
#include "common/match/escrow.h"
#include "mint/pipeline/parts.h"

namespace manastr::mint {
namespace {

std::string at(std::string_view array, std::size_t index) {
  return std::string(array) + "[" + std::to_string(index) + "]";
}

bool has_condition(const cashu::Proof& proof) { return cashu::may_hold_condition(proof.secret); }

/// Few are the rule, and then comparing beats hashing.
template <class Item, class Same>
bool any_twice_of_few(const std::vector<Item>& items, Same same) {
  for (std::size_t i = 1; i < items.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (same(items[i], items[j])) return true;
    }
  }
  return false;
}
constexpr std::size_t kFew = 16;

bool secret_twice(const std::vector<cashu::Proof>& proofs) {
  if (proofs.size() <= kFew) {
    return any_twice_of_few(proofs, [](const auto& a, const auto& b) { return a.secret == b.secret; });
  }
  std::unordered_set<std::string_view> seen;
  return !std::ranges::all_of(proofs, [&](const auto& proof) { return seen.insert(proof.secret).second; });
}

bool output_twice(const std::vector<cashu::BlindedMessage>& messages) {
  if (messages.size() <= kFew) {
    return any_twice_of_few(messages,
                            [](const auto& a, const auto& b) { return a.b_blinded == b.b_blinded; });
  }
  std::unordered_set<PointBytes, UniformBytesHash> seen;
  return !std::ranges::all_of(
      messages, [&](const auto& message) { return seen.insert(message.b_blinded.bytes()).second; });
}

Error unknown_keyset(std::string_view array, std::size_t index) {
  return {ErrorKind::refused, cashu::kKeysetUnknown, at(array, index) + ".id: this mint has no such keyset"};
}

}  // namespace

Result<Inputs> check_inputs(std::vector<cashu::Proof> proofs, const KeysetRing& ring, UnixSeconds now) {
  if (proofs.empty()) return invalid("inputs: at least one proof is needed", 0);
  Inputs out;
  out.proofs = std::move(proofs);
  const auto sum = cashu::sum_amounts(out.proofs);
  if (!sum) return refused(cashu::kAmountOutsideLimit, "inputs: their sum is beyond 64 bits");
  out.sum = *sum;
  if (secret_twice(out.proofs)) return refused(cashu::kDuplicateInputs, "inputs: the same proof twice");
  std::uint64_t ppk = 0;
  out.keysets.reserve(out.proofs.size());
  out.keys.reserve(out.proofs.size());
  for (std::size_t i = 0; i < out.proofs.size(); ++i) {
    const cashu::Proof& proof = out.proofs[i];
    const SigningKeyset* keyset =
        i > 0 && proof.id == out.proofs[i - 1].id ? out.keysets.back() : ring.find(proof.id);
    if (keyset == nullptr || !keyset->is_money()) return std::unexpected(unknown_keyset("inputs", i));
    if (keyset->record().held) return held();
    if (keyset->expired(now))
      return refused(cashu::kKeysetExpired, at("inputs", i) + ": the keyset has expired");
    if (i == 0) {
      out.unit = keyset->unit();
    } else if (keyset->unit() != out.unit) {
      return refused(cashu::kMultipleUnits,
                     "inputs: " + out.unit + " and " + keyset->unit() + " can't be mixed");
    }
    const SigningKeyset::Denomination* key = keyset->denomination(proof.amount);
    if (key == nullptr) {
      return refused(cashu::kProofInvalid,
                     at("inputs", i) + ".amount: the keyset has no key for " + std::to_string(proof.amount));
    }
    ppk += keyset->input_fee_ppk();
    out.any_condition = out.any_condition || has_condition(proof);
    out.keysets.push_back(keyset);
    out.keys.push_back(key);
  }
  const auto fee = cashu::fee_of_ppk_sum(ppk);
  if (!fee) return refused(cashu::kAmountOutsideLimit, "inputs: their fee is beyond 64 bits");
  out.fee = *fee;
  return out;
}

Result<Outputs> check_outputs(std::vector<cashu::BlindedMessage> messages, const KeysetRing& ring,
                              UnixSeconds now, bool blank) {
  Outputs out;
  out.messages = std::move(messages);
  if (output_twice(out.messages)) return refused(cashu::kDuplicateOutputs, "outputs: the same B_ twice");
  out.keysets.reserve(out.messages.size());
  for (std::size_t i = 0; i < out.messages.size(); ++i) {
    const cashu::BlindedMessage& message = out.messages[i];
    const SigningKeyset* keyset =
        i > 0 && message.id == out.messages[i - 1].id ? out.keysets.back() : ring.find(message.id);
    if (keyset == nullptr || !keyset->is_money()) return std::unexpected(unknown_keyset("outputs", i));
    if (i == 0) {
      out.unit = keyset->unit();
    } else if (keyset->unit() != out.unit) {
      return refused(cashu::kMultipleUnits,
                     "outputs: " + out.unit + " and " + keyset->unit() + " can't be mixed");
    }
    if (keyset->expired(now) && !out.unusable) {
      out.unusable =
          Error{ErrorKind::refused, cashu::kKeysetExpired, at("outputs", i) + ".id: the keyset has expired"};
    } else if (!keyset->signs(now) && !out.unusable) {
      out.unusable =
          Error{ErrorKind::refused, cashu::kKeysetInactive,
                at("outputs", i) + ".id: the keyset is inactive: use the active one of /v1/keysets"};
    }
    out.keysets.push_back(keyset);
    if (blank) continue;
    const SigningKeyset::Denomination* key = keyset->denomination(message.amount);
    if (key == nullptr) {
      return refused(cashu::kAmountOutsideLimit, at("outputs", i) + ".amount: the keyset has no key for " +
                                                     std::to_string(message.amount));
    }
    out.keys.push_back(key);
  }
  if (blank) return out;
  const auto sum = cashu::sum_amounts(out.messages);
  if (!sum) return refused(cashu::kAmountOutsideLimit, "outputs: their sum is beyond 64 bits");
  out.sum = *sum;
  return out;
}

Result<Inputs> read_inputs(const json::Value& request, const KeysetRing& ring, std::size_t limit,
                           UnixSeconds now) {
  TRY(const json::Array* array, json::get_array(request, "inputs"));
  TRY(std::vector<cashu::Proof> proofs, cashu::proofs_from_json(*array, limit, "inputs"));
  return check_inputs(std::move(proofs), ring, now);
}

Result<Outputs> read_outputs(const json::Value& request, const KeysetRing& ring, std::size_t limit,
                             UnixSeconds now) {
  TRY(const json::Array* array, json::get_array(request, "outputs"));
  TRY(std::vector<cashu::BlindedMessage> messages,
      cashu::blinded_messages_from_json(*array, limit, "outputs"));
  if (messages.empty()) return invalid("outputs: at least one is needed");
  return check_outputs(std::move(messages), ring, now);
}

void compute_ys(Inputs& inputs) {
  inputs.y_points.reserve(inputs.proofs.size());
  inputs.ys.reserve(inputs.proofs.size());
  for (const cashu::Proof& proof : inputs.proofs) {
    inputs.y_points.push_back(proof.y());
    inputs.ys.push_back(inputs.y_points.back().bytes());
  }
}

Status check_stakes(const Inputs& inputs, UnixSeconds now) {
  if (!inputs.any_condition) return {};
  for (const cashu::Proof& proof : inputs.proofs) {
    if (!has_condition(proof)) continue;
    const cashu::Condition condition = cashu::parse_condition(proof.secret);
    if (match::match_tag(condition) && !(condition.locktime && *condition.locktime <= now)) {
      return refused(
          gameapi::kMatchLocked,
          "an input is the stake of a match: until its locktime it is spent by /game-engine/settle alone");
    }
  }
  return {};
}

Status check_locks(const Inputs& inputs, const std::vector<cashu::BlindedMessage>& outputs,
                   std::string_view melt_quote, UnixSeconds now) {
  if (!inputs.any_condition) return {};
  return cashu::check_conditions(inputs.proofs, outputs, melt_quote, now);
}

Status verify_proofs(const Inputs& inputs) {
  for (std::size_t i = 0; i < inputs.proofs.size(); ++i) {
    if (!crypto::verify_unblinded(inputs.keys[i]->secret, inputs.y_points[i], inputs.proofs[i].c)) {
      return refused(cashu::kProofInvalid, at("inputs", i) + ": the mint never signed this proof");
    }
  }
  return {};
}

std::vector<Issue> sign_outputs(const Outputs& outputs) {
  std::vector<Issue> out;
  out.reserve(outputs.messages.size());
  for (std::size_t i = 0; i < outputs.messages.size(); ++i) {
    const cashu::BlindedMessage& message = outputs.messages[i];
    const crypto::SignedBlind made =
        crypto::sign_blinded(outputs.keys[i]->secret, outputs.keys[i]->key, message.b_blinded);
    out.push_back({message.b_blinded.bytes(), outputs.keysets[i]->number(), message.amount,
                   made.c_blinded.bytes(), made.dleq});
  }
  return out;
}

std::vector<Spend> to_spends(const Inputs& inputs) {
  std::vector<Spend> out;
  out.reserve(inputs.proofs.size());
  for (std::size_t i = 0; i < inputs.proofs.size(); ++i) {
    const cashu::Proof& proof = inputs.proofs[i];
    out.push_back({inputs.ys[i], inputs.keysets[i]->number(), proof.amount,
                   proof.witness && has_condition(proof) ? *proof.witness : std::string()});
  }
  return out;
}

}  // namespace manastr::mint
