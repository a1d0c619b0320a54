// Codecs of the parties' events 31000-31005: a struct for each content, a draft to sign, a strict parser.
// Parsers check kind, envelope, `d`, tags and content; id and signature are the caller's to have verified
// before.
#pragma once
#include <variant>

#include "common/cashu/types.h"
#include "common/match/outcome.h"
#include "common/match/terms.h"

namespace manastr::match {

/// 31000
struct Challenge {
  Hash32 d{};  ///< random
  Terms terms;
  crypto::PublicKey escrow_key;
  crypto::Signature escrow_proof{};
  Hash32 seed_commitment{};
};
/// 31001
struct Acceptance {
  Hash32 terms_hash{};
  crypto::PublicKey escrow_key;
  crypto::Signature escrow_proof{};
  Hash32 seed_commitment{};
  bool operator==(const Acceptance&) const = default;
};
/// 31002, one part of one attempt
struct Funding {
  unsigned attempt = 1;  ///< 1..8, in `d`
  unsigned part = 1;     ///< 1..parts, in `d`
  unsigned parts = 1;
  std::vector<cashu::Proof> proofs;  ///< with DLEQ, without witness
};
/// 31003
struct Commitment {
  unsigned round = 1;  ///< 1..3, in `d`
  Hash32 commitment{};
  bool operator==(const Commitment&) const = default;
};
/// 31004: round 0 opens the seed, 1..3 a move (one byte, the unit's index)
struct Reveal {
  unsigned round = 0;  ///< in `d`
  Bytes payload;       ///< 32 bytes in round 0, else 1 byte
  Hash32 nonce{};
  bool operator==(const Reveal&) const = default;
};
/// 31005
struct Claim {
  unsigned attempt = 1;            ///< in `d`
  Outcome outcome = Outcome::win;  ///< as the verdict says
  Hash32 outputs_hash{};           ///< settlement.h
  std::string sealed;              ///< NIP-44 to the engine: a SealedClaim
  bool operator==(const Claim&) const = default;
};

/// The tags that point: ["e", match, relay, creator], ["e", receipt, relay, engine], ["p", engine], ["p",
/// others...].
struct Pointers {
  MatchId match{};
  PubKey creator;
  EventId receipt{};  ///< the engine's receipt that this builds on
  PubKey engine;
  std::vector<PubKey> others;  ///< the counterparties
  std::string relay;           ///< a hint, may be empty
};

nostr::Draft to_draft(const Challenge& challenge, UnixSeconds created_at);
nostr::Draft to_draft(const Acceptance& acceptance, const Pointers& to, UnixSeconds created_at);
nostr::Draft to_draft(const Funding& funding, const Pointers& to, UnixSeconds created_at);
nostr::Draft to_draft(const Commitment& commitment, const Pointers& to, UnixSeconds created_at);
nostr::Draft to_draft(const Reveal& reveal, const Pointers& to, UnixSeconds created_at);
nostr::Draft to_draft(const Claim& claim, const Pointers& to, UnixSeconds created_at);

/// A parsed event of a party.
using Content = std::variant<Challenge, Acceptance, Funding, Commitment, Reveal, Claim>;
struct PartyEvent {
  MatchId match{};
  EventId receipt{};  ///< second `e`; zeros in a 31000
  Content content = Commitment{};
};
Result<PartyEvent> parse_party_event(const Event& event);

/// True if both say the same in the protocol's fields (id, created_at, pointer and tags aside): a retry, no
/// second move.
bool same_content(const Event& a, const Event& b);

}  // namespace manastr::match
