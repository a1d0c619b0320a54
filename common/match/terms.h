// What an engine offers (the announcement) and what two parties agree on (the terms). docs/protocol.md,
// "Terms".
#pragma once
#include "common/cashu/types.h"
#include "common/match/protocol.h"

namespace manastr::match {

/// How long each may take. Milliseconds are nowhere on the wire but in receipts; these are seconds.
struct Clocks {
  Seconds start_delay{5};  ///< a clock starts this long after the receipt's time
  Seconds min_step{30};    ///< no step allows less
  Seconds step{120};       ///< nor more
  Seconds party{600};      ///< each party's allowance for the whole of the play
  Seconds funding{300};    ///< for each party's stake, beside the allowance
  Seconds give_back{600};  ///< at most this long the clocks stand still for want of relays
  Seconds claim{86400};    ///< from the hard end
  bool operator==(const Clocks&) const = default;

  /// From the acceptance: both stakes, and as long again for the mint's answers.
  Seconds funding_limit() const { return 3 * (start_delay + funding); }
  /// From the funding limit to the hard end.
  Seconds play_limit() const;
  /// From the acceptance's receipt (its second, rounded up) to the locktime of the stakes.
  Seconds to_locktime() const { return funding_limit() + play_limit() + claim + kQuietBeforeLocktime; }
};

/// The terms of a match; every member is hashed.
struct Terms {
  std::string rulebook = "duel";
  int rulebook_version = 1;
  PubKey engine;
  EventId announcement{};
  std::string mint;
  cashu::KeysetId keyset;  ///< of the stakes
  cashu::Unit stake_unit;
  cashu::Amount stake = 0;
  std::uint64_t stake_price_msat = 0;
  cashu::Unit prize_unit;
  std::uint64_t prize_price_msat = 0;
  std::uint32_t rake_ppm = 0;
  Clocks clocks;
  std::vector<std::string> relays;
  UnixSeconds open_until{};
  std::optional<PubKey> opponent;
  bool operator==(const Terms&) const = default;
};
/// Members in the order of docs/protocol.md; this text, without white space, is what terms_hash covers.
json::Value to_json(const Terms& terms);
/// Strict: a missing or an unknown member is an error (nothing unhashed may stand in the terms).
Result<Terms> terms_from_json(const json::Value& value);
Hash32 terms_hash(const Terms& terms);

/// One combination that the engine takes stakes in.
struct Offer {
  std::string mint;
  bool atomic =
      false;  ///< the mint has POST /game-engine/settle; else NUT-03, group by group, and one unit only
  cashu::Unit stake_unit;
  std::uint64_t stake_price_msat = 0;
  std::vector<cashu::KeysetId> keysets;  ///< for stakes
  cashu::Unit prize_unit;
  std::uint64_t prize_price_msat = 0;
  cashu::Amount min_stake = 1;
  cashu::Amount max_stake = 0;
  std::uint32_t rake_ppm = 0;
  bool operator==(const Offer&) const = default;
};

/// Content of the 31006 with `d` = announcement.
struct Announcement {
  crypto::PublicKey escrow_key;
  crypto::Signature escrow_proof{};
  std::vector<std::string> rulebooks;  ///< "duel/1"
  std::vector<Offer> offers;
  Clocks min_clocks;
  Clocks max_clocks;
  unsigned work = 0;  ///< NIP-13 bits that a 31000 or 31001 must have
  std::vector<std::string> relays;
  Seconds max_open{7 * 86400};  ///< open_until at most this far ahead
  std::string name = {};        ///< for people to read, at most 64 bytes, may be empty
};
json::Value to_json(const Announcement& announcement);
nostr::Draft announcement_draft(const Announcement& announcement, UnixSeconds created_at);
/// Checks kind, `d`, content and the escrow key's proof; the event's id and signature are the caller's to
/// have verified.
Result<Announcement> parse_announcement(const Event& event);

/// Terms against the announcement they name: offer, prices, bounds, exact conversion. `now` judges
/// open_until. The error is the sentence for the rejection.
Status check_terms(const Terms& terms, const Event& announcement_event, const Announcement& announcement,
                   UnixSeconds now);

/// amount of stake_unit in prize_unit, exact or refused.
Result<cashu::Amount> convert(const Terms& terms, cashu::Amount stake_amount);
/// What a losing stake pays: in stake_unit floor(stake × rake_ppm / 10^6), then converted. prize + rake = the
/// whole stake.
struct Split {
  cashu::Amount prize = 0;  ///< prize_unit
  cashu::Amount rake = 0;   ///< prize_unit
};
Result<Split> split_stake(const Terms& terms);

}  // namespace manastr::match
