// What makes two requests the same one, so that a retry gets the first one's reply: endpoint, inputs, outputs
// and quote, in order. Witness, DLEQ, white space and unknown members don't count.
#pragma once
#include <span>

#include "common/cashu/types.h"

namespace manastr::mint {

/// SHA-256 over endpoint, quote id, inputs (id, amount, secret, C) and outputs (id, amount, B_).
Hash32 fingerprint(std::string_view endpoint, std::span<const cashu::Proof> inputs,
                   std::span<const cashu::BlindedMessage> outputs, std::string_view quote = "");
/// Of the witnesses: two requests that differ in these alone share a fate only if the first one succeeds.
Hash32 witness_fingerprint(std::span<const cashu::Proof> inputs, std::string_view signature = "");

/// A settled group and a swap of the same inputs and outputs are the same operation.
inline constexpr std::string_view kSwapEndpoint = "swap";
inline constexpr std::string_view kMintEndpoint = "mint";
inline constexpr std::string_view kBatchEndpoint = "mint-batch";
inline constexpr std::string_view kMeltEndpoint = "melt";
inline constexpr std::string_view kBurnEndpoint = "burn";
inline constexpr std::string_view kCreditEndpoint = "credit";
inline constexpr std::string_view kBlindMintEndpoint = "auth-mint";

}  // namespace manastr::mint
