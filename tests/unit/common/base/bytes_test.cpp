#include "common/base/bytes.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/random.h"

namespace manastr {
namespace {

TEST(Hex, IsStrict) {
  EXPECT_EQ(to_hex(Bytes{0x00, 0xff, 0x1a}), "00ff1a");
  EXPECT_EQ(from_hex("00ff1a"), (Bytes{0x00, 0xff, 0x1a}));
  EXPECT_EQ(from_hex("FF"), std::nullopt);
  EXPECT_EQ(from_hex("fF", HexCase::any), Bytes{0xff});
  for (const char* text : {"f", "0g", "0x", " 0", "0 ", "-1"})
    EXPECT_EQ(from_hex(text, HexCase::any), std::nullopt);
  EXPECT_EQ(array_from_hex<2>("0102"), (ByteArray<2>{1, 2}));
  EXPECT_EQ(array_from_hex<2>("010203"), std::nullopt);
}

TEST(Base64, VectorsOfRfc4648) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(to_base64(as_bytes(plain)), encoded);
    EXPECT_EQ(as_text(from_base64(encoded).value()), plain);
  }
  EXPECT_EQ(to_base64url(Bytes{0xfb, 0xff}), "-_8");
  EXPECT_EQ(from_base64url("-_8="), (Bytes{0xfb, 0xff}));
}

TEST(Base64, RefusesWhatNoEncoderWrites) {
  for (const char* text :
       {"Zg", "Zg=", "Zg===", "Z", "Zh==", "Zm9=", "Zm 9v", "Zm9v\n", "=", "====", "-_8=", "Zg==Zg=="}) {
    EXPECT_EQ(from_base64(text), std::nullopt) << text;
  }
  for (const char* text : {"+/8", "Z", "-_9", "-_8==", "-_\xc3\xa9"})
    EXPECT_EQ(from_base64url(text), std::nullopt) << text;
}

RC_GTEST_PROP(Codecs, DecodeUndoesEncode, (const Bytes& bytes)) {
  RC_ASSERT(from_hex(to_hex(bytes)).value() == bytes);
  RC_ASSERT(from_base64(to_base64(bytes)).value() == bytes);
  RC_ASSERT(from_base64url(to_base64url(bytes)).value() == bytes);
}

RC_GTEST_PROP(Codecs, WhatDecodesIsWhatWouldBeWritten, (const std::string& text)) {
  if (const auto bytes = from_base64(text)) RC_ASSERT(to_base64(*bytes) == text);
  if (const auto bytes = from_hex(text)) RC_ASSERT(to_hex(*bytes) == text);
}

TEST(BigEndian, Appends) {
  Bytes out;
  append_be32(out, 0x01020304);
  append_be64(out, 0x05060708090a0b0cULL);
  EXPECT_EQ(to_hex(out), "0102030405060708090a0b0c");
}

TEST(Utf8, RefusesOverlongSurrogateAndCutForms) {
  for (const char* text : {"", "a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(is_utf8(text)) << text;
  }
  for (const char* text :
       {"\x80", "\xc3", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
        "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xe2\x82", "\xc3(", "\xff"}) {
    EXPECT_FALSE(is_utf8(text)) << text;
  }
}

Result<int> half(int n) {
  if (n % 2 != 0) return invalid("odd");
  return n / 2;
}
Result<int> quarter(int n) {
  TRY(const int once, half(n));
  TRY_STATUS(half(once));
  return once / 2;
}

TEST(Error, TryReturnsTheFirstError) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(6).error().message, "odd");
  EXPECT_EQ(quarter(3).error().message, "odd");
  EXPECT_EQ(refused(11001, "spent").error().code, 11001);
  EXPECT_EQ(unavailable("x").error().kind, ErrorKind::unavailable);
}

TEST(System, ClockAndRandomnessAreReal) {
  EXPECT_GT(count(system_clock().now_seconds()), 1'700'000'000);
  EXPECT_NE(system_random().bytes<32>(), system_random().bytes<32>());
}

}  // namespace
}  // namespace manastr
