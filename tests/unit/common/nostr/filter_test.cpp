#include "common/nostr/filter.h"

#include <gtest/gtest.h>

namespace manastr::nostr {
namespace {

const std::string kOnes(64, '1');
const std::string kTwos(64, '2');

Result<Filter> filter(const std::string& text) { return filter_from_json(*json::parse(text)); }

Event event() {
  Event out;
  out.id = *array_from_hex<32>(kOnes);
  out.pubkey = *crypto::XOnlyKey::from_hex(kTwos);
  out.created_at = unix_seconds(100);
  out.kind = 31000;
  out.tags = {{"d", "x"}, {"t", "one", "two"}, {"empty"}, {"e", kOnes}, {"tt", "three"}};
  return out;
}
bool matches(const std::string& text) { return filter(text).value().matches(event()); }

TEST(Filter, MatchesAsNip01Says) {
  EXPECT_TRUE(matches("{}"));
  EXPECT_TRUE(matches(R"({"ids":[")" + kTwos + R"(",")" + kOnes + R"("]})"));
  EXPECT_FALSE(matches(R"({"ids":[")" + kTwos + R"("]})"));
  EXPECT_TRUE(matches(R"({"authors":[")" + kTwos + R"("]})"));
  EXPECT_FALSE(matches(R"({"authors":[]})"));
  EXPECT_TRUE(matches(R"({"kinds":[1,31000]})"));
  EXPECT_FALSE(matches(R"({"kinds":[1]})"));
  EXPECT_TRUE(matches(R"({"since":100,"until":100,"limit":0})"));
  EXPECT_FALSE(matches(R"({"since":101})"));
  EXPECT_FALSE(matches(R"({"until":99})"));
  EXPECT_TRUE(matches(R"({"#t":["zero","one"]})"));
  EXPECT_FALSE(matches(R"({"#t":["two"]})"));
  EXPECT_FALSE(matches(R"({"#t":["three"]})"));
  EXPECT_TRUE(matches(R"({"#d":["x"],"#e":[")" + kOnes + R"("]})"));
  EXPECT_FALSE(matches(R"({"#d":["x"],"#e":[")" + kTwos + R"("]})"));
}

TEST(Filter, RefusesWhatItWouldHalfUnderstand) {
  for (const std::string text :
       {"[]", R"({"search":"x"})", R"({"ids":"x"})", R"({"ids":["11"]})", R"({"authors":[5]})",
        R"({"kinds":[65536]})", R"({"kinds":["1"]})", R"({"#tt":["x"]})", R"({"#":["x"]})", R"({"#1":["x"]})",
        R"({"#t":[1]})", R"({"#t":"x"})", R"({"#e":["x"]})", R"({"#p":["x"]})", R"({"since":-1})",
        R"({"until":1.5})", R"({"limit":-1})"}) {
    EXPECT_FALSE(filter(text)) << text;
  }
  json::Array many;
  for (int i = 0; i < 1001; ++i) many.push_back(i);
  EXPECT_FALSE(filter_from_json(json::Value().set("kinds", many)));
  many.pop_back();
  EXPECT_TRUE(filter_from_json(json::Value().set("kinds", many)));
  json::Value letters;
  for (char c = 'a'; c <= 'u'; ++c) letters.set(std::string("#") + c, json::Array{json::Value(kOnes)});
  EXPECT_FALSE(filter_from_json(letters));
}

TEST(Filter, SurvivesTheWire) {
  const std::string text = R"({"ids":[")" + kOnes + R"("],"authors":[")" + kTwos +
                           R"("],"kinds":[1,2],"#d":["x"],"#e":[],"since":1,"until":2,"limit":3})";
  EXPECT_EQ(to_json(filter(text).value()).dump(), text);
  EXPECT_EQ(to_json(Filter()).dump(), "{}");
}

}  // namespace
}  // namespace manastr::nostr
