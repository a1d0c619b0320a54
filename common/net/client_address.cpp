#include "common/net/client_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace manastr::net {
namespace {

constexpr std::size_t kLongestAddress = 64;  // with a zone, a port and brackets
constexpr unsigned kSubscriberBits = 64;
constexpr std::array<Byte, 12> kIpv4Within{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool contains(std::span<const AddressRange> ranges, const Address& address) {
  return std::ranges::any_of(ranges, [&](const AddressRange& range) { return range.contains(address); });
}

std::string_view trimmed(std::string_view text) {
  const auto from = text.find_first_not_of(" \t");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// As proxies write it: "192.0.2.7", "192.0.2.7:4711", "2001:db8::7", "[2001:db8::7]", "[2001:db8::7]:4711".
std::optional<Address> forwarded_address(std::string_view text) {
  if (text.size() > kLongestAddress) return std::nullopt;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view behind = text.substr(end + 1);
    if (!behind.empty() && !(behind.starts_with(':') && is_port(behind.substr(1)))) return std::nullopt;
    const std::string_view within = text.substr(1, end - 1);
    return within.find(':') == std::string_view::npos ? std::nullopt : Address::parse(within);
  }
  const auto colon = text.find(':');
  if (colon != std::string_view::npos && text.find(':', colon + 1) == std::string_view::npos) {
    if (!is_port(text.substr(colon + 1))) return std::nullopt;
    text = text.substr(0, colon);
  }
  return Address::parse(text);
}

}  // namespace

std::optional<Address> Address::parse(std::string_view text) {
  if (text.size() > kLongestAddress || text.find('\0') != std::string_view::npos) return std::nullopt;
  Address out;
  out.v6_ = text.find(':') != std::string_view::npos;
  if (!out.v6_) {
    return inet_pton(AF_INET, std::string(text).c_str(), out.bytes_.data()) == 1 ? std::optional(out)
                                                                                 : std::nullopt;
  }
  const std::string address(text.substr(0, text.find('%')));
  if (inet_pton(AF_INET6, address.c_str(), out.bytes_.data()) != 1) return std::nullopt;
  if (std::ranges::equal(std::span(out.bytes_).first<12>(), kIpv4Within)) {
    Address within;
    std::ranges::copy(std::span(out.bytes_).last<4>(), within.bytes_.begin());
    return within;
  }
  return out;
}

std::string Address::text() const {
  char out[INET6_ADDRSTRLEN] = {};
  inet_ntop(v6_ ? AF_INET6 : AF_INET, bytes_.data(), out, sizeof out);
  return out;
}

Address Address::network(unsigned bits) const {
  Address out = *this;
  for (unsigned i = 0; i < out.bytes_.size(); ++i) {
    const unsigned kept = bits <= i * 8 ? 0 : std::min(bits - i * 8, 8U);
    out.bytes_[i] &= static_cast<Byte>(0xff00U >> kept);
  }
  return out;
}

Result<AddressRange> AddressRange::parse(std::string_view text) {
  const auto slash = text.find('/');
  const std::string_view front = text.substr(0, slash);
  const auto address = front.find('%') == std::string_view::npos ? Address::parse(front) : std::nullopt;
  if (!address) return invalid("\"" + std::string(text.substr(0, kLongestAddress)) + "\" is no address");
  AddressRange out;
  out.bits_ = address->bits();
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    unsigned bits = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    // Of IPv4 that is written as IPv6 the prefix counts from the beginning of the IPv6 address.
    const bool within = !address->is_v6() && front.find(':') != std::string_view::npos;
    const unsigned before = within ? 96 : 0;
    if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() ||
        bits > out.bits_ + before || bits <= before) {
      return invalid("the prefix of \"" + std::string(text.substr(0, kLongestAddress)) + "\" is none of /" +
                     std::to_string(before + 1) + " to /" + std::to_string(out.bits_ + before));
    }
    out.bits_ = bits - before;
  }
  out.network_ = address->network(out.bits_);
  if (out.network_ != *address) {
    return invalid("\"" + std::string(text.substr(0, kLongestAddress)) +
                   "\" has bits behind its prefix; the network is \"" + out.text() + "\"");
  }
  return out;
}

bool AddressRange::contains(const Address& address) const {
  return address.is_v6() == network_.is_v6() && address.network(bits_) == network_;
}

std::string client_address(std::string_view peer, std::span<const std::string_view> forwarded,
                           std::span<const AddressRange> proxies) {
  std::optional<Address> client = Address::parse(peer);
  if (!client || !contains(proxies, *client)) return std::string(peer);
  std::size_t hops = 0;
  for (auto field = forwarded.rbegin(); field != forwarded.rend(); ++field) {
    for (std::string_view rest = *field; !rest.empty();) {
      const auto comma = rest.rfind(',');
      const std::string_view last = trimmed(comma == std::string_view::npos ? rest : rest.substr(comma + 1));
      rest = comma == std::string_view::npos ? std::string_view() : rest.substr(0, comma);
      if (last.empty()) continue;  // RFC 9110 section 5.6.1
      const auto before = ++hops > kMostHops ? std::nullopt : forwarded_address(last);
      if (!before) return client->text();
      client = before;
      if (!contains(proxies, *client)) return client->text();
    }
  }
  return client->text();
}

std::string limited_as(std::string_view address) {
  if (address.find(':') == std::string_view::npos) return std::string(address);
  const auto parsed = Address::parse(address);
  if (!parsed) return std::string(address);
  if (!parsed->is_v6()) return parsed->text();
  return parsed->network(kSubscriberBits).text() + "/" + std::to_string(kSubscriberBits);
}

}  // namespace manastr::net
