#include "common/json/reader.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

namespace manastr::json {
namespace {

std::string refusal(std::string_view text, const Limits& limits = {}) {
  const auto value = parse(text, limits);
  return value ? "accepted" : value.error().message;
}

TEST(JsonReader, ReadsEveryKindOfValueInOrder) {
  const auto value = parse(R"( { "b" : [1,-2,true,false,null,"x"] , "a":{} } )");
  ASSERT_TRUE(value) << value.error().message;
  EXPECT_EQ(value->dump(), R"({"b":[1,-2,true,false,null,"x"],"a":{}})");
}

TEST(JsonReader, IntegersAreExactAndNothingElseIsOne) {
  EXPECT_EQ(parse("18446744073709551615")->if_uint64(), 18446744073709551615ULL);
  EXPECT_EQ(parse("18446744073709551615")->if_int64(), std::nullopt);
  EXPECT_EQ(parse("-9223372036854775808")->if_int64(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(parse("-1")->if_uint64(), std::nullopt);
  EXPECT_EQ(*parse("7"), Value(std::uint64_t{7}));
  for (const char* text : {"1.0", "1e3", "-0", "18446744073709551616", "-9223372036854775809", "0.5E-7"}) {
    const auto value = parse(text);
    ASSERT_TRUE(value) << text;
    EXPECT_FALSE(value->is_integer()) << text;
    EXPECT_EQ(value->if_uint64(), std::nullopt) << text;
    EXPECT_EQ(value->dump(), text);
  }
}

TEST(JsonReader, RefusesWhatIsNotJson) {
  for (const char* text : {"",
                           " ",
                           "{",
                           "[",
                           "[1",
                           "[1,",
                           "[1,]",
                           "{,}",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{a:1}",
                           "01",
                           "-",
                           "-a",
                           "1.",
                           ".5",
                           "1e",
                           "+1",
                           "0x10",
                           "tru",
                           "nul",
                           "True",
                           "NaN",
                           "Infinity",
                           "'a'",
                           "\"a",
                           "\"\\",
                           "\"\\x\"",
                           "\"\\u12\"",
                           "\"\\u12g4\"",
                           "\"\\u+123\"",
                           "1 2",
                           "[1]]",
                           "\"\t\"",
                           "\"\n\"",
                           "\xef\xbb\xbf{}",
                           "[1 2]",
                           "{\"a\":1 \"b\":2}",
                           "//x\n1"}) {
    EXPECT_FALSE(parse(text)) << text;
  }
}

TEST(JsonReader, RefusesDuplicateKeysHoweverWrittenAndHoweverMany) {
  EXPECT_EQ(refusal(R"({"a":1,"a":2})"), "JSON, byte 7: duplicate key");
  EXPECT_NE(refusal(R"({"a":1,"\u0061":2})"), "accepted");
  std::string many = "{";
  for (int i = 0; i < 300; ++i) many += "\"k" + std::to_string(i) + "\":0,";
  EXPECT_EQ(refusal(many + "\"last\":0}"), "accepted");
  EXPECT_NE(refusal(many + "\"k7\":0}"), "accepted");
  EXPECT_NE(refusal(many + "\"k299\":0}"), "accepted");
}

TEST(JsonReader, RefusesBrokenTextAndLoneSurrogates) {
  EXPECT_EQ(*parse(R"("\ud83d\ude00")")->if_string(), "\xf0\x9f\x98\x80");
  EXPECT_EQ(*parse("\"\xc3\xa9\"")->if_string(), "\xc3\xa9");
  EXPECT_EQ(*parse(R"("\u00e9\u20ac\u0000")")->if_string(), std::string("\xc3\xa9\xe2\x82\xac\0", 6));
  for (const char* text :
       {R"("\ud83d")", R"("\ude00")", R"("\ud83dx")", R"("\ud83d\n")", R"("\ud83d\ud83d")", "\"\xff\"",
        "\"\xc3\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "{\"\xff\":1}"}) {
    EXPECT_FALSE(parse(text)) << text;
  }
  EXPECT_EQ(refusal("[1,\"\xff\"]"), "JSON, byte 3: string is not UTF-8");
}

TEST(JsonReader, KeepsItsLimits) {
  Limits limits;
  limits.bytes = 64, limits.depth = 3, limits.values = 5, limits.string_bytes = 4;
  EXPECT_EQ(refusal("[[[1]]]", limits), "accepted");
  EXPECT_EQ(refusal("[[[[1]]]]", limits), "JSON, byte 3: nested too deeply");
  EXPECT_EQ(refusal("[1,2,3,4]", limits), "accepted");
  EXPECT_EQ(refusal("[1,2,3,4,5]", limits), "JSON, byte 9: too many values");
  EXPECT_EQ(refusal("\"1234\"", limits), "accepted");
  EXPECT_EQ(refusal("\"12345\"", limits), "JSON, byte 6: string too long");
  EXPECT_EQ(refusal(std::string(65, ' '), limits), "JSON: 65 bytes, at most 64 are taken");
  EXPECT_FALSE(parse(std::string(1000, '[')));
  EXPECT_FALSE(parse(std::string(101, '9')));
}

TEST(JsonValue, GettersNameTheMemberAtFault) {
  const Value value = *parse(R"({"s":"x","n":5,"m":-5,"b":true,"a":[],"o":{},"z":null})");
  EXPECT_EQ(*get_string(value, "s"), "x");
  EXPECT_EQ(*get_uint64(value, "n"), 5u);
  EXPECT_EQ(*get_int64(value, "m"), -5);
  EXPECT_TRUE(*get_bool(value, "b"));
  EXPECT_TRUE(get_array(value, "a"));
  EXPECT_TRUE(get_object(value, "o"));
  EXPECT_EQ(get_uint64(value, "m", "inputs[2]").error().message,
            "inputs[2].m: expected an integer that is not negative");
  EXPECT_EQ(get_string(value, "n").error().message, "n: expected a string");
  EXPECT_EQ(get_string(value, "q").error().message, "q: missing, expected a string");
  EXPECT_EQ(get_bool(Value(1), "q", "x").error().message, "x: expected an object");
  EXPECT_EQ(*get_optional_string(value, "q"), std::nullopt);
  EXPECT_EQ(*get_optional_string(value, "z"), std::nullopt);
  EXPECT_EQ(*get_optional_uint64(value, "n"), 5u);
  EXPECT_FALSE(get_optional_bool(value, "n"));
  EXPECT_FALSE(get_optional_string(Value(1), "q"));
}

TEST(JsonValue, WritesEscapesAsStringifyDoes) {
  EXPECT_EQ(Value("\"\\\b\f\n\r\t\x01\x1f\x7f/\xc3\xa9").dump(),
            "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\x7f/\xc3\xa9\"");
}

rc::Gen<Value> any_value(int depth) {
  auto text = rc::gen::map(rc::gen::container<std::string>(rc::gen::inRange<char>(1, 127)),
                           [](std::string s) { return Value(std::move(s)); });
  auto leaf = rc::gen::oneOf(
      text, rc::gen::map(rc::gen::arbitrary<std::int64_t>(), [](std::int64_t n) { return Value(n); }),
      rc::gen::map(rc::gen::arbitrary<std::uint64_t>(), [](std::uint64_t n) { return Value(n); }),
      rc::gen::map(rc::gen::arbitrary<bool>(), [](bool b) { return Value(b); }), rc::gen::just(Value()),
      rc::gen::just(Value("\xf0\x9f\x98\x80\xc3\xa9")), rc::gen::just(Value(Decimal{"-1.5e+300"})));
  if (depth == 0) return leaf;
  auto children = rc::gen::resize(5, rc::gen::container<std::vector<Value>>(any_value(depth - 1)));
  auto array =
      rc::gen::map(children, [](std::vector<Value> items) { return Value(Array(std::move(items))); });
  auto object = rc::gen::map(children, [](std::vector<Value> items) {
    Value out{Object{}};
    for (std::size_t i = 0; i < items.size(); ++i) out.set("k" + std::to_string(i), std::move(items[i]));
    return out;
  });
  return rc::gen::oneOf(leaf, array, object);
}

RC_GTEST_PROP(JsonValue, ParseUndoesDump, ()) {
  const Value value = *any_value(3);
  const std::string text = value.dump();
  const auto again = parse(text);
  RC_ASSERT(again.has_value());
  RC_ASSERT(*again == value);
  RC_ASSERT(again->dump() == text);
}

}  // namespace
}  // namespace manastr::json
