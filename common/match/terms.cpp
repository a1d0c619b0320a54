#include "common/match/terms.h"

#include <algorithm>
#include <bit>

#include "common/game/duel.h"
#include "common/match/commitment.h"
#include "common/match/fields.h"

namespace manastr::match {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr std::uint64_t kMaxSeconds = 366ULL * 86400;
constexpr std::uint64_t kMaxTime = 1ULL << 40;
constexpr std::uint64_t kMaxPrice = 1'000'000'000'000;  // msat
constexpr std::uint64_t kMaxStake = 1ULL << 48;
constexpr std::uint32_t kMillion = 1'000'000;
/// Steps in which the engine waits for the parties: seeds, and three commitments and three reveals.
constexpr int kPlaySteps = 1 + 2 * static_cast<int>(game::kChosenRounds);

struct ClockMember {
  std::string_view name;
  Seconds Clocks::* member;
};
constexpr std::array<ClockMember, 7> kClockMembers{{{"start_delay", &Clocks::start_delay},
                                                    {"min_step", &Clocks::min_step},
                                                    {"step", &Clocks::step},
                                                    {"party", &Clocks::party},
                                                    {"funding", &Clocks::funding},
                                                    {"give_back", &Clocks::give_back},
                                                    {"claim", &Clocks::claim}}};

json::Value clocks_json(const Clocks& clocks) {
  json::Value out{json::Object{}};
  for (const auto& [name, member] : kClockMembers)
    out.set(std::string(name), std::int64_t{(clocks.*member).count()});
  return out;
}

Result<Clocks> clocks_from(const json::Value& object, std::string_view key, std::string_view where) {
  TRY(const json::Value* value, json::get_object(object, key, where));
  const std::string path = path_of(where, key);
  TRY_STATUS(known_members(
      *value, {"start_delay", "min_step", "step", "party", "funding", "give_back", "claim"}, path));
  Clocks clocks;
  for (const auto& [name, member] : kClockMembers) {
    TRY(const std::uint64_t seconds, number_field(*value, name, 0, kMaxSeconds, path));
    clocks.*member = Seconds{static_cast<std::int64_t>(seconds)};
  }
  return clocks;
}

json::Value texts_json(const std::vector<std::string>& texts) {
  json::Value out{json::Array{}};
  for (const std::string& text : texts) out.push(text);
  return out;
}

Result<std::vector<std::string>> texts_from(const json::Value& object, std::string_view key,
                                            std::size_t limit, std::string_view where) {
  TRY(const json::Array* array, json::get_array(object, key, where));
  if (array->size() > limit)
    return invalid(path_of(where, key) + ": more than " + std::to_string(limit) + " elements");
  std::vector<std::string> out;
  for (const json::Value& element : *array) {
    const std::string* text = element.if_string();
    if (text == nullptr || text->empty() || text->size() > kMaxUrl) {
      return invalid(path_of(where, key) + ": expected texts of 1 to 256 bytes");
    }
    out.push_back(*text);
  }
  return out;
}

Result<cashu::Unit> unit_field(const json::Value& object, std::string_view key, std::string_view where) {
  TRY(std::string unit, json::get_string(object, key, where));
  if (!cashu::is_unit(unit)) return invalid(path_of(where, key) + ": not the name of a unit");
  return unit;
}

Result<cashu::KeysetId> keyset_from(const json::Value& value, std::string_view where) {
  const std::string* text = value.if_string();
  const auto id = text == nullptr ? std::nullopt : cashu::KeysetId::from_hex(*text);
  if (!id) return invalid(std::string(where) + ": not a keyset id", cashu::kKeysetUnknown);
  return *id;
}

json::Value offer_json(const Offer& offer) {
  json::Value keysets{json::Array{}};
  for (const cashu::KeysetId& id : offer.keysets) keysets.push(id.hex());
  json::Value out{json::Object{}};
  out.set("mint", offer.mint);
  out.set("settle", offer.atomic ? "atomic" : "swap");
  out.set("stake_unit", offer.stake_unit);
  out.set("stake_price_msat", offer.stake_price_msat);
  out.set("keysets", std::move(keysets));
  out.set("prize_unit", offer.prize_unit);
  out.set("prize_price_msat", offer.prize_price_msat);
  out.set("min_stake", offer.min_stake);
  out.set("max_stake", offer.max_stake);
  out.set("rake_ppm", std::uint64_t{offer.rake_ppm});
  return out;
}

Result<Offer> offer_from(const json::Value& value, const std::string& where) {
  Offer offer;
  TRY(offer.mint, text_field(value, "mint", kMaxUrl, where));
  TRY(const std::string settle, json::get_string(value, "settle", where));
  if (settle != "atomic" && settle != "swap") return invalid(where + ".settle: expected atomic or swap");
  offer.atomic = settle == "atomic";
  TRY(offer.stake_unit, unit_field(value, "stake_unit", where));
  TRY(offer.stake_price_msat, number_field(value, "stake_price_msat", 1, kMaxPrice, where));
  TRY(const json::Array* keysets, json::get_array(value, "keysets", where));
  if (keysets->size() > 32) return invalid(where + ".keysets: more than 32");
  for (const json::Value& id : *keysets) {
    TRY(const cashu::KeysetId keyset, keyset_from(id, where + ".keysets"));
    offer.keysets.push_back(keyset);
  }
  TRY(offer.prize_unit, unit_field(value, "prize_unit", where));
  TRY(offer.prize_price_msat, number_field(value, "prize_price_msat", 1, kMaxPrice, where));
  TRY(offer.min_stake, number_field(value, "min_stake", 1, kMaxStake, where));
  TRY(offer.max_stake, number_field(value, "max_stake", 1, kMaxStake, where));
  TRY(const std::uint64_t rake, number_field(value, "rake_ppm", 0, kMillion, where));
  offer.rake_ppm = static_cast<std::uint32_t>(rake);
  return offer;
}

bool within(const Clocks& clocks, const Clocks& min, const Clocks& max) {
  return std::all_of(kClockMembers.begin(), kClockMembers.end(), [&](const ClockMember& clock) {
    const Seconds value = clocks.*clock.member;
    return value >= min.*clock.member && value <= max.*clock.member;
  });
}

/// Each payout must fit the events that claim and settle it, in powers of two.
Status check_pieces(const Terms& terms, const Split& split) {
  const auto pieces = [](cashu::Amount amount) { return static_cast<std::size_t>(std::popcount(amount)); };
  const std::size_t loser = pieces(split.prize) + pieces(split.rake);
  const std::size_t winner = pieces(split.prize + split.rake);
  if (loser <= kMaxOutputs && winner <= kMaxOutputs && loser + winner <= kMaxClaimOutputs &&
      pieces(terms.stake) <= kMaxOutputs) {
    return {};
  }
  return invalid("prize, rake or stake fall into too many powers of two to be claimed: choose another stake");
}

}  // namespace

Seconds Clocks::play_limit() const {
  const Seconds slack = std::chrono::ceil<Seconds>(kTimerSlack);
  return 2 * party + kPlaySteps * (start_delay + min_step + slack) + give_back;
}

json::Value to_json(const Terms& terms) {
  json::Value out{json::Object{}};
  out.set("v", kVersion);
  out.set("rulebook", terms.rulebook);
  out.set("rulebook_version", terms.rulebook_version);
  out.set("engine", terms.engine.hex());
  out.set("announcement", to_hex(terms.announcement));
  out.set("mint", terms.mint);
  out.set("keyset", terms.keyset.hex());
  out.set("stake_unit", terms.stake_unit);
  out.set("stake", terms.stake);
  out.set("stake_price_msat", terms.stake_price_msat);
  out.set("prize_unit", terms.prize_unit);
  out.set("prize_price_msat", terms.prize_price_msat);
  out.set("rake_ppm", std::uint64_t{terms.rake_ppm});
  out.set("clocks", clocks_json(terms.clocks));
  out.set("relays", texts_json(terms.relays));
  out.set("open_until", std::int64_t{count(terms.open_until)});
  out.set("opponent", terms.opponent ? json::Value(terms.opponent->hex()) : json::Value());
  return out;
}

Result<Terms> terms_from_json(const json::Value& value) {
  constexpr std::string_view where = "terms";
  TRY_STATUS(known_members(value,
                           {"v", "rulebook", "rulebook_version", "engine", "announcement", "mint", "keyset",
                            "stake_unit", "stake", "stake_price_msat", "prize_unit", "prize_price_msat",
                            "rake_ppm", "clocks", "relays", "open_until", "opponent"},
                           where));
  Terms terms;
  TRY_STATUS(number_field(value, "v", kVersion, kVersion, where));
  TRY(terms.rulebook, text_field(value, "rulebook", 32, where));
  TRY(const std::uint64_t version, number_field(value, "rulebook_version", 1, 1000, where));
  terms.rulebook_version = static_cast<int>(version);
  TRY(terms.engine, pubkey_field(value, "engine", where));
  TRY(terms.announcement, hex_field<32>(value, "announcement", where));
  TRY(terms.mint, text_field(value, "mint", kMaxUrl, where));
  const json::Value* keyset = value.find("keyset");
  TRY(terms.keyset, keyset_from(keyset == nullptr ? json::Value() : *keyset, "terms.keyset"));
  TRY(terms.stake_unit, unit_field(value, "stake_unit", where));
  TRY(terms.stake, number_field(value, "stake", 1, kMaxStake, where));
  TRY(terms.stake_price_msat, number_field(value, "stake_price_msat", 1, kMaxPrice, where));
  TRY(terms.prize_unit, unit_field(value, "prize_unit", where));
  TRY(terms.prize_price_msat, number_field(value, "prize_price_msat", 1, kMaxPrice, where));
  TRY(const std::uint64_t rake, number_field(value, "rake_ppm", 0, kMillion, where));
  terms.rake_ppm = static_cast<std::uint32_t>(rake);
  TRY(terms.clocks, clocks_from(value, "clocks", where));
  TRY(terms.relays, texts_from(value, "relays", kMaxRelays, where));
  TRY(const std::uint64_t until, number_field(value, "open_until", 0, kMaxTime, where));
  terms.open_until = unix_seconds(static_cast<std::int64_t>(until));
  TRY(terms.opponent, optional_pubkey_field(value, "opponent", where));
  if (value.find("opponent") == nullptr)
    return invalid("terms.opponent: missing (null if anybody may accept)");
  return terms;
}

Hash32 terms_hash(const Terms& terms) {
  return crypto::tagged_hash("manastr/v1/terms", as_bytes(to_json(terms).dump()));
}

json::Value to_json(const Announcement& announcement) {
  json::Value offers{json::Array{}};
  for (const Offer& offer : announcement.offers) offers.push(offer_json(offer));
  json::Value out{json::Object{}};
  out.set("v", kVersion);
  out.set("type", "announcement");
  out.set("escrow_key", announcement.escrow_key.hex());
  out.set("escrow_proof", to_hex(announcement.escrow_proof));
  out.set("rulebooks", texts_json(announcement.rulebooks));
  out.set("offers", std::move(offers));
  out.set("min_clocks", clocks_json(announcement.min_clocks));
  out.set("max_clocks", clocks_json(announcement.max_clocks));
  out.set("work", std::uint64_t{announcement.work});
  out.set("relays", texts_json(announcement.relays));
  out.set("max_open", std::int64_t{announcement.max_open.count()});
  out.set("name", announcement.name);
  return out;
}

nostr::Draft announcement_draft(const Announcement& announcement, UnixSeconds created_at) {
  return {created_at,
          kEngine,
          {{"d", std::string(kAnnouncementD)}, {"t", "manastr"}},
          to_json(announcement).dump()};
}

Result<Announcement> parse_announcement(const Event& event) {
  TRY_STATUS(check_envelope(event));
  if (embedded_size(event) > kMaxEmbeddedAnnouncement) {
    return invalid("an announcement, written as a JSON string, is at most " +
                   std::to_string(kMaxEmbeddedAnnouncement) + " bytes");
  }
  if (event.kind != kEngine || event.d() != kAnnouncementD) return invalid("not an engine's announcement");
  TRY(const json::Value value, parse_content(event.content));
  TRY_STATUS(number_field(value, "v", kVersion, kVersion));
  TRY(const std::string type, json::get_string(value, "type"));
  if (type != "announcement") return invalid("type: expected announcement");
  TRY(const crypto::PublicKey escrow_key, point_field(value, "escrow_key"));
  Announcement out{.escrow_key = escrow_key};
  TRY(out.escrow_proof, hex_field<64>(value, "escrow_proof"));
  if (!check_escrow(escrow_key, out.escrow_proof, EscrowRole::engine, event.pubkey,
                    as_bytes(kAnnouncementD))) {
    return invalid("escrow_proof: not the escrow key's signature for this engine");
  }
  TRY(out.rulebooks, texts_from(value, "rulebooks", 32, ""));
  TRY(const json::Array* offers, json::get_array(value, "offers"));
  if (offers->size() > 32) return invalid("offers: more than 32");
  for (std::size_t i = 0; i < offers->size(); ++i) {
    TRY(Offer offer, offer_from((*offers)[i], "offers[" + std::to_string(i) + "]"));
    out.offers.push_back(std::move(offer));
  }
  TRY(out.min_clocks, clocks_from(value, "min_clocks", ""));
  TRY(out.max_clocks, clocks_from(value, "max_clocks", ""));
  TRY(const std::uint64_t work, number_field(value, "work", 0, 255));
  out.work = static_cast<unsigned>(work);
  TRY(out.relays, texts_from(value, "relays", 16, ""));
  TRY(const std::uint64_t max_open, number_field(value, "max_open", 1, kMaxSeconds));
  out.max_open = Seconds{static_cast<std::int64_t>(max_open)};
  TRY(out.name, text_field(value, "name", 64));
  return out;
}

Status check_terms(const Terms& terms, const Event& announcement_event, const Announcement& announcement,
                   UnixSeconds now) {
  if (terms.engine != announcement_event.pubkey) return invalid("the terms name another engine");
  if (terms.announcement != announcement_event.id) return invalid("the terms name another announcement");
  const std::string rulebook = terms.rulebook + "/" + std::to_string(terms.rulebook_version);
  if (std::find(announcement.rulebooks.begin(), announcement.rulebooks.end(), rulebook) ==
          announcement.rulebooks.end() ||
      terms.rulebook != game::kDuelName || terms.rulebook_version != game::kDuelVersion) {
    return invalid("the engine does not offer the rulebook " + rulebook);
  }
  const auto offer =
      std::find_if(announcement.offers.begin(), announcement.offers.end(), [&](const Offer& o) {
        return o.mint == terms.mint && o.stake_unit == terms.stake_unit && o.prize_unit == terms.prize_unit &&
               std::find(o.keysets.begin(), o.keysets.end(), terms.keyset) != o.keysets.end();
      });
  if (offer == announcement.offers.end()) {
    return invalid("the announcement has no offer for this mint, keyset, stake unit and prize unit");
  }
  if (terms.stake_price_msat != offer->stake_price_msat ||
      terms.prize_price_msat != offer->prize_price_msat || terms.rake_ppm != offer->rake_ppm) {
    return invalid("prices and rake must be those of the announcement");
  }
  if (!offer->atomic && terms.stake_unit != terms.prize_unit) {
    return invalid("at a mint without atomic settlement the prize is in the unit of the stakes");
  }
  if (terms.stake < offer->min_stake || terms.stake > offer->max_stake) {
    return invalid("the stake must be " + std::to_string(offer->min_stake) + " to " +
                   std::to_string(offer->max_stake) + " " + terms.stake_unit);
  }
  TRY(const Split split, split_stake(terms));
  TRY_STATUS(check_pieces(terms, split));
  if (!within(terms.clocks, announcement.min_clocks, announcement.max_clocks)) {
    return invalid("a clock lies outside what the announcement allows");
  }
  if (terms.open_until <= now) return invalid("open_until has passed");
  if (terms.open_until > now + announcement.max_open) return invalid("open_until is too far ahead");
  if (terms.relays.empty()) return invalid("the terms name no relay");
  for (const std::string& relay : terms.relays) {
    if (std::find(announcement.relays.begin(), announcement.relays.end(), relay) ==
        announcement.relays.end()) {
      return invalid("the engine does not listen at one of the relays");
    }
  }
  if (terms.opponent && !terms.opponent->on_curve()) return invalid("the opponent's key is not on the curve");
  return {};
}

Result<cashu::Amount> convert(const Terms& terms, cashu::Amount stake_amount) {
  const Wide value = static_cast<Wide>(stake_amount) * terms.stake_price_msat;
  if (terms.prize_price_msat == 0 || value % terms.prize_price_msat != 0 ||
      value / terms.prize_price_msat > UINT64_MAX) {
    return invalid(std::to_string(stake_amount) + " " + terms.stake_unit + " is no whole amount of " +
                   terms.prize_unit + ": choose another stake");
  }
  return static_cast<cashu::Amount>(value / terms.prize_price_msat);
}

Result<Split> split_stake(const Terms& terms) {
  if (terms.rake_ppm > kMillion) return invalid("the rake is more than the stake");
  const auto rake = static_cast<cashu::Amount>(static_cast<Wide>(terms.stake) * terms.rake_ppm / kMillion);
  Split split;
  TRY(split.rake, convert(terms, rake));
  TRY(const cashu::Amount whole, convert(terms, terms.stake));
  if (whole == split.rake) return invalid("the rake leaves no prize");
  split.prize = whole - split.rake;
  return split;
}

}  // namespace manastr::match
