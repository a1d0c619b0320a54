// Money across units: every sum is of thousandths of a satoshi, in 128 bits, so that no product or total can
// overflow.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/cashu/types.h"

namespace manastr::mint {

using Msat = std::uint64_t;
__extension__ using Wide = __int128;  ///< msat, or any sum of amounts

inline Wide value_of(cashu::Amount amount, std::uint64_t price_msat) {
  return Wide{amount} * Wide{price_msat};
}
/// a / b rounded up; a >= 0, b > 0.
inline Wide divide_up(Wide a, Wide b) { return (a + b - 1) / b; }
std::string to_text(Wide value);
/// Reads what to_text() writes, of at most 30 digits.
std::optional<Wide> wide_from_text(std::string_view text);
/// For gauges, where the last digits don't matter.
inline double approximate(Wide value) { return static_cast<double>(value); }

}  // namespace manastr::mint
