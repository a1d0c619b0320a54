#include "engine/daemon/offer.h"

#include <algorithm>

#include "common/game/duel.h"

namespace manastr::engine {
namespace {

constexpr Seconds kMostStartDelay{60};
constexpr Seconds kLongestClaim{30 * 86'400};

Seconds up(Millis time) { return std::chrono::ceil<Seconds>(time); }

std::vector<cashu::KeysetId> active_keysets(const KnownMint& mint, const cashu::Unit& unit) {
  std::vector<cashu::KeysetId> out;
  for (const cashu::Keyset& each : mint.keysets) {
    if (each.unit == unit && each.active) out.push_back(each.id);
  }
  return out;
}

void add_offers(const AnnouncementConfiguration& wanted, const KnownMint& mint,
                std::vector<match::Offer>& out) {
  if (!mint.atomic) return;
  for (const cashu::Unit& stake : wanted.stake_units) {
    for (const cashu::Unit& prize : wanted.prize_units) {
      const auto stake_price = mint.price_msat.find(stake);
      const auto prize_price = mint.price_msat.find(prize);
      if (stake_price == mint.price_msat.end() || prize_price == mint.price_msat.end()) continue;
      match::Offer offer{.mint = mint.url,
                         .atomic = true,
                         .stake_unit = stake,
                         .stake_price_msat = stake_price->second,
                         .keysets = active_keysets(mint, stake),
                         .prize_unit = prize,
                         .prize_price_msat = prize_price->second,
                         .min_stake = wanted.min_stake,
                         .max_stake = wanted.max_stake,
                         .rake_ppm = wanted.rake_ppm};
      if (offer.keysets.empty() || active_keysets(mint, prize).empty()) continue;
      out.push_back(std::move(offer));
    }
  }
}

}  // namespace

std::optional<match::Announcement> make_announcement(const Configuration& configuration,
                                                     const MintBook& mints, const match::EngineKeys& keys) {
  const AnnouncementConfiguration& wanted = configuration.announcement;
  match::Announcement out{.escrow_key = keys.escrow(), .escrow_proof = keys.escrow_proof()};
  for (const auto& mint : mints.mints()) add_offers(wanted, *mint, out.offers);
  if (out.offers.empty()) return std::nullopt;
  out.rulebooks = {std::string(game::kDuelName) + "/" + std::to_string(game::kDuelVersion)};
  const Seconds min_step = up(wanted.min_step);
  const Seconds longest_step = std::max(min_step, up(configuration.validation.commitment_reveal_timeout));
  const Seconds longest_allowance =
      std::min(up(wanted.max_allowance), up(configuration.validation.match_timeout) / 2);
  out.min_clocks = {.start_delay = up(wanted.grace),
                    .min_step = min_step,
                    .step = min_step,
                    .party = up(wanted.min_allowance),
                    .funding = min_step,
                    .give_back = Seconds{0},
                    .claim = up(wanted.min_claim_window)};
  out.max_clocks = {.start_delay = std::max(kMostStartDelay, up(wanted.grace)),
                    .min_step = longest_step,
                    .step = longest_step,
                    .party = std::max(longest_allowance, up(wanted.min_allowance)),
                    .funding = std::max(min_step, up(wanted.funding_clock)),
                    .give_back = up(wanted.max_give_back),
                    .claim = std::max(kLongestClaim, up(wanted.min_claim_window))};
  out.work = wanted.work_bits;
  out.relays = configuration.nostr.relay_urls;
  out.max_open = up(wanted.max_open);
  out.name = wanted.name;
  return out;
}

}  // namespace manastr::engine
