#include "mint/ledger/journal_lines.h"

#include <algorithm>
#include <charconv>

namespace manastr::mint {

std::optional<std::vector<std::string_view>> JournalLines::take(std::string_view first, std::size_t words) {
  const std::size_t end = left_.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view line = left_.substr(0, end);
  std::vector<std::string_view> out;
  for (bool more = true; more;) {
    const std::size_t space = line.find(' ');
    more = space != std::string_view::npos;
    out.push_back(line.substr(0, space));
    if (more) line.remove_prefix(space + 1);
    if (out.size() > words + 1) return std::nullopt;
  }
  if (out.size() != words + 1 || out.front() != first) return std::nullopt;
  out.erase(out.begin());
  left_.remove_prefix(end + 1);
  return out;
}

bool is_journal_name(std::string_view name) {
  return !name.empty() && name.size() <= 100 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.' || c == '/';
  });
}

std::optional<std::uint64_t> journal_number(std::string_view digits) {
  std::uint64_t out = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  if (digits.size() > 1 && digits.front() == '0') return std::nullopt;
  return out;
}

std::optional<Hash32> journal_hash(std::string_view hex) { return array_from_hex<32>(hex); }

}  // namespace manastr::mint
