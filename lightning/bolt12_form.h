// The written form of BOLT-12 offers that the reader and the writer share. Not for other rooms.
#pragma once
#include "lightning/bolt12.h"

namespace manastr::lightning {

inline constexpr std::string_view kOfferPrefix = "lno1";
inline constexpr std::size_t kMostOfferCharacters = 7'089;

enum OfferField : std::uint64_t {
  kOfferChains = 2,
  kOfferMetadata = 4,
  kOfferCurrency = 6,
  kOfferAmount = 8,
  kOfferDescription = 10,
  kOfferFeatures = 12,
  kOfferExpiry = 14,
  kOfferPaths = 16,
  kOfferIssuer = 18,
  kOfferQuantityMax = 20,
  kOfferIssuerId = 22,
};
/// 1 to 79, and the experimental ones.
inline bool is_offer_type(std::uint64_t type) {
  return (type >= 1 && type <= 79) || (type >= 1'000'000'000 && type <= 1'999'999'999);
}

/// The rules that span fields or hold for their values. The error is the end of a sentence: "has …".
Status check_offer(const Offer& offer);

}  // namespace manastr::lightning
