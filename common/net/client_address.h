// Addresses of clients: as text, as ranges, and that of the client among those which proxies have written
// down (X-Forwarded-For). Pure. Used by the server, by configurations that name proxies, and by limits per
// address.
#pragma once
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/error.h"

namespace manastr::net {

/// An IPv4 or IPv6 address. IPv4 within IPv6 (::ffff:0:0/96) is IPv4.
class Address {
 public:
  /// Numeric, without port and brackets; an IPv6 zone ("%eth0") is dropped.
  static std::optional<Address> parse(std::string_view text);
  /// One text for each address (RFC 5952).
  std::string text() const;
  bool is_v6() const { return v6_; }
  unsigned bits() const { return v6_ ? 128 : 32; }
  /// The first `bits` bits of it, at most bits(), and zeros.
  Address network(unsigned bits) const;
  friend bool operator==(const Address&, const Address&) = default;

 private:
  bool v6_ = false;
  std::array<Byte, 16> bytes_{};  // of IPv4 the first four
};

/// An address or a network: "192.0.2.7", "10.0.0.0/8", "2001:db8::/32".
class AddressRange {
 public:
  /// The error says what is wrong: no address, bits behind the prefix, or a prefix of 0, which is everybody.
  static Result<AddressRange> parse(std::string_view text);
  bool contains(const Address& address) const;
  std::string text() const { return network_.text() + "/" + std::to_string(bits_); }
  friend bool operator==(const AddressRange&, const AddressRange&) = default;

 private:
  Address network_;
  unsigned bits_ = 0;
};

/// Whose request it is: `peer`, the other end of the connection, unless that is one of `proxies`. Then the
/// right-most address of `forwarded` (the X-Forwarded-For fields in their order) that is none of them, since
/// each proxy adds at the end where it has a request from, and what stands before that may be anybody's
/// invention. Where something is no address, or after kMostHops, or at the beginning: the last address
/// before.
std::string client_address(std::string_view peer, std::span<const std::string_view> forwarded,
                           std::span<const AddressRange> proxies);
inline constexpr std::size_t kMostHops = 32;

/// What limits per client count: the address, of IPv6 the network of 64 bits, which is what one subscriber
/// has at least. Another text is its own.
std::string limited_as(std::string_view address);

}  // namespace manastr::net
