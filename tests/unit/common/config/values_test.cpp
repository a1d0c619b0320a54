#include "common/config/values.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace manastr::config {
namespace {

TEST(Values, the_nearest_name_is_one_that_was_probably_meant) {
  const std::set<std::string, std::less<>> known = {"host", "port", "cors_origins", "max_connections"};
  EXPECT_EQ(nearest_name("prot", known), "port");
  EXPECT_EQ(nearest_name("hosts", known), "host");
  EXPECT_EQ(nearest_name("cors_origin", known), "cors_origins");
  EXPECT_EQ(nearest_name("max_conections", known), "max_connections");
  EXPECT_EQ(nearest_name("colour", known), "");
  EXPECT_EQ(nearest_name("x", known), "");
  EXPECT_EQ(nearest_name(std::string(10'000, 'x'), known), "");
}

TEST(Values, a_percentage_is_the_same_as_text_and_as_number) {
  EXPECT_TRUE(rc::check([] {
    const auto ppm = *rc::gen::inRange<std::uint32_t>(0, 1'000'001);
    std::string decimals = std::to_string(ppm % 10'000);
    decimals.insert(0, 4 - decimals.size(), '0');
    RC_ASSERT(parse_percent(std::to_string(ppm / 10'000) + "." + decimals) == ppm);
    RC_ASSERT(percent_from_double(ppm / 10'000.0) == ppm);
  }));
  EXPECT_EQ(parse_percent("100.0001"), std::nullopt);
  EXPECT_EQ(parse_percent("1."), std::nullopt);
  EXPECT_EQ(parse_percent(".5"), std::nullopt);
  EXPECT_EQ(parse_percent("-1"), std::nullopt);
  EXPECT_EQ(percent_from_double(0.00005), std::nullopt);
}

TEST(Values, a_duration_written_is_read_back) {
  EXPECT_TRUE(rc::check([] {
    const Millis value{*rc::gen::inRange<std::int64_t>(1, std::int64_t{1} << 50)};
    RC_ASSERT(parse_duration(duration_text(value), Millis{1}) == value);
  }));
  EXPECT_EQ(parse_duration("5", Millis{60'000}), Millis{300'000});
  EXPECT_EQ(parse_duration("", Millis{1}), std::nullopt);
  EXPECT_EQ(parse_duration("m", Millis{1}), std::nullopt);
  EXPECT_EQ(parse_duration("5 m", Millis{1}), std::nullopt);
  EXPECT_EQ(parse_duration("1.5h", Millis{1}), std::nullopt);
}

TEST(Values, what_an_error_shows_is_short_and_printable) {
  EXPECT_EQ(shown("a\nb\x7f"), "\"a?b?\"");
  EXPECT_EQ(shown(std::string(100, 'a')), "\"" + std::string(60, 'a') + "...\"");
  std::string umlauts;
  while (umlauts.size() < 100) umlauts += "xä";
  EXPECT_TRUE(is_utf8(shown(umlauts)));
}

}  // namespace
}  // namespace manastr::config
