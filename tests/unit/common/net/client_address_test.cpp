#include "common/net/client_address.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace manastr::net {
namespace {

std::vector<AddressRange> ranges(const std::vector<std::string>& texts) {
  std::vector<AddressRange> out;
  for (const std::string& each : texts) {
    auto range = AddressRange::parse(each);
    EXPECT_TRUE(range) << range.error().message;
    if (range) out.push_back(*range);
  }
  return out;
}

std::string client(std::string_view peer, const std::vector<std::string_view>& forwarded,
                   const std::vector<std::string>& proxies = {"127.0.0.1", "10.0.0.0/8",
                                                              "2001:db8:ff::/48"}) {
  return client_address(peer, forwarded, ranges(proxies));
}

TEST(ClientAddress, HasOneTextForEachAddress) {
  const auto text = [](std::string_view given) {
    const auto address = Address::parse(given);
    return address ? address->text() : "none";
  };
  EXPECT_EQ(text("192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(text("2001:DB8:0:0::7"), "2001:db8::7");
  EXPECT_EQ(text("::ffff:192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(text("::ffff:c000:207"), "192.0.2.7");
  EXPECT_EQ(text("fe80::1%eth0"), "fe80::1");
  EXPECT_EQ(text("::"), "::");
  for (const char* each : {"", "1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", "0x7f.1.1.1",
                           ":", ":::", "1::2::3", "2001:db8::g", "localhost", "unknown", "1.2.3.4%eth0"})
    EXPECT_EQ(text(each), "none") << each;
  EXPECT_EQ(text(std::string_view("1.2.3.4\0", 8)), "none");
  EXPECT_EQ(text("::1" + std::string(1'000, '0')), "none");
}

TEST(ClientAddress, ARangeHasItsAddressesAndNoOthers) {
  const auto in = [](std::string_view range, std::string_view address) {
    return AddressRange::parse(range)->contains(*Address::parse(address));
  };
  EXPECT_TRUE(in("192.0.2.7", "192.0.2.7"));
  EXPECT_FALSE(in("192.0.2.7", "192.0.2.8"));
  EXPECT_TRUE(in("10.0.0.0/8", "10.255.255.255"));
  EXPECT_FALSE(in("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(in("172.16.0.0/12", "172.31.0.1"));
  EXPECT_FALSE(in("172.16.0.0/12", "172.32.0.1"));
  EXPECT_TRUE(in("192.0.2.6/31", "::ffff:192.0.2.7"));
  EXPECT_TRUE(in("::ffff:10.0.0.0/104", "10.1.2.3"));
  EXPECT_TRUE(in("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(in("2001:db8::/33", "2001:db8:8000::1"));
  EXPECT_FALSE(in("::/1", "1.2.3.4")) << "IPv4 is no IPv6";
  EXPECT_TRUE(in("::1/128", "::1"));
}

TEST(ClientAddress, ARangeThatIsNoneSaysWhy) {
  const auto why = [](std::string_view text) {
    const auto range = AddressRange::parse(text);
    return range ? "fine" : range.error().message;
  };
  for (const char* each :
       {"", "proxy", "10.0.0", "10.0.0.0/8/8", "[::1]", "10.0.0.1:80", "fe80::1%eth0", "/8"})
    EXPECT_NE(why(each), "fine") << each;
  for (const char* each :
       {"10.0.0.0/", "10.0.0.0/x", "10.0.0.0/-1", "10.0.0.0/33", "10.0.0.0/ 8", "0.0.0.0/0"})
    EXPECT_NE(why(each).find("none of /1 to /32"), std::string::npos) << each << ": " << why(each);
  EXPECT_NE(why("::/0").find("none of /1 to /128"), std::string::npos);
  EXPECT_NE(why("::/129").find("none of /1 to /128"), std::string::npos);
  EXPECT_NE(why("::ffff:0.0.0.0/96").find("none of /97 to /128"), std::string::npos);
  EXPECT_EQ(why("10.0.0.1/8"), "\"10.0.0.1/8\" has bits behind its prefix; the network is \"10.0.0.0/8\"");
}

TEST(ClientAddress, WhoIsNoProxyIsNotBelieved) {
  EXPECT_EQ(client("192.0.2.1", {"198.51.100.9"}), "192.0.2.1");
  EXPECT_EQ(client("192.0.2.1", {}), "192.0.2.1");
  EXPECT_EQ(client("unknown", {"198.51.100.9"}), "unknown");
  EXPECT_EQ(client("127.0.0.1", {"198.51.100.9"}, {}), "127.0.0.1");
}

TEST(ClientAddress, IsTheRightMostThatNoProxyHas) {
  EXPECT_EQ(client("127.0.0.1", {"198.51.100.9"}), "198.51.100.9");
  EXPECT_EQ(client("::ffff:127.0.0.1", {"198.51.100.9"}), "198.51.100.9");
  EXPECT_EQ(client("127.0.0.1", {"203.0.113.1, 198.51.100.9"}), "198.51.100.9")
      << "the first is its invention";
  EXPECT_EQ(client("127.0.0.1", {"198.51.100.9, 10.1.2.3"}), "198.51.100.9");
  EXPECT_EQ(client("2001:db8:ff::1", {"203.0.113.1,198.51.100.9 ,10.1.2.3,  2001:db8:ff::2"}),
            "198.51.100.9");
  EXPECT_EQ(client("127.0.0.1", {"203.0.113.1", "198.51.100.9", "10.1.2.3"}), "198.51.100.9")
      << "three fields";
  EXPECT_EQ(client("127.0.0.1", {"10.0.0.1, 10.1.2.3"}), "10.0.0.1") << "proxies alone: the farthest";
  EXPECT_EQ(client("127.0.0.1", {}), "127.0.0.1");
  EXPECT_EQ(client("127.0.0.1", {"", " ", ",, ,"}), "127.0.0.1");
  EXPECT_EQ(client("127.0.0.1", {"198.51.100.9, , "}), "198.51.100.9") << "empty elements are none";
}

TEST(ClientAddress, IsReadAsProxiesWriteIt) {
  EXPECT_EQ(client("127.0.0.1", {"198.51.100.9:4711"}), "198.51.100.9");
  EXPECT_EQ(client("127.0.0.1", {"[2001:DB8::7]:4711"}), "2001:db8::7");
  EXPECT_EQ(client("127.0.0.1", {"[2001:db8::7]"}), "2001:db8::7");
  EXPECT_EQ(client("127.0.0.1", {"2001:db8::7"}), "2001:db8::7");
  EXPECT_EQ(client("127.0.0.1", {"fe80::1%eth0"}), "fe80::1");
  EXPECT_EQ(client("127.0.0.1", {"::ffff:198.51.100.9"}), "198.51.100.9");
  EXPECT_EQ(client("127.0.0.1", {"\t198.51.100.9\t"}), "198.51.100.9");
}

TEST(ClientAddress, WhatIsMalformedEndsWithTheLastThatIsNot) {
  for (const char* each : {"unknown", "_hidden", "198.51.100.9:", "198.51.100.9:x", "198.51.100.9:123456",
                           "[198.51.100.9]", "[2001:db8::7", "[2001:db8::7]x", "[2001:db8::7]:", "198.51.100",
                           "for=198.51.100.9", "\"198.51.100.9\"", "<script>", "198.51.100.9 198.51.100.8"}) {
    EXPECT_EQ(client("127.0.0.1", {each}), "127.0.0.1") << each;
    EXPECT_EQ(client("127.0.0.1", {"203.0.113.1", each, "10.1.2.3"}), "10.1.2.3") << each;
  }
  EXPECT_EQ(client("127.0.0.1", {std::string(15'000, '1')}), "127.0.0.1");
}

TEST(ClientAddress, FollowsSoManyProxiesAndNoMore) {
  std::string chain = "198.51.100.9";
  for (std::size_t i = 1; i < kMostHops; ++i) chain += ", 10.0.0." + std::to_string(i);
  EXPECT_EQ(client("127.0.0.1", {chain}), "198.51.100.9");
  EXPECT_EQ(client("127.0.0.1", {chain + ", 10.0.1.1"}), "10.0.0.1");
}

RC_GTEST_PROP(ClientAddress, NobodyChoosesTheAddressThatAProxySaw, (const std::string& invented)) {
  std::string field;
  for (const char c : invented) field += c == '\0' ? '0' : c;
  RC_ASSERT(client("127.0.0.1", {field, "198.51.100.9"}) == "198.51.100.9");
  RC_ASSERT(client("127.0.0.1", {field + ", 198.51.100.9"}) == "198.51.100.9");
}

TEST(ClientAddress, LimitsCountIpv6BySubscriber) {
  EXPECT_EQ(limited_as("192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(limited_as("::ffff:192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(limited_as("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  EXPECT_EQ(limited_as("2001:db8:1:2::9"), limited_as("2001:db8:1:2:ffff::"));
  EXPECT_NE(limited_as("2001:db8:1:2::9"), limited_as("2001:db8:1:3::9"));
  EXPECT_EQ(limited_as("unknown"), "unknown");
}

}  // namespace
}  // namespace manastr::net
