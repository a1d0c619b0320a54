#include "mint/ledger/money.h"

#include <algorithm>

namespace manastr::mint {

std::string to_text(Wide value) {
  const bool negative = value < 0;
  std::string out;
  do {
    const int digit = static_cast<int>(value % 10);
    out += static_cast<char>('0' + (negative ? -digit : digit));
    value /= 10;
  } while (value != 0);
  if (negative) out += '-';
  std::ranges::reverse(out);
  return out;
}

}  // namespace manastr::mint
