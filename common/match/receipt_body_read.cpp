#include "common/match/fields.h"
#include "common/match/receipt_body.h"

namespace manastr::match {
namespace {

constexpr std::size_t kMaxReason = 512;
constexpr std::uint64_t kMaxMillis = 1ULL << 50;
constexpr std::uint64_t kMaxSeconds = 1ULL << 40;

Result<UnixSeconds> seconds_field(const json::Value& value, std::string_view key) {
  TRY(const std::uint64_t time, number_field(value, key, 0, kMaxSeconds));
  return unix_seconds(static_cast<std::int64_t>(time));
}

Result<unsigned> attempt_field(const json::Value& value) {
  TRY(const std::uint64_t attempt, number_field(value, "attempt", 1, kMaxAttempts));
  return static_cast<unsigned>(attempt);
}

Result<int> code_field(const json::Value& value) {
  TRY(const std::uint64_t code, number_field(value, "code", 0, 99999));
  return static_cast<int>(code);
}

/// An embedded event of a party or of the engine: nobody has checked it before.
Result<Event> signed_event(const json::Value& value, std::string_view key) {
  TRY(Event event, event_field(value, key));
  if (!nostr::verify(event))
    return invalid(std::string(key) + ": the embedded event's id or signature is wrong");
  return event;
}

Result<std::optional<std::string>> sealed_field(const json::Value& value, std::string_view key) {
  TRY(auto text, json::get_optional_string(value, key));
  if (text && text->size() > kMaxEngineEvent) return invalid(std::string(key) + ": too long");
  return text;
}

Result<Group> group_from(const json::Value& value, const std::string& where) {
  TRY(const PubKey owner, pubkey_field(value, "owner", where));
  TRY(const crypto::PublicKey escrow, point_field(value, "owner_escrow", where));
  Group group{.owner = owner, .owner_escrow = escrow, .ys = {}, .unit = {}};
  TRY(const json::Array* ys, json::get_array(value, "ys", where));
  if (ys->empty() || ys->size() > kMaxProofs) return invalid(where + ".ys: expected 1 to 12");
  for (const json::Value& y : *ys) {
    TRY(const crypto::PublicKey point, point_from(y, where + ".ys"));
    group.ys.push_back(point);
  }
  TRY(group.unit, json::get_string(value, "unit", where));
  if (!cashu::is_unit(group.unit)) return invalid(where + ".unit: not the name of a unit");
  TRY(group.pay, json::get_uint64(value, "pay", where));
  TRY(group.rake, json::get_uint64(value, "rake", where));
  if (!cashu::add(group.pay, group.rake)) return invalid(where + ": pay and rake are more than there is");
  return group;
}

Result<std::vector<Payout>> payouts_from(const json::Value& value) {
  TRY(const json::Array* array, json::get_array(value, "payouts"));
  if (array->size() > 2) return invalid("payouts: more than 2");
  std::vector<Payout> out;
  for (std::size_t i = 0; i < array->size(); ++i) {
    const std::string where = "payouts[" + std::to_string(i) + "]";
    TRY(const PubKey claimant, pubkey_field((*array)[i], "claimant", where));
    Payout& payout = out.emplace_back(Payout{claimant, {}});
    TRY(const json::Array* groups, json::get_array((*array)[i], "groups", where));
    if (groups->empty() || groups->size() > 2) return invalid(where + ".groups: expected 1 or 2");
    for (std::size_t j = 0; j < groups->size(); ++j) {
      TRY(Group group, group_from((*groups)[j], where + ".groups[" + std::to_string(j) + "]"));
      payout.groups.push_back(std::move(group));
    }
  }
  return out;
}

Result<ReceiptBody> read_challenge(const json::Value& value) {
  ChallengeReceipt body;
  TRY(body.event, signed_event(value, "event"));
  TRY(body.announcement, signed_event(value, "announcement"));
  TRY(body.rulebook_hash, hex_field<32>(value, "rulebook_hash"));
  TRY(const json::Value* keyset, json::get_object(value, "keyset"));
  TRY(body.keyset, cashu::keyset_info_from_json(*keyset, "keyset"));
  TRY(const std::uint64_t max_inputs, number_field(value, "max_inputs", 1, 1'000'000));
  body.max_inputs = static_cast<std::size_t>(max_inputs);
  return body;
}

Result<ReceiptBody> read_acceptance(const json::Value& value) {
  AcceptanceReceipt body;
  TRY(body.event, signed_event(value, "event"));
  TRY(body.link_commitment, hex_field<32>(value, "link_commitment"));
  TRY(body.funding_limit, seconds_field(value, "funding_limit"));
  TRY(body.hard_end, seconds_field(value, "hard_end"));
  TRY(body.locktime, seconds_field(value, "locktime"));
  return body;
}

template <class Body>
Result<ReceiptBody> read_event(const json::Value& value) {
  Body body;
  TRY(body.event, signed_event(value, "event"));
  return body;
}

Result<ReceiptBody> read_staked(const json::Value& value) {
  StakedReceipt body;
  TRY(body.party, pubkey_field(value, "party"));
  TRY(body.attempt, attempt_field(value));
  return body;
}

Result<ReceiptBody> read_unstaked(const json::Value& value) {
  UnstakedReceipt body;
  TRY(body.party, pubkey_field(value, "party"));
  TRY(body.attempt, attempt_field(value));
  TRY(body.code, code_field(value));
  TRY(body.reason, text_field(value, "reason", kMaxReason));
  return body;
}

Result<ReceiptBody> read_lapsed(const json::Value& value) {
  LapsedReceipt body;
  TRY(body.party, pubkey_field(value, "party"));
  TRY(body.reason, text_field(value, "reason", kMaxReason));
  return body;
}

Result<ReceiptBody> read_funded(const json::Value& value) {
  FundedReceipt body;
  TRY(const json::Array* stakes, json::get_array(value, "stakes"));
  if (stakes->size() != 2) return invalid("stakes: expected two arrays");
  for (std::size_t i = 0; i < 2; ++i) {
    const json::Array* cs = (*stakes)[i].if_array();
    if (cs == nullptr || cs->empty() || cs->size() > kMaxProofs)
      return invalid("stakes: expected 1 to 12 points each");
    for (const json::Value& c : *cs) {
      TRY(const crypto::PublicKey point, point_from(c, "stakes"));
      body.stakes[i].push_back(point.bytes());
    }
  }
  TRY(body.link_commitment, hex_field<32>(value, "link_commitment"));
  return body;
}

Result<ReceiptBody> read_seed(const json::Value& value) {
  SeedReceipt body;
  TRY(body.event, signed_event(value, "event"));
  if (value.find("link") == nullptr) return body;
  SeedReceipt::Opening opening;
  TRY(opening.link, hex_field<32>(value, "link"));
  TRY(opening.nonce, hex_field<32>(value, "link_nonce"));
  TRY(opening.match_seed, hex_field<32>(value, "match_seed"));
  body.opening = opening;
  return body;
}

Result<ReceiptBody> read_stopped(const json::Value& value) {
  StoppedReceipt body;
  TRY(body.reason, text_field(value, "reason", kMaxReason));
  TRY(const std::uint64_t since, number_field(value, "since", 0, kMaxMillis));
  body.since = unix_millis(static_cast<std::int64_t>(since));
  return body;
}

Result<ReceiptBody> read_resumed(const json::Value& value) {
  ResumedReceipt body;
  TRY(body.reason, text_field(value, "reason", kMaxReason));
  TRY(const std::uint64_t given_back, number_field(value, "given_back", 0, kMaxMillis));
  body.given_back = Millis{static_cast<std::int64_t>(given_back)};
  return body;
}

template <class Body>
Result<ReceiptBody> read_reason(const json::Value& value) {
  Body body;
  TRY(body.reason, text_field(value, "reason", kMaxReason));
  return body;
}

Result<ReceiptBody> read_silence(const json::Value& value) {
  SilenceReceipt body;
  TRY(body.party, pubkey_field(value, "party"));
  TRY(const std::uint64_t deadline, number_field(value, "deadline", 0, kMaxMillis));
  body.deadline = unix_millis(static_cast<std::int64_t>(deadline));
  TRY(const std::uint64_t kind, number_field(value, "kind", kFunding, kReveal));
  body.kind = static_cast<std::uint32_t>(kind);
  TRY(body.d, text_field(value, "d", 96));
  return body;
}

Result<ReceiptBody> read_verdict(const json::Value& value) {
  TRY(const json::Array* keys, json::get_array(value, "escrow_keys"));
  TRY(const json::Array* parties, json::get_array(value, "parties"));
  if (keys->size() != 3 || parties->size() != 2)
    return invalid("escrow_keys: expected three; parties: expected two");
  TRY(const crypto::PublicKey creator, point_from((*keys)[0], "escrow_keys[0]"));
  TRY(const crypto::PublicKey acceptor, point_from((*keys)[1], "escrow_keys[1]"));
  TRY(const crypto::PublicKey engine, point_from((*keys)[2], "escrow_keys[2]"));
  VerdictReceipt body{.terms = {},
                      .parties = {},
                      .escrow_keys = {creator, acceptor, engine},
                      .winner = {},
                      .reason = {},
                      .payouts = {},
                      .rake = {}};
  TRY(const json::Value* terms, json::get_object(value, "terms"));
  TRY(body.terms, terms_from_json(*terms));
  for (std::size_t i = 0; i < 2; ++i) {
    const std::string* hex = (*parties)[i].if_string();
    const auto party = hex == nullptr ? std::nullopt : crypto::XOnlyKey::from_hex(*hex);
    if (!party) return invalid("parties: expected 64 lower-case hex digits each");
    body.parties[i] = *party;
  }
  TRY(body.locktime, seconds_field(value, "locktime"));
  TRY(const std::string outcome, json::get_string(value, "outcome"));
  const auto named = outcome_from(outcome);
  if (!named) return invalid("outcome: expected win, draw, void or aborted");
  body.outcome = *named;
  TRY(body.winner, optional_pubkey_field(value, "winner"));
  if (body.winner.has_value() != (body.outcome == Outcome::win))
    return invalid("winner: named in a win, and only there");
  TRY(body.reason, text_field(value, "reason", kMaxReason));
  TRY(body.payouts, payouts_from(value));
  TRY(body.rake, sealed_field(value, "rake"));
  return body;
}

Result<ReceiptBody> read_claim(const json::Value& value) {
  ClaimReceipt body;
  TRY(body.event, signed_event(value, "event"));
  TRY(body.signatures, text_field(value, "signatures", kMaxEngineEvent));
  return body;
}

Result<ReceiptBody> read_refusal(const json::Value& value) {
  RefusalReceipt body;
  TRY(body.claimant, pubkey_field(value, "claimant"));
  TRY(body.attempt, attempt_field(value));
  TRY(body.code, code_field(value));
  TRY(body.reason, text_field(value, "reason", kMaxReason));
  TRY(body.rake, sealed_field(value, "rake"));
  return body;
}

Result<ReceiptBody> read_settled(const json::Value& value) {
  SettledReceipt body;
  TRY(body.claimant, pubkey_field(value, "claimant"));
  TRY(const std::uint64_t group, number_field(value, "group", 0, 1));
  body.group = static_cast<unsigned>(group);
  TRY(const std::string keyset_text, json::get_string(value, "keyset"));
  const auto keyset = cashu::KeysetId::from_hex(keyset_text);
  if (!keyset) return invalid("keyset: not a keyset id");
  TRY(const json::Array* rows, json::get_array(value, "signed"));
  if (rows->empty() || rows->size() > kMaxOutputs) return invalid("signed: expected 1 to 36 rows");
  for (const json::Value& element : *rows) {
    const json::Array* row = element.if_array();
    if (row == nullptr || (row->size() != 3 && row->size() != 5) || !(*row)[0].if_uint64()) {
      return invalid("signed: expected rows of amount, B_, C_ and the DLEQ proof's e and s");
    }
    const cashu::Amount amount = *(*row)[0].if_uint64();
    TRY(const crypto::PublicKey b, point_from((*row)[1], "signed[..][1]"));
    TRY(const crypto::PublicKey c, point_from((*row)[2], "signed[..][2]"));
    cashu::BlindSignature signature{amount, *keyset, c, {}};
    if (row->size() == 5) {
      const std::string* e_hex = (*row)[3].if_string();
      const std::string* s_hex = (*row)[4].if_string();
      const auto e = e_hex == nullptr ? std::nullopt : array_from_hex<32>(*e_hex);
      const auto s = s_hex == nullptr ? std::nullopt : array_from_hex<32>(*s_hex);
      if (!e || !s) return invalid("signed: e and s are 64 lower-case hex digits");
      signature.dleq = crypto::Dleq{*e, *s};
    }
    body.outputs.push_back({amount, *keyset, b});
    body.signatures.push_back(signature);
  }
  return body;
}

struct Form {
  std::string_view type;
  Result<ReceiptBody> (*read)(const json::Value&);
};
/// In the order of the variant.
constexpr std::array<Form, std::variant_size_v<ReceiptBody>> kForms{
    {{"challenge", read_challenge},
     {"acceptance", read_acceptance},
     {"funding", read_event<FundingReceipt>},
     {"staked", read_staked},
     {"unstaked", read_unstaked},
     {"lapsed", read_lapsed},
     {"funded", read_funded},
     {"seed", read_seed},
     {"commitment", read_event<CommitmentReceipt>},
     {"reveal", read_event<RevealReceipt>},
     {"stopped", read_stopped},
     {"resumed", read_resumed},
     {"silence", read_silence},
     {"verdict", read_verdict},
     {"claim", read_claim},
     {"refusal", read_refusal},
     {"settled", read_settled},
     {"closed", read_reason<ClosedReceipt>}}};

}  // namespace

std::string_view type_name(const ReceiptBody& body) { return kForms[body.index()].type; }

Result<ReceiptBody> read_body(std::string_view type, const json::Value& value) {
  for (const Form& form : kForms) {
    if (form.type == type) return form.read(value);
  }
  return invalid("type: unknown");
}

}  // namespace manastr::match
