#include "mint/quotes/pricing.h"

#include <algorithm>
#include <limits>

namespace manastr::mint {
namespace {

std::optional<std::uint64_t> narrow(Wide value) {
  if (value < 0 || value > std::numeric_limits<std::int64_t>::max()) return std::nullopt;
  return static_cast<std::uint64_t>(value);
}

}  // namespace

std::optional<Msat> invoice_msat(cashu::Amount amount, std::uint64_t price_msat) {
  return narrow(divide_up(value_of(amount, price_msat), kMsatPerSat) * kMsatPerSat);
}

cashu::Amount melt_amount(Msat invoice, std::uint64_t price_msat) {
  return static_cast<cashu::Amount>(divide_up(invoice, price_msat));
}

cashu::Amount fee_reserve(cashu::Amount amount, std::uint32_t ppm) {
  constexpr Wide kMillion = 1'000'000;
  return static_cast<cashu::Amount>(divide_up(Wide{amount} * ppm, kMillion));
}

cashu::Amount change_amount(cashu::Amount inputs, cashu::Amount input_fee, Msat paid,
                            std::uint64_t price_msat) {
  const Wide left = (Wide{inputs} - input_fee) * price_msat - paid;
  return left <= 0 ? 0 : static_cast<cashu::Amount>(left / price_msat);
}

std::vector<cashu::Amount> change_split(cashu::Amount amount, std::uint32_t denominations,
                                        std::size_t count) {
  std::vector<cashu::Amount> out;
  for (std::uint32_t i = denominations; i-- > 0 && out.size() < count;) {
    const cashu::Amount denomination = cashu::Amount{1} << i;
    while (amount >= denomination && out.size() < count) {
      out.push_back(denomination);
      amount -= denomination;
    }
  }
  std::ranges::reverse(out);
  return out;
}

}  // namespace manastr::mint
