#include "common/match/party_events.h"

#include <algorithm>

#include "common/match/commitment.h"
#include "common/match/fields.h"

namespace manastr::match {
namespace {

nostr::Draft draft(std::uint32_t kind, const Slot& slot, const Pointers& to, UnixSeconds created_at,
                   const json::Value& content) {
  nostr::Draft out{created_at, kind, {}, content.dump()};
  out.tags.push_back({"d", slot_text(kind, slot)});
  out.tags.push_back({"e", to_hex(to.match), to.relay, to.creator.hex()});
  out.tags.push_back({"e", to_hex(to.receipt), to.relay, to.engine.hex()});
  out.tags.push_back({"p", to.engine.hex()});
  for (const PubKey& other : to.others) out.tags.push_back({"p", other.hex()});
  return out;
}

Slot numbered(const Pointers& to, unsigned first, unsigned second = 0) {
  return {Slot::Form::numbers, to.match, first, second, {}};
}

struct EscrowFields {
  crypto::PublicKey key;
  crypto::Signature proof;
  Hash32 seed_commitment;
};
Result<EscrowFields> escrow_fields(const json::Value& value) {
  TRY(const crypto::PublicKey key, point_field(value, "escrow_key"));
  TRY(const auto proof, hex_field<64>(value, "escrow_proof"));
  TRY(const auto seed_commitment, hex_field<32>(value, "seed_commitment"));
  return EscrowFields{key, proof, seed_commitment};
}

Result<Content> challenge_from(const Event& event, const json::Value& value) {
  if (embedded_size(event) > kMaxEmbeddedChallenge) {
    return invalid("a challenge, written as a JSON string, is at most " +
                   std::to_string(kMaxEmbeddedChallenge) + " bytes");
  }
  TRY(const json::Value* terms, json::get_object(value, "terms"));
  TRY(Terms parsed, terms_from_json(*terms));
  TRY(const EscrowFields escrow, escrow_fields(value));
  const Hash32 d = parse_slot(kChallenge, event.d())->match;
  if (!check_escrow(escrow.key, escrow.proof, EscrowRole::create, event.pubkey, d)) {
    return invalid("escrow_proof: not the escrow key's signature for this author and d");
  }
  return Challenge{d, std::move(parsed), escrow.key, escrow.proof, escrow.seed_commitment};
}

Result<Content> acceptance_from(const Event& event, const MatchId& match, const json::Value& value) {
  TRY(const auto hash, hex_field<32>(value, "terms_hash"));
  TRY(const EscrowFields escrow, escrow_fields(value));
  if (!check_escrow(escrow.key, escrow.proof, EscrowRole::accept, event.pubkey, match)) {
    return invalid("escrow_proof: not the escrow key's signature for this author and match");
  }
  return Acceptance{hash, escrow.key, escrow.proof, escrow.seed_commitment};
}

Result<Content> funding_from(const Slot& slot, const json::Value& value) {
  Funding out{.attempt = slot.first, .part = slot.second, .proofs = {}};
  TRY(const std::uint64_t parts, number_field(value, "parts", 1, kMaxParts));
  out.parts = static_cast<unsigned>(parts);
  if (out.part > out.parts) return invalid("d names a part beyond parts");
  TRY(const json::Array* proofs, json::get_array(value, "proofs"));
  if (proofs->empty()) return invalid("proofs: none");
  TRY(out.proofs, cashu::proofs_from_json(*proofs, kMaxProofsPerPart, "proofs"));
  return out;
}

Result<Content> reveal_from(const Slot& slot, const json::Value& value) {
  Reveal out{.round = slot.first, .payload = {}};
  if (out.round == 0) {
    TRY(const auto seed, hex_field<32>(value, "seed"));
    out.payload.assign(seed.begin(), seed.end());
  } else {
    TRY(const std::uint64_t unit, number_field(value, "unit", 0, 255));
    out.payload.push_back(static_cast<Byte>(unit));
  }
  TRY(out.nonce, hex_field<32>(value, "nonce"));
  return out;
}

Result<Content> claim_from(const Slot& slot, const json::Value& value) {
  Claim out{.attempt = slot.first, .sealed = {}};
  TRY(const std::string outcome, json::get_string(value, "outcome"));
  const auto named = outcome_from(outcome);
  if (!named) return invalid("outcome: expected win, draw, void or aborted");
  out.outcome = *named;
  TRY(out.outputs_hash, hex_field<32>(value, "outputs_hash"));
  TRY(out.sealed, text_field(value, "sealed", kMaxPartyEvent));
  return out;
}

/// The pointers of everything but a 31000.
Result<EventId> receipt_pointer(const Event& event, const MatchId& match) {
  std::vector<EventId> named;
  for (const nostr::Tag& tag : event.tags) {
    if (tag[0] != "e") continue;
    const auto id = tag.size() < 2 ? std::nullopt : array_from_hex<32>(tag[1]);
    if (!id) return invalid("an e tag needs 64 lower-case hex digits");
    named.push_back(*id);
  }
  if (named.size() < 2)
    return invalid("two e tags are needed: the match, and the engine's receipt this builds on");
  if (named[0] != match) return invalid("the first e tag must name the match of the d tag");
  return named[1];
}

bool same_proofs(const std::vector<cashu::Proof>& a, const std::vector<cashu::Proof>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const cashu::Proof& x, const cashu::Proof& y) {
    return x.amount == y.amount && x.id == y.id && x.secret == y.secret && x.c == y.c && x.dleq == y.dleq;
  });
}

struct Same {
  bool operator()(const Challenge& a, const Challenge& b) const {
    return a.d == b.d && a.terms == b.terms && a.escrow_key == b.escrow_key &&
           a.seed_commitment == b.seed_commitment;
  }
  bool operator()(const Acceptance& a, const Acceptance& b) const {
    return a.terms_hash == b.terms_hash && a.escrow_key == b.escrow_key &&
           a.seed_commitment == b.seed_commitment;
  }
  bool operator()(const Funding& a, const Funding& b) const {
    return a.attempt == b.attempt && a.part == b.part && a.parts == b.parts &&
           same_proofs(a.proofs, b.proofs);
  }
  bool operator()(const Commitment& a, const Commitment& b) const { return a == b; }
  bool operator()(const Reveal& a, const Reveal& b) const { return a == b; }
  /// Sealing takes a fresh nonce; what is sealed is bound by outputs_hash.
  bool operator()(const Claim& a, const Claim& b) const {
    return a.attempt == b.attempt && a.outcome == b.outcome && a.outputs_hash == b.outputs_hash;
  }
  template <class A, class B>
  bool operator()(const A&, const B&) const {
    return false;
  }
};

}  // namespace

nostr::Draft to_draft(const Challenge& challenge, UnixSeconds created_at) {
  json::Value content{json::Object{}};
  content.set("terms", to_json(challenge.terms));
  content.set("escrow_key", challenge.escrow_key.hex());
  content.set("escrow_proof", to_hex(challenge.escrow_proof));
  content.set("seed_commitment", to_hex(challenge.seed_commitment));
  nostr::Draft out{created_at, kChallenge, {}, content.dump()};
  out.tags.push_back({"d", to_hex(challenge.d)});
  out.tags.push_back({"e", to_hex(challenge.terms.announcement), "", challenge.terms.engine.hex()});
  out.tags.push_back({"p", challenge.terms.engine.hex()});
  if (challenge.terms.opponent) out.tags.push_back({"p", challenge.terms.opponent->hex()});
  out.tags.push_back({"t", "manastr"});
  return out;
}

nostr::Draft to_draft(const Acceptance& acceptance, const Pointers& to, UnixSeconds created_at) {
  json::Value content{json::Object{}};
  content.set("terms_hash", to_hex(acceptance.terms_hash));
  content.set("escrow_key", acceptance.escrow_key.hex());
  content.set("escrow_proof", to_hex(acceptance.escrow_proof));
  content.set("seed_commitment", to_hex(acceptance.seed_commitment));
  return draft(kAcceptance, {Slot::Form::match, to.match, 0, 0, {}}, to, created_at, content);
}

nostr::Draft to_draft(const Funding& funding, const Pointers& to, UnixSeconds created_at) {
  json::Value content{json::Object{}};
  content.set("parts", std::uint64_t{funding.parts});
  content.set("proofs", cashu::to_json(funding.proofs));
  return draft(kFunding, numbered(to, funding.attempt, funding.part), to, created_at, content);
}

nostr::Draft to_draft(const Commitment& commitment, const Pointers& to, UnixSeconds created_at) {
  json::Value content{json::Object{}};
  content.set("commitment", to_hex(commitment.commitment));
  return draft(kCommitment, numbered(to, commitment.round), to, created_at, content);
}

nostr::Draft to_draft(const Reveal& reveal, const Pointers& to, UnixSeconds created_at) {
  json::Value content{json::Object{}};
  if (reveal.round == 0) {
    content.set("seed", to_hex(reveal.payload));
  } else {
    content.set("unit", std::uint64_t{reveal.payload.at(0)});
  }
  content.set("nonce", to_hex(reveal.nonce));
  return draft(kReveal, numbered(to, reveal.round), to, created_at, content);
}

nostr::Draft to_draft(const Claim& claim, const Pointers& to, UnixSeconds created_at) {
  json::Value content{json::Object{}};
  content.set("outcome", outcome_name(claim.outcome));
  content.set("outputs_hash", to_hex(claim.outputs_hash));
  content.set("sealed", claim.sealed);
  return draft(kClaim, numbered(to, claim.attempt), to, created_at, content);
}

Result<PartyEvent> parse_party_event(const Event& event) {
  TRY_STATUS(check_envelope(event));
  if (event.kind == kEngine) return invalid("kind 31006 is the engine's");
  const Slot slot = *parse_slot(event.kind, event.d());
  PartyEvent out;
  out.match = event.kind == kChallenge ? event.id : slot.match;
  if (event.kind != kChallenge) {
    TRY(out.receipt, receipt_pointer(event, out.match));
  }
  TRY(const json::Value value, parse_content(event.content));
  const auto parse = [&]() -> Result<Content> {
    switch (event.kind) {
      case kChallenge:
        return challenge_from(event, value);
      case kAcceptance:
        return acceptance_from(event, out.match, value);
      case kFunding:
        return funding_from(slot, value);
      case kReveal:
        return reveal_from(slot, value);
      case kClaim:
        return claim_from(slot, value);
      default:
        break;
    }
    TRY(const auto hash, hex_field<32>(value, "commitment"));
    return Commitment{slot.first, hash};
  };
  auto content = parse();
  if (!content) return std::unexpected(std::move(content).error());
  out.content = *std::move(content);
  return out;
}

bool same_content(const Event& a, const Event& b) {
  if (a.pubkey != b.pubkey || a.kind != b.kind || a.d() != b.d()) return false;
  const auto first = parse_party_event(a);
  const auto second = parse_party_event(b);
  return first && second && std::visit(Same{}, first->content, second->content);
}

}  // namespace manastr::match
