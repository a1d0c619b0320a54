#include "mint/authentication/jwt.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "common/json/reader.h"
#include "tests/support/openid_provider.h"

namespace manastr::mint {
namespace {

using test::ProviderKey;
using Verdict = JwkSet::Verdict;

// RFC 7515, appendices A.2 and A.3: the same payload under RS256 and ES256.
constexpr const char* kPayload =
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
constexpr const char* kRsaKey =
    R"({"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"})";
constexpr const char* kRsaSignature =
    ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"
    "O8W2Fp5jujGbds9uJdbF9CU"
    "Ar7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_"
    "eSN9383LcOLn6_dO"
    "--xi12jzDwusC-"
    "eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN"
    "_IoypGlUPQGe77Rw";
constexpr const char* kEcKey =
    R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})";
constexpr const char* kEcSignature =
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

JwkSet keys(const std::string& list) {
  auto out = JwkSet::parse("{\"keys\":[" + list + "]}");
  EXPECT_TRUE(out) << out.error().message;
  return out ? *std::move(out) : JwkSet();
}
Verdict verify(const JwkSet& set, const std::string& token) {
  const auto jwt = Jwt::parse(token);
  EXPECT_TRUE(jwt) << jwt.error().message;
  return set.verify(jwt->algorithm, jwt->key_id, as_bytes(jwt->signed_part), jwt->signature);
}
std::string encoded(std::string_view text) { return to_base64url(as_bytes(text)); }

TEST(Jws, TheExamplesOfRfc7515AreGood) {
  const std::string rs256 = "eyJhbGciOiJSUzI1NiJ9" + std::string(kPayload);
  const std::string es256 = "eyJhbGciOiJFUzI1NiJ9" + std::string(kPayload);
  const JwkSet both = keys(std::string(kRsaKey) + "," + kEcKey);
  EXPECT_EQ(both.size(), 2U);
  EXPECT_EQ(verify(both, rs256 + kRsaSignature), Verdict::good);
  EXPECT_EQ(verify(both, es256 + kEcSignature), Verdict::good);
  EXPECT_EQ(verify(both, es256 + kRsaSignature), Verdict::bad) << "not of 64 bytes";
  EXPECT_EQ(verify(both, rs256 + kEcSignature), Verdict::bad);
  EXPECT_EQ(verify(keys(kRsaKey), es256 + kEcSignature), Verdict::no_such_key);
  const auto claims = Jwt::parse(es256 + kEcSignature)->claims;
  EXPECT_EQ(json::get_string(claims, "iss").value(), "joe");
  EXPECT_EQ(json::get_uint64(claims, "exp").value(), 1'300'819'380U);
}

TEST(Jws, OnlyTheTwoAlgorithmsAreTaken) {
  // RFC 7519, section 6.1 (unsecured) and the HS256 example of section 3.1.
  EXPECT_FALSE(Jwt::parse("eyJhbGciOiJub25lIn0" + std::string(kPayload) + "."));
  EXPECT_FALSE(Jwt::parse("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9" + std::string(kPayload) +
                          ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
  for (const char* name :
       {"none", "None", "HS256", "HS512", "RS384", "PS256", "ES256K", "EdDSA", "es256", ""}) {
    const std::string header = encoded(std::string(R"({"alg":")") + name + "\"}");
    EXPECT_FALSE(Jwt::parse(header + kPayload + kEcSignature)) << name;
  }
}

TEST(Jws, WhatIsNoTokenIsRefused) {
  const std::string payload = encoded(R"({"iss":"joe"})");
  const auto with_header = [&](const std::string& header) {
    return Jwt::parse(encoded(header) + "." + payload + ".AAAA").has_value();
  };
  EXPECT_TRUE(with_header(R"({"alg":"ES256"})"));
  EXPECT_TRUE(with_header(R"({"alg":"ES256","typ":"JWT","kid":"a"})"));
  EXPECT_TRUE(with_header(R"({"alg":"RS256","typ":"application/AT+jwt","jku":"https://evil.example"})"));
  EXPECT_FALSE(with_header(R"({"alg":"ES256","typ":"logout+jwt"})"));
  EXPECT_FALSE(with_header(R"({"alg":"ES256","crit":["b64"],"b64":false})"));
  EXPECT_FALSE(with_header(R"({"alg":"ES256","kid":7})"));
  EXPECT_FALSE(with_header(R"({"alg":["ES256"]})"));
  EXPECT_FALSE(with_header(R"({"alg":"none","alg":"ES256"})"));
  EXPECT_FALSE(with_header("[]"));
  const std::string good = encoded(R"({"alg":"ES256"})");
  for (const std::string& token :
       {std::string(), std::string("."), std::string(".."), good + "." + payload, good + "." + payload + ".",
        good + "." + payload + ".AAAA.AAAA", good + "." + payload + ".AA==", good + "=." + payload + ".AAAA",
        good + "." + encoded("7") + ".AAAA", good + "." + payload + ".A+/A"}) {
    EXPECT_FALSE(Jwt::parse(token)) << token;
  }
  EXPECT_FALSE(Jwt::parse(good + "." + payload + "." + std::string(Jwt::kMaxBytes, 'A')));
}

TEST(Jws, KeysAreChosenByTheirIdAndKind) {
  const ProviderKey first = ProviderKey::es256("a");
  const ProviderKey second = ProviderKey::es256("b");
  const ProviderKey rsa = ProviderKey::rs256("a");
  const JwkSet set = keys(first.jwk().dump() + "," + second.jwk().dump() + "," + rsa.jwk().dump());
  json::Value claims;
  claims.set("sub", "x");
  EXPECT_EQ(verify(set, first.token(claims)), Verdict::good);
  EXPECT_EQ(verify(set, second.token(claims)), Verdict::good);
  EXPECT_EQ(verify(set, rsa.token(claims)), Verdict::good) << "the same id for another kind of key";
  EXPECT_EQ(verify(set, ProviderKey::es256("c").token(claims)), Verdict::no_such_key);
  EXPECT_EQ(verify(set, ProviderKey::es256("b").token(claims)), Verdict::bad);
  EXPECT_EQ(verify(set, first.token(R"({"alg":"ES256"})", "{}")), Verdict::no_such_key) << "of which of two?";
  EXPECT_EQ(verify(set, rsa.token(R"({"alg":"RS256"})", "{}")), Verdict::good) << "there is but one";
}

TEST(Jws, AChangedTokenIsBad) {
  const ProviderKey key = ProviderKey::es256("a");
  const JwkSet set = keys(key.jwk().dump());
  rc::check("any bit of message or signature", [&](std::uint8_t bit) {
    std::string message = *rc::gen::string<std::string>();
    Bytes signature = key.sign(message);
    const auto ask = [&] { return set.verify(JwsAlgorithm::es256, "a", as_bytes(message), signature); };
    RC_ASSERT(ask() == Verdict::good);
    const auto mask = static_cast<Byte>(1U << (bit % 8));
    if (!message.empty() && bit % 2 == 0) {
      message[bit % message.size()] = static_cast<char>(message[bit % message.size()] ^ mask);
    } else {
      signature[bit % signature.size()] ^= mask;
    }
    RC_ASSERT(ask() == Verdict::bad);
  });
}

TEST(JwkSet, WeakAndStrangeKeysArePassedOver) {
  const std::string good = ProviderKey::es256("good").jwk().dump();
  const auto count = [&](const std::string& other) { return keys(good + "," + other).size() - 1; };
  EXPECT_EQ(count(ProviderKey::rs256("weak", 1'024).jwk().dump()), 0U);
  EXPECT_EQ(
      count(
          R"({"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"})"),
      0U);
  EXPECT_EQ(
      count(
          R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"})"),
      0U)
      << "not on the curve";
  EXPECT_EQ(count(R"({"kty":"EC","crv":"P-256","x":"AA","y":"AA"})"), 0U);
  const auto changed = [](const char* key, const char* extra) {
    return std::string(key).substr(0, std::string(key).size() - 1) + extra + "}";
  };
  EXPECT_EQ(count(changed(kRsaKey, R"(,"use":"enc")")), 0U);
  EXPECT_EQ(count(changed(kRsaKey, R"(,"alg":"RS512")")), 0U);
  EXPECT_EQ(count(changed(kEcKey, R"(,"key_ops":["sign"])")), 0U);
  EXPECT_EQ(count(changed(kEcKey, R"(,"key_ops":["verify"],"use":"sig","alg":"ES256")")), 1U);
  EXPECT_EQ(count(R"({"kty":"RSA","n":"AA","e":"AQAB"},7,"x",null,{})"), 0U);
  for (const char* text : {"", "{}", "[]", R"({"keys":[]})", R"({"keys":{}})", R"({"keys":[{"kty":"oct"}]})"})
    EXPECT_FALSE(JwkSet::parse(text)) << text;
  EXPECT_FALSE(JwkSet::parse(std::string(JwkSet::kMaxBytes + 1, ' ')));
}

class Claims : public testing::Test {
 protected:
  /// Whether a token with these members, beside those that a good one has, is taken; an empty value takes a
  /// member away.
  bool taken(const std::map<std::string, std::string>& changes) {
    std::map<std::string, std::string> members{{"iss", "\"https://id.example\""},
                                               {"sub", "\"alice\""},
                                               {"exp", "1800000100"},
                                               {"azp", "\"wallet\""},
                                               {"aud", "[\"account\"]"}};
    for (const auto& [name, value] : changes) members[name] = value;
    std::string text;
    for (const auto& [name, value] : members) {
      if (!value.empty()) text += (text.empty() ? "{\"" : ",\"") + name + "\":" + value;
    }
    const auto subject = check_claims(*json::parse(text + "}"), rules_, unix_seconds(1'800'000'000));
    EXPECT_TRUE(!subject || *subject == "alice" || changes.contains("sub"));
    return subject.has_value();
  }
  TokenRules rules_{"https://id.example", "wallet", "", "02aa"};
};

TEST_F(Claims, OfAGoodTokenAreTaken) {
  EXPECT_TRUE(taken({}));
  EXPECT_TRUE(taken({{"nbf", "1800000000"}, {"iat", "1799999990"}, {"jti", "\"x\""}}));
}
TEST_F(Claims, TheIssuerIsExactlyTheProvider) {
  for (const char* issuer : {"\"https://id.example/\"", "\"https://evil.example\"", "7", "", "null", "[]"})
    EXPECT_FALSE(taken({{"iss", issuer}})) << issuer;
  rules_.issuer = "";
  EXPECT_FALSE(taken({{"iss", "\"\""}}));
}
TEST_F(Claims, TimesHaveALittleLeeway) {
  EXPECT_TRUE(taken({{"exp", "1799999971"}}));
  EXPECT_FALSE(taken({{"exp", "1799999970"}}));
  EXPECT_TRUE(taken({{"exp", "1800000000.5"}})) << "RFC 7519 has fractions";
  EXPECT_TRUE(taken({{"exp", "1.8000001e9"}}));
  for (const char* never : {"", "null", "\"1800000100\"", "1e999", "-1", "true", "[1800000100]"})
    EXPECT_FALSE(taken({{"exp", never}})) << never;
  EXPECT_TRUE(taken({{"nbf", "1800000030"}}));
  EXPECT_FALSE(taken({{"nbf", "1800000031"}}));
  EXPECT_FALSE(taken({{"iat", "1800000031"}}));
  EXPECT_FALSE(taken({{"nbf", "\"soon\""}}));
}
TEST_F(Claims, TheSubjectIsSomeone) {
  EXPECT_TRUE(taken({{"sub", '"' + std::string(255, 'a') + '"'}}));
  for (const std::string& nobody : {std::string(), std::string("\"\""), std::string("7"), std::string("null"),
                                    '"' + std::string(256, 'a') + '"'}) {
    EXPECT_FALSE(taken({{"sub", nobody}})) << nobody;
  }
}
TEST_F(Claims, TokensOfOtherClientsAreRefused) {
  EXPECT_FALSE(taken({{"azp", "\"shop\""}, {"aud", "\"wallet\""}}));
  EXPECT_FALSE(taken({{"azp", "7"}}));
  EXPECT_TRUE(taken({{"azp", ""}, {"client_id", "\"wallet\""}}));
  EXPECT_FALSE(taken({{"client_id", "\"shop\""}})) << "both must be ours";
  EXPECT_FALSE(taken({{"azp", ""}})) << "for nobody in particular";
  EXPECT_TRUE(taken({{"azp", ""}, {"aud", "\"wallet\""}}));
  EXPECT_TRUE(taken({{"azp", ""}, {"aud", "[\"x\",\"wallet\"]"}}));
  EXPECT_TRUE(taken({{"azp", ""}, {"aud", "\"02aa\""}})) << "the mint's own key (NUT-21)";
  EXPECT_FALSE(taken({{"azp", ""}, {"aud", ""}}));
}
TEST_F(Claims, AnAudienceThatIsAskedForMustBeThere) {
  rules_.audience = "https://mint.example";
  EXPECT_FALSE(taken({}));
  EXPECT_TRUE(taken({{"aud", "\"https://mint.example\""}}));
  EXPECT_TRUE(taken({{"aud", "[\"account\",\"https://mint.example\"]"}, {"azp", ""}}));
  EXPECT_FALSE(taken({{"aud", "\"https://mint.example\""}, {"azp", "\"shop\""}}));
}

}  // namespace
}  // namespace manastr::mint
