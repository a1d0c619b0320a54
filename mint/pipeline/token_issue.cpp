#include <algorithm>
#include <set>

#include "common/json/reader.h"
#include "mint/pipeline/admission.h"
#include "mint/pipeline/fingerprint.h"
#include "mint/pipeline/operations.h"
#include "mint/pipeline/with_ring.h"

namespace manastr::mint {
namespace {

constexpr std::int64_t kHour = 3'600;

using Messages = std::vector<cashu::BlindedMessage>;

Result<Messages> read(const AuthenticationConfiguration& limits, const KeysetRing& ring,
                      const std::string& body) {
  TRY(const json::Value request, json::parse(body));
  TRY(const json::Array* array, json::get_array(request, "outputs"));
  TRY(Messages messages,
      cashu::blinded_messages_from_json(*array, limits.bat_max_mint, "outputs", cashu::kTooManyBlindTokens));
  if (messages.empty()) return invalid("outputs: at least one is needed");
  std::set<PointBytes> seen;
  for (const cashu::BlindedMessage& each : messages) {
    if (!seen.insert(each.b_blinded.bytes()).second)
      return refused(cashu::kDuplicateOutputs, "outputs: the same B_ twice");
    if (each.amount != 1)
      return refused(cashu::kAmountOutsideLimit, "outputs: a blind token's amount is 1 (NUT-22)");
  }
  for (const cashu::BlindedMessage& each : messages) {
    const SigningKeyset* keyset = ring.find(each.id);
    if (keyset == nullptr || keyset->is_money()) {
      return refused(cashu::kKeysetUnknown,
                     "outputs: no keyset of tokens: /v1/auth/blind/keysets lists those there are");
    }
  }
  return messages;
}

Reply reply_of(const Messages& messages, auto&& signature) {
  json::Array list;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const auto& [c_blinded, dleq] = signature(i);
    list.push_back(cashu::to_json(
        cashu::BlindSignature{1, messages[i].id, crypto::PublicKey::trusted(c_blinded), dleq}));
  }
  json::Value body;
  body.set("signatures", std::move(list));
  return {200, body.dump(), Millis{0}};
}

/// The reply if this very request was done before, 11003 if one of its outputs was signed for another.
Result<std::optional<Reply>> look_up(Ledger& ledger, const Hash32& operation, const Messages& messages) {
  std::vector<PointBytes> points;
  points.reserve(messages.size());
  for (const auto& each : messages) points.push_back(each.b_blinded.bytes());
  TRY(const auto found, ledger.token_signatures(points));
  if (std::ranges::all_of(found, [&](const auto& each) { return each && each->operation == operation; })) {
    return reply_of(messages, [&](std::size_t i) { return std::pair(found[i]->c_blinded, found[i]->dleq); });
  }
  if (std::ranges::any_of(found, [](const auto& each) { return each.has_value(); }))
    return refused(cashu::kOutputsAlreadySigned, "outputs: signed before, use fresh ones");
  return std::nullopt;
}

Result<std::vector<Issue>> sign(const KeysetRing& ring, const Messages& messages, UnixSeconds now) {
  std::vector<Issue> out;
  out.reserve(messages.size());
  for (const cashu::BlindedMessage& each : messages) {
    const SigningKeyset& keyset = *ring.find(each.id);
    if (keyset.expired(now)) {
      return refused(cashu::kKeysetExpired,
                     "outputs: the keyset is expired: use the active one of /v1/auth/blind/keysets");
    }
    if (!keyset.signs(now)) {
      return refused(cashu::kKeysetInactive,
                     "outputs: the keyset is inactive: use the active one of /v1/auth/blind/keysets");
    }
    const SigningKeyset::Denomination& key = keyset.denominations().front();
    const crypto::SignedBlind made = crypto::sign_blinded(key.secret, key.key, each.b_blinded);
    out.push_back({each.b_blinded.bytes(), keyset.number(), 1, made.c_blinded.bytes(), made.dleq});
  }
  return out;
}

}  // namespace

void mint_tokens(Parts& parts, const std::string& body, const Admitted& admitted, Answer answer) {
  const Authentication& authentication = *parts.authentication;
  const KeysetRing* ring = nullptr;
  auto messages = with_ring(
      parts, ring, [&](const KeysetRing& each) { return read(authentication.configuration(), each, body); });
  if (!messages) return answer(error_reply(messages.error()));
  Reservations::Request reservation;
  reservation.operation = fingerprint(kBlindMintEndpoint, {}, *messages);
  for (const auto& each : *messages) reservation.keys.push_back(Reservations::of_output(each));
  reservation.answer = std::move(answer);
  const std::shared_ptr<Flight> flight = parts.reservations->enter(std::move(reservation));
  if (!flight) return;

  auto known = look_up(*parts.ledger, flight->operation(), *messages);
  if (!known) return flight->fail(known.error());
  if (*known) return flight->finish(**std::move(known));
  const UnixSeconds now = parts.clock->now_seconds();
  auto issues = sign(*ring, *messages, now);
  if (!issues) return flight->fail(issues.error());
  Reply reply = reply_of(*messages,
                         [&](std::size_t i) { return std::pair((*issues)[i].c_blinded, (*issues)[i].dleq); });
  IssueTokens write{flight->operation(), *std::move(issues), admitted->subject, count(now) / kHour,
                    authentication.configuration().bat_max_hour};
  const bool queued = parts.ledger->write(
      std::move(write), [flight, reply = std::move(reply), now](Result<Written> done) mutable {
        if (done) return flight->finish(std::move(reply));
        Reply refusal = error_reply(done.error());
        if (done.error().code == cashu::kBlindTokensTooOften)
          refusal.retry_after = Seconds{kHour - count(now) % kHour};
        flight->finish(std::move(refusal));
      });
  if (!queued) flight->finish(overloaded());
}

}  // namespace manastr::mint
