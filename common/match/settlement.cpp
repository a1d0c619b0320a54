#include "common/match/settlement.h"

#include <algorithm>
#include <set>

#include "common/match/fields.h"

namespace manastr::match {
namespace {

void append_outputs(Bytes& out, const Outputs& outputs) {
  append_be32(out, static_cast<std::uint32_t>(outputs.size()));
  for (const cashu::BlindedMessage& output : outputs) {
    const ByteView id = output.id.bytes();
    out.push_back(static_cast<Byte>(id.size()));
    append(out, id);
    append_be64(out, output.amount);
    append(out, output.b_blinded.bytes());
  }
}

Group group_of(std::size_t party, std::span<const Party> parties, std::span<const Stake> stakes) {
  Group group{.owner = parties[party].pubkey, .owner_escrow = parties[party].escrow, .ys = {}, .unit = {}};
  for (const cashu::Proof& proof : stakes[party].proofs) group.ys.push_back(proof.y());
  return group;
}

json::Value pair_json(cashu::Amount amount, const crypto::PublicKey& point) {
  json::Value out{json::Array{}};
  out.push(amount);
  out.push(point.hex());
  return out;
}

Result<RakeOutput> pair_from(const json::Value& value, const std::string& where) {
  const json::Array* pair = value.if_array();
  if (pair == nullptr || pair->size() != 2 || !(*pair)[0].if_uint64() || *(*pair)[0].if_uint64() == 0) {
    return invalid(where + ": expected [amount, \"B_\"]");
  }
  TRY(const crypto::PublicKey point, point_from((*pair)[1], where + "[1]"));
  return RakeOutput{*(*pair)[0].if_uint64(), point};
}

Result<RakeGroups> groups_from(const json::Value& value, const std::string& where) {
  const json::Array* groups = value.if_array();
  if (groups == nullptr || groups->size() > 2)
    return invalid(where + ": expected an array of at most 2 groups");
  RakeGroups out;
  for (std::size_t i = 0; i < groups->size(); ++i) {
    const std::string path = where + "[" + std::to_string(i) + "]";
    const json::Array* outputs = (*groups)[i].if_array();
    if (outputs == nullptr || outputs->size() > kMaxOutputs) {
      return invalid(path + ": expected at most " + std::to_string(kMaxOutputs) + " outputs",
                     cashu::kTooManyOutputs);
    }
    std::vector<RakeOutput>& group = out.emplace_back();
    for (std::size_t j = 0; j < outputs->size(); ++j) {
      TRY(const RakeOutput output, pair_from((*outputs)[j], path + "[" + std::to_string(j) + "]"));
      group.push_back(output);
    }
  }
  return out;
}

}  // namespace

Result<std::vector<Payout>> plan_payouts(const Terms& terms, std::span<const Party> parties,
                                         std::span<const Stake> stakes, Outcome outcome,
                                         std::optional<std::size_t> winner) {
  std::vector<Payout> payouts;
  if (outcome != Outcome::win) {
    for (std::size_t i = 0; i < parties.size(); ++i) {
      if (stakes[i].proofs.empty()) continue;
      Group group = group_of(i, parties, stakes);
      group.unit = terms.stake_unit;
      group.pay = terms.stake;
      payouts.push_back({parties[i].pubkey, {std::move(group)}});
    }
    return payouts;
  }
  if (!winner || *winner >= parties.size()) return broken("a win without a winner");
  TRY(const Split split, split_stake(terms));
  TRY(const cashu::Amount own, convert(terms, terms.stake));
  Payout payout{parties[*winner].pubkey, {}};
  for (std::size_t i = 0; i < parties.size(); ++i) {
    if (i == *winner || stakes[i].proofs.empty()) continue;
    Group group = group_of(i, parties, stakes);
    group.unit = terms.prize_unit;
    group.pay = split.prize;
    group.rake = split.rake;
    payout.groups.push_back(std::move(group));
  }
  Group group = group_of(*winner, parties, stakes);
  group.unit = terms.prize_unit;
  group.pay = own;
  payout.groups.push_back(std::move(group));
  payouts.push_back(std::move(payout));
  return payouts;
}

Hash32 outputs_hash(std::span<const Outputs> groups) {
  Bytes message;
  append_be32(message, static_cast<std::uint32_t>(groups.size()));
  for (const Outputs& outputs : groups) append_outputs(message, outputs);
  return crypto::tagged_hash("manastr/v1/outputs", message);
}

Hash32 settlement_key(const Payout& payout, std::span<const Outputs> groups) {
  Bytes message;
  append_be32(message, static_cast<std::uint32_t>(groups.size()));
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const auto& ys = payout.groups.at(i).ys;
    append_be32(message, static_cast<std::uint32_t>(ys.size()));
    for (const crypto::PublicKey& y : ys) append(message, y.bytes());
    append_outputs(message, groups[i]);
  }
  return crypto::tagged_hash("manastr/v1/settlement", message);
}

std::string dump_sealed_claim(const SealedClaim& claim) {
  json::Value groups{json::Array{}};
  std::string keyset;
  for (const Outputs& outputs : claim.groups) {
    json::Value group{json::Array{}};
    for (const cashu::BlindedMessage& output : outputs) {
      group.push(pair_json(output.amount, output.b_blinded));
      keyset = output.id.hex();
    }
    groups.push(std::move(group));
  }
  json::Value signatures{json::Array{}};
  for (const crypto::Signature& signature : claim.signatures) signatures.push(to_hex(signature));
  json::Value out{json::Object{}};
  out.set("keyset", keyset);
  out.set("groups", std::move(groups));
  out.set("signatures", std::move(signatures));
  return out.dump();
}

Result<SealedClaim> parse_sealed_claim(std::string_view text) {
  TRY(const json::Value value, parse_content(text));
  TRY(const std::string keyset_text, json::get_string(value, "keyset"));
  const auto keyset = cashu::KeysetId::from_hex(keyset_text);
  if (!keyset) return invalid("keyset: not a keyset id", cashu::kKeysetUnknown);
  const json::Value* groups = value.find("groups");
  TRY(const RakeGroups pairs, groups_from(groups == nullptr ? json::Value() : *groups, "groups"));
  SealedClaim claim;
  for (const auto& group : pairs) {
    Outputs& outputs = claim.groups.emplace_back();
    for (const RakeOutput& output : group) outputs.push_back({output.amount, *keyset, output.b_blinded});
  }
  TRY(const json::Array* signatures, json::get_array(value, "signatures"));
  if (signatures->size() != claim.groups.size()) return invalid("signatures: one for each group is needed");
  for (const json::Value& element : *signatures) {
    const std::string* hex = element.if_string();
    const auto signature = hex == nullptr ? std::nullopt : array_from_hex<64>(*hex);
    if (!signature) return invalid("signatures: expected 128 lower-case hex digits each");
    claim.signatures.push_back(*signature);
  }
  return claim;
}

std::string dump_rake(const RakeGroups& rake) {
  json::Value groups{json::Array{}};
  for (const auto& outputs : rake) {
    json::Value group{json::Array{}};
    for (const RakeOutput& output : outputs) group.push(pair_json(output.amount, output.b_blinded));
    groups.push(std::move(group));
  }
  json::Value out{json::Object{}};
  out.set("rake", std::move(groups));
  return out.dump();
}

Result<RakeGroups> parse_rake(std::string_view text) {
  TRY(const json::Value value, parse_content(text));
  const json::Value* rake = value.find("rake");
  return groups_from(rake == nullptr ? json::Value() : *rake, "rake");
}

Hash32 group_message(std::span<const cashu::Proof> inputs, const Outputs& outputs) {
  return crypto::sha256(as_bytes(cashu::sig_all_message({inputs.begin(), inputs.end()}, outputs)));
}

Status check_outputs(const Payout& payout, std::span<const Outputs> groups, const RakeGroups* rake) {
  if (groups.size() != payout.groups.size()) {
    return invalid("the claim must have the verdict's " + std::to_string(payout.groups.size()) + " groups");
  }
  std::set<ByteArray<33>> seen;
  const cashu::KeysetId* keyset = nullptr;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const Group& planned = payout.groups[i];
    const Outputs& outputs = groups[i];
    const std::string where = "group " + std::to_string(i) + ": ";
    if (outputs.empty() || outputs.size() > kMaxOutputs) {
      return invalid(where + "1 to " + std::to_string(kMaxOutputs) + " outputs are needed",
                     cashu::kTooManyOutputs);
    }
    for (const cashu::BlindedMessage& output : outputs) {
      if (!seen.insert(output.b_blinded.bytes()).second) {
        return invalid(where + "an output stands twice", cashu::kDuplicateOutputs);
      }
      if (keyset != nullptr && *keyset != output.id) {
        return invalid(where + "all outputs of a claim are of one keyset", cashu::kMultipleUnits);
      }
      keyset = &output.id;
    }
    const auto sum = cashu::sum_amounts(outputs);
    if (!sum || *sum != planned.pay + planned.rake) {
      return invalid(where + "the outputs must sum to " + std::to_string(planned.pay + planned.rake) + " " +
                         planned.unit,
                     cashu::kNotBalanced);
    }
    if (rake == nullptr) continue;
    const std::vector<RakeOutput> none;
    const std::vector<RakeOutput>& owed = i < rake->size() ? (*rake)[i] : none;
    const bool pays = owed.size() <= outputs.size() &&
                      std::equal(owed.rbegin(), owed.rend(), outputs.rbegin(),
                                 [](const RakeOutput& a, const cashu::BlindedMessage& b) {
                                   return a.amount == b.amount && a.b_blinded == b.b_blinded;
                                 });
    if (!pays || cashu::sum_amounts(owed) != planned.rake) {
      return invalid(where + "the last outputs must be the engine's rake, as it sealed them");
    }
  }
  return {};
}

}  // namespace manastr::match
