#include "common/match/escrow.h"

#include <algorithm>
#include <bit>
#include <set>

namespace manastr::match {
namespace {

constexpr std::string_view kHead = R"(["P2PK",{"nonce":")";

/// The secret's text behind the nonce.
std::string tail(const Lock& lock) {
  return R"(","data":")" + lock.creator.hex() + R"(","tags":[["locktime",")" +
         std::to_string(count(lock.locktime)) + R"("],["pubkeys",")" + lock.acceptor.hex() + R"(",")" +
         lock.engine.hex() + R"("],["n_sigs","2"],["refund",")" + lock.owner.hex() +
         R"("],["sigflag","SIG_ALL"],["match",")" + to_hex(lock.match) + R"("]]}])";
}

/// Why a secret that isn't the canonical one isn't.
std::string difference(std::string_view secret, const Lock& lock) {
  const cashu::Condition condition = cashu::parse_condition(secret);
  if (condition.kind == cashu::ConditionKind::unspendable) {
    return "nobody could spend it: " + condition.why_unspendable;
  }
  if (condition.kind != cashu::ConditionKind::p2pk) return "it is no NUT-11 P2PK secret";
  if (condition.data != lock.creator.hex()) return "data must be the creator's escrow key";
  const std::vector<std::vector<std::string>> expected{{"locktime", std::to_string(count(lock.locktime))},
                                                       {"pubkeys", lock.acceptor.hex(), lock.engine.hex()},
                                                       {"n_sigs", "2"},
                                                       {"refund", lock.owner.hex()},
                                                       {"sigflag", "SIG_ALL"},
                                                       {"match", to_hex(lock.match)}};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (i >= condition.tags.size()) return "the tag " + expected[i][0] + " is missing";
    if (condition.tags[i] != expected[i]) {
      return "tag " + std::to_string(i + 1) + " must be " + expected[i][0] +
             " as docs/protocol.md says, in that order";
    }
  }
  if (condition.tags.size() > expected.size()) return "it has more tags than allowed";
  return "it must be written without white space, its members in order, with a nonce of 64 lower-case hex "
         "digits";
}

}  // namespace

std::string stake_secret(const Lock& lock, const ByteArray<32>& nonce) {
  return std::string(kHead) + to_hex(nonce) + tail(lock);
}

Status check_stake_secret(std::string_view secret, const Lock& lock) {
  ByteArray<32> nonce;
  if (secret.size() > kHead.size() + 64 && secret.starts_with(kHead) &&
      from_hex_into(secret.substr(kHead.size(), 64), nonce) &&
      secret.substr(kHead.size() + 64) == tail(lock)) {
    return {};
  }
  return invalid("the lock of a stake is wrong: " + difference(secret, lock));
}

std::optional<MatchId> match_tag(const cashu::Condition& condition) {
  const auto text = condition.foreign_tag("match");
  return text ? array_from_hex<32>(*text) : std::nullopt;
}

Status check_distinct(std::span<const crypto::PublicKey> keys) {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (keys[i].x_only() == keys[j].x_only()) return invalid("two escrow keys of the match are the same");
    }
  }
  return {};
}

Status check_proofs(std::span<const cashu::Proof> proofs, const cashu::Keyset& keyset, const Lock& lock) {
  std::set<std::string_view> secrets;
  for (std::size_t i = 0; i < proofs.size(); ++i) {
    const cashu::Proof& proof = proofs[i];
    const std::string where = "proofs[" + std::to_string(i) + "]: ";
    if (proof.id != keyset.id)
      return invalid(where + "not of the keyset in the terms", cashu::kKeysetUnknown);
    if (proof.witness) return invalid(where + "a stake is sent without a witness");
    if (auto lock_ok = check_stake_secret(proof.secret, lock); !lock_ok)
      return invalid(where + lock_ok.error().message);
    if (!secrets.insert(proof.secret).second)
      return invalid(where + "the same secret twice", cashu::kDuplicateInputs);
    if (!std::has_single_bit(proof.amount)) return invalid(where + "the amount is no power of two");
    const auto c = crypto::PublicKey::parse(proof.c);
    if (!c) return invalid(where + "C is not on the curve");
    if (!proof.dleq) return invalid(where + "the DLEQ proof (NUT-12) is missing");
    if (keyset.keys.empty()) continue;
    const auto key = keyset.keys.find(proof.amount);
    if (key == keyset.keys.end()) return invalid(where + "the keyset has no key for this amount");
    const auto r = crypto::SecretKey::parse(proof.dleq->r);
    if (!r || !crypto::verify_dleq_unblinded(key->second, proof.y(), *c, *r, proof.dleq->dleq)) {
      return invalid(where + "the DLEQ proof does not hold: the mint did not sign this proof",
                     cashu::kProofInvalid);
    }
  }
  return {};
}

Status check_stake(std::span<const cashu::Proof> proofs, const cashu::KeysetInfo& keyset, cashu::Amount stake,
                   std::size_t max_inputs) {
  if (proofs.size() > std::min(kMaxProofs, max_inputs)) {
    return invalid("a stake is at most " + std::to_string(std::min(kMaxProofs, max_inputs)) + " proofs");
  }
  std::set<std::string_view> secrets;
  for (const cashu::Proof& proof : proofs) {
    if (!secrets.insert(proof.secret).second)
      return invalid("the same secret twice", cashu::kDuplicateInputs);
  }
  const auto sum = cashu::sum_amounts(proofs);
  const auto fee = cashu::fee_of_ppk_sum(proofs.size() * keyset.input_fee_ppk);
  const auto needed = fee ? cashu::add(stake, *fee) : std::nullopt;
  if (!sum || !needed || *sum != *needed) {
    return invalid("the proofs must sum to the stake and its input fee exactly: " +
                       (needed ? std::to_string(*needed) : std::string("more than there is")) + " " +
                       keyset.unit,
                   cashu::kNotBalanced);
  }
  return {};
}

Result<std::vector<cashu::Amount>> stake_amounts(cashu::Amount stake, std::uint64_t input_fee_ppk,
                                                 std::size_t max_inputs) {
  for (std::size_t n = 1; n <= std::min(kMaxProofs, max_inputs); ++n) {
    const auto fee = cashu::fee_of_ppk_sum(n * input_fee_ppk);
    const auto total = fee ? cashu::add(stake, *fee) : std::nullopt;
    if (!total || *total < n || static_cast<std::size_t>(std::popcount(*total)) > n) continue;
    std::vector<cashu::Amount> amounts = cashu::split_amount(*total);
    while (amounts.size() < n) {  // a fee for n proofs is owed for n proofs: halve the greatest
      const cashu::Amount half = amounts.back() / 2;
      amounts.back() = half;
      amounts.push_back(half);
      std::sort(amounts.begin(), amounts.end());
    }
    return amounts;
  }
  return invalid("the stake and its input fee can't be paid with " +
                 std::to_string(std::min(kMaxProofs, max_inputs)) + " proofs: choose another stake");
}

}  // namespace manastr::match
