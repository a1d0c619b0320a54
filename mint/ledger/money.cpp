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

std::optional<Wide> wide_from_text(std::string_view text) {
  constexpr std::size_t kMaxDigits = 30;
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  if (text.empty() || text.size() > kMaxDigits) return std::nullopt;
  if (text.front() == '0' && (negative || text.size() > 1)) return std::nullopt;
  Wide out = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '9') return std::nullopt;
    out = out * 10 + (digit - '0');
  }
  return negative ? -out : out;
}

}  // namespace manastr::mint
