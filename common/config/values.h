// Single values of a configuration as text: what the getters of Section (document.h) are made of. Pure
// functions.
#pragma once
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "common/crypto/keys.h"

namespace toml {
inline namespace v3 {
class node;
}
}  // namespace toml

namespace manastr::config {

/// The known name that `name` was probably meant to be (at most a third of it mistyped), or "".
std::string nearest_name(std::string_view name, const std::set<std::string, std::less<>>& known);

/// Decimal digits alone, up to 2^64 - 1.
std::optional<std::uint64_t> parse_unsigned(std::string_view text);
/// "1.5" is 15'000 parts per million; 0 to 100, at most four decimals.
std::optional<std::uint32_t> parse_percent(std::string_view text);
std::optional<std::uint32_t> percent_from_double(double value);
/// A bare number counts `unit`s; else a number and one of ms, s, m, h, d.
std::optional<Millis> parse_duration(std::string_view text, Millis unit);
std::string duration_text(Millis value);  ///< "30s", "1500ms", "24h"
std::string unit_name(Millis unit);       ///< "seconds"
std::vector<std::string> split_list(
    std::string_view text);  ///< at commas, white space around elements taken off

/// scheme://host[:port][/path], host not empty, port 1-65535, no user information, white space, query or
/// fragment. The slash at the end is taken off, scheme and host are lower case.
std::optional<std::string> normal_url(std::string_view text, std::initializer_list<std::string_view> schemes);
std::string expected_url(std::initializer_list<std::string_view> schemes);

std::optional<crypto::XOnlyKey> parse_public_key(std::string_view hex);
std::string lower_case(std::string_view text);

/// A value for an error message: quoted, cut to 60 characters, control characters as '?'.
std::string shown(std::string_view text);
std::string shown(const toml::node& node);

}  // namespace manastr::config
