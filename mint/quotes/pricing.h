// The money rules between units and satoshis: what a quote costs, what a payment takes, what comes back.
// Pure. Rounding is always in the mint's favour, by less than one unit or one satoshi, and happens nowhere
// else.
#pragma once
#include <optional>

#include "mint/ledger/money.h"

namespace manastr::mint {

inline constexpr Msat kMsatPerSat = 1000;

/// ceil(amount × price / 1000) whole satoshis, in msat. nullopt beyond 64 bits.
std::optional<Msat> invoice_msat(cashu::Amount amount, std::uint64_t price_msat);
/// ceil(invoice / price) units.
cashu::Amount melt_amount(Msat invoice, std::uint64_t price_msat);
/// ceil(amount × ppm / 1 000 000) units.
cashu::Amount fee_reserve(cashu::Amount amount, std::uint32_t ppm);
/// What is left of `inputs` less `input_fee` once `paid` msat have left: floor, never below 0.
cashu::Amount change_amount(cashu::Amount inputs, cashu::Amount input_fee, Msat paid,
                            std::uint64_t price_msat);
/// Powers of two up to 2^(denominations-1) that sum to `amount`, ascending; at most `count`, the largest if
/// that is too few.
std::vector<cashu::Amount> change_split(cashu::Amount amount, std::uint32_t denominations, std::size_t count);

}  // namespace manastr::mint
