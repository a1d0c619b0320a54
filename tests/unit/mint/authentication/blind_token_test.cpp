#include "mint/authentication/blind_token.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "common/json/value.h"

namespace manastr::mint {
namespace {

constexpr const char* kPoint = "02a9acc1e48c25eeeb9289b5031cc57da9fe72f3fe2861d264bdc074209b107ba2";

std::string header(const std::string& json) { return "authA" + to_base64url(as_bytes(json)); }
std::string proof(const std::string& secret = "\"s\"", const std::string& more = "") {
  return R"({"id":"00d0a1b24d1c1a53","secret":)" + secret + R"(,"C":")" + kPoint + "\"" + more + "}";
}
int code_of(const std::string& text) {
  const auto token = BlindToken::parse(text);
  return token ? 0 : token.error().code;
}

TEST(BlindToken, IsReadWithAndWithoutPadding) {
  for (const char* secret : {"\"a\"", "\"ab\"", "\"abc\"", "\"abcd\""}) {
    std::string text = header(proof(secret));
    EXPECT_EQ(code_of(text), 0) << secret;
    while ((text.size() - 5) % 4 != 0) text += '=';
    EXPECT_EQ(code_of(text), 0) << secret;
  }
  const auto token = BlindToken::parse(header(proof()));
  ASSERT_TRUE(token);
  EXPECT_EQ(token->id.hex(), "00d0a1b24d1c1a53");
  EXPECT_EQ(token->secret, "s");
  EXPECT_EQ(to_hex(token->c), kPoint);
}

TEST(BlindToken, MayCarryWhatWalletsAdd) {
  EXPECT_EQ(code_of(header(proof("\"s\"", R"(,"amount":1)"))), 0);
  EXPECT_EQ(code_of(header(proof("\"s\"", R"(,"dleq":{"e":"","s":"","r":""},"witness":null)"))), 0);
}

TEST(BlindToken, ThatIsNoneIsRefused) {
  const std::string good = proof();
  for (const std::string& text :
       {std::string(),
        std::string("authA"),
        std::string("authA===="),
        "authB" + header(good).substr(5),
        "AUTHA" + header(good).substr(5),
        header(good).substr(5),
        header(good) + " ",
        header("[]"),
        header("{}"),
        header(good + good),
        header(proof("\"\"")),
        header(proof("7")),
        header(proof("\"s\"", R"(,"amount":2)")),
        header(proof("\"s\"", R"(,"amount":0)")),
        header(proof("\"s\"", R"(,"amount":"1")")),
        header(proof("\"s\"", R"(,"secret":"t")")),
        header(proof('"' + std::string(1'025, 'a') + '"')),
        header(R"({"id":"00d0a1b24d1c1a5","secret":"s","C":")" + std::string(kPoint) + "\"}"),
        header(R"({"id":"00d0a1b24d1c1a53","secret":"s","C":"04)" + std::string(kPoint).substr(2) + "\"}"),
        header(std::string(5'000, '['))}) {
    EXPECT_EQ(code_of(text), cashu::kBlindAuthFailed) << text;
  }
}

TEST(BlindToken, WithASpendingConditionIsRefused) {
  EXPECT_EQ(code_of(header(proof(R"("[\"P2PK\",{\"nonce\":\"00\",\"data\":\"02\",\"tags\":[]}]")"))),
            cashu::kBlindAuthFailed);
  EXPECT_EQ(code_of(header(proof(R"("[\"ANY\",{\"nonce\":\"00\",\"data\":\"02\"}]")"))),
            cashu::kBlindAuthFailed);
}

TEST(BlindToken, IsReadAsItWasWritten) {
  rc::check([] {
    BlindToken token;
    ByteArray<8> id = *rc::gen::container<ByteArray<8>>(rc::gen::arbitrary<Byte>());
    id[0] = 0;
    token.id = *cashu::KeysetId::from_bytes(id);
    token.secret = *rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::inRange<char>(0x20, 0x5a)));
    token.c = *rc::gen::container<ByteArray<33>>(rc::gen::arbitrary<Byte>());
    token.c[0] = 2 + token.c[1] % 2;
    const auto read = BlindToken::parse(token.header());
    RC_ASSERT(read.has_value());
    RC_ASSERT(*read == token);
  });
}

}  // namespace
}  // namespace manastr::mint
