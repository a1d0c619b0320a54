#include "common/config/values.h"

#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

namespace manastr::config {
namespace {

/// How many letters are wrong, missing, too many or swapped with their neighbour.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), row(b.size() + 1), next(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    next[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      next[j] = std::min({row[j - 1] + (a[i - 1] != b[j - 1]), row[j] + 1, next[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        next[j] = std::min(next[j], before[j - 2] + 1);
    }
    before.swap(row);
    row.swap(next);
  }
  return row[b.size()];
}

struct DurationUnit {
  std::string_view suffix;
  std::int64_t millis;
  std::string_view name;
};
constexpr DurationUnit kUnits[] = {{"ms", 1, "milliseconds"},
                                   {"s", 1'000, "seconds"},
                                   {"m", 60'000, "minutes"},
                                   {"h", 3'600'000, "hours"},
                                   {"d", 86'400'000, "days"}};

}  // namespace

std::string nearest_name(std::string_view name, const std::set<std::string, std::less<>>& known) {
  if (name.size() > 64) return {};
  std::string best;
  std::size_t least = std::max<std::size_t>(name.size() / 3, 1) + 1;
  for (const std::string& each : known) {
    if (const std::size_t d = distance(name, each); d < least) {
      least = d;
      best = each;
    }
  }
  return best;
}

std::optional<std::uint64_t> parse_unsigned(std::string_view text) {
  std::uint64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

std::optional<std::uint32_t> parse_percent(std::string_view text) {
  const std::size_t dot = text.find('.');
  const auto whole = parse_unsigned(text.substr(0, dot));
  if (!whole || *whole > 100) return std::nullopt;
  std::uint64_t decimals = 0;
  if (dot != std::string_view::npos) {
    std::string digits(text.substr(dot + 1));
    if (digits.empty() || digits.size() > 4) return std::nullopt;
    digits.resize(4, '0');
    const auto value = parse_unsigned(digits);
    if (!value) return std::nullopt;
    decimals = *value;
  }
  const std::uint64_t ppm = *whole * 10'000 + decimals;
  if (ppm > 1'000'000) return std::nullopt;
  return static_cast<std::uint32_t>(ppm);
}

std::optional<std::uint32_t> percent_from_double(double value) {
  if (!(value >= 0 && value <= 100)) return std::nullopt;
  const double ppm = std::round(value * 10'000);
  // 0.1 has no exact double: what counts is whether four decimals write it.
  if (std::abs(ppm - value * 10'000) > 1e-6) return std::nullopt;
  return static_cast<std::uint32_t>(ppm);
}

std::optional<Millis> parse_duration(std::string_view text, Millis unit) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_unsigned(text.substr(0, digits));
  if (!number) return std::nullopt;
  std::int64_t millis = digits == text.size() ? unit.count() : 0;
  for (const DurationUnit& each : kUnits) {
    if (text.substr(digits) == each.suffix) millis = each.millis;
  }
  constexpr std::int64_t kMost = std::int64_t{1} << 53;
  if (millis == 0 || *number > static_cast<std::uint64_t>(kMost / millis)) return std::nullopt;
  return Millis{static_cast<std::int64_t>(*number) * millis};
}

std::string duration_text(Millis value) {
  const DurationUnit* best = &kUnits[0];
  for (const DurationUnit& each : kUnits) {
    if (value.count() != 0 && value.count() % each.millis == 0) best = &each;
  }
  return std::to_string(value.count() / best->millis) + std::string(best->suffix);
}

std::string unit_name(Millis unit) {
  for (const DurationUnit& each : kUnits) {
    if (unit.count() == each.millis) return std::string(each.name);
  }
  return duration_text(unit);
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> out;
  while (true) {
    const std::size_t comma = text.find(',');
    std::string_view each = text.substr(0, comma);
    const std::size_t from = std::min(each.find_first_not_of(" \t"), each.size());
    each = each.substr(from);
    if (!each.empty()) each = each.substr(0, each.find_last_not_of(" \t") + 1);
    if (!each.empty()) out.emplace_back(each);
    if (comma == std::string_view::npos) return out;
    text.remove_prefix(comma + 1);
  }
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

std::optional<std::string> normal_url(std::string_view text,
                                      std::initializer_list<std::string_view> schemes) {
  if (text.size() > 2'048) return std::nullopt;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f || c == '?' ||
        c == '#' || c == '"')
      return std::nullopt;
  }
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string scheme = lower_case(text.substr(0, colon));
  if (std::find(schemes.begin(), schemes.end(), scheme) == schemes.end()) return std::nullopt;
  std::string_view rest = text.substr(colon + 3);
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  std::string_view authority = rest.substr(0, slash);
  std::string_view path = rest.substr(slash);
  if (authority.find('@') != std::string_view::npos) return std::nullopt;
  std::string_view host = authority;
  std::string_view after;  // ":port" or ""
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    if (end == std::string_view::npos || end == 1) return std::nullopt;
    after = host.substr(end + 1);
    host = host.substr(0, end + 1);
  } else if (const std::size_t at = host.find(':'); at != std::string_view::npos) {
    after = host.substr(at);
    host = host.substr(0, at);
  }
  if (host.empty()) return std::nullopt;
  if (!after.empty()) {
    const auto port = parse_unsigned(after.substr(1));
    if (after[0] != ':' || !port || *port == 0 || *port > 65'535) return std::nullopt;
  }
  while (path.ends_with('/')) path.remove_suffix(1);
  return scheme + "://" + lower_case(authority) + std::string(path);
}

std::string expected_url(std::initializer_list<std::string_view> schemes) {
  std::string out = "a URL of the form ";
  bool first = true;
  for (const std::string_view scheme : schemes) {
    if (!std::exchange(first, false)) out += " or ";
    out += std::string(scheme) + "://host[:port]";
  }
  return out;
}

std::optional<crypto::XOnlyKey> parse_public_key(std::string_view hex) {
  std::string digits = lower_case(hex);
  if (digits.size() == 66 && (digits.starts_with("02") || digits.starts_with("03"))) digits.erase(0, 2);
  auto key = crypto::XOnlyKey::from_hex(digits);
  if (!key || !key->on_curve()) return std::nullopt;
  return key;
}

std::string shown(std::string_view text) {
  constexpr std::size_t kMost = 60;
  std::size_t cut = std::min(text.size(), kMost);
  while (cut > 0 && cut < text.size() && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80)
    --cut;  // whole characters
  std::string out = "\"";
  for (const char c : text.substr(0, cut)) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7f ? '?' : c;
  }
  if (text.size() > kMost) out += "...";
  return out + "\"";
}

std::string shown(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::string:
      return shown(std::string_view(node.as_string()->get()));
    case toml::node_type::integer:
      return std::to_string(node.as_integer()->get());
    case toml::node_type::boolean:
      return node.as_boolean()->get() ? "true" : "false";
    case toml::node_type::floating_point: {
      char text[64];
      const auto [end, error] = std::to_chars(text, text + sizeof text, node.as_floating_point()->get());
      return std::string(text, end);
    }
    case toml::node_type::array:
      return node.is_array_of_tables() ? "a list of sections" : "a list";
    case toml::node_type::table:
      return "a section";
    default:
      return "a date or time";
  }
}

}  // namespace manastr::config
