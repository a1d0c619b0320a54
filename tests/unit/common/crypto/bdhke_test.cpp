#include "common/crypto/bdhke.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace manastr::crypto {
namespace {

constexpr char kGenerator[] = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
constexpr char kB[] = "02a9acc1e48c25eeeb9289b5031cc57da9fe72f3fe2861d264bdc074209b107ba2";

SecretKey secret(std::string_view hex) { return *SecretKey::from_hex(hex); }
PublicKey point(std::string_view hex) { return *PublicKey::from_hex(hex); }
std::string curve_point(std::string_view message_hex) { return hash_to_curve(*from_hex(message_hex)).hex(); }
Dleq dleq(std::string_view e, std::string_view s) { return {*array_from_hex<32>(e), *array_from_hex<32>(s)}; }

TEST(Nut00, HashToCurve) {
  const std::string zeros(63, '0');
  EXPECT_EQ(curve_point(zeros + "0"), "024cce997d3b518f739663b757deaec95bcd9473c30a14ac2fd04023a739d1a725");
  EXPECT_EQ(curve_point(zeros + "1"), "022e7158e11c9506f1aa4248bf531298daa7febd6194f003edcd9b93ade6253acf");
  EXPECT_EQ(curve_point(zeros + "2"), "026cdbe15362df59cd1dd3c9c11de8aedac2106eca69236ecd9fbe117af897be4f");
}

TEST(Nut00, BlindedMessages) {
  const auto blinded = [](std::string_view x, std::string_view r) {
    return blind(hash_to_curve(*from_hex(x)), secret(r)).hex();
  };
  EXPECT_EQ(blinded("d341ee4871f1f889041e63cf0d3823c713eea6aff01e80f1719f08f9e5be98f6",
                    "99fce58439fc37412ab3468b73db0569322588f62fb3a49182d67e23d877824a"),
            "033b1a9737a40cc3fd9b6af4b723632b76a67a36782596304612a6c2bfb5197e6d");
  EXPECT_EQ(blinded("f1aaf16c2239746f369572c0784d9dd3d032d952c2d992175873fb58fae31a60",
                    "f78476ea7cc9ade20f9e05e58a804cf19533f03ea805ece5fee88c8e2874ba50"),
            "029bdf2d716ee366eddf599ba252786c1033f47e230248a4612a5670ab931f1763");
}

TEST(Nut00, BlindSignatures) {
  const auto signature = [](const std::string& k) {
    return sign_blinded(secret(k), secret(k).public_key(), point(kB)).c_blinded.hex();
  };
  EXPECT_EQ(signature(std::string(63, '0') + "1"), kB);
  std::string sevens;
  for (int i = 0; i < 32; ++i) sevens += "7f";
  EXPECT_EQ(signature(sevens), "0398bc70ce8184d27ba89834d19f5199c84443c31131e48d3c1214db24247d005d");
}

TEST(Nut12, DeterministicNonce) {
  const auto key = secret(std::string(63, '0') + "2");
  const auto signed_blind = sign_blinded(key, key.public_key(), point(kB));
  EXPECT_EQ(signed_blind.c_blinded.hex(),
            "0244eccfc7a348274458bb38044c7f3c389b3c2086c7ec18b5812d2877ab937787");
  EXPECT_EQ(to_hex(signed_blind.dleq.e), "2a16ffee280aff3c429045607f9b8e0bf8b35910c44c1b20b9dfaf01b263d7b3");
  EXPECT_EQ(to_hex(signed_blind.dleq.s), "9df27731238334718d120d4f74611a7c668233f988e687ac3fb188f0a34a2dab");
  EXPECT_TRUE(verify_dleq(key.public_key(), point(kB), signed_blind.c_blinded, signed_blind.dleq));
}

TEST(Nut12, BlindSignatureProof) {
  const auto proof = dleq("9818e061ee51d5c8edc3342369a554998ff7b4381c8652d724cdf46429be73d9",
                          "9818e061ee51d5c8edc3342369a554998ff7b4381c8652d724cdf46429be73da");
  EXPECT_TRUE(verify_dleq(point(kGenerator), point(kB), point(kB), proof));
  auto forged = proof;
  forged.s[31] ^= 1;
  EXPECT_FALSE(verify_dleq(point(kGenerator), point(kB), point(kB), forged));
  EXPECT_FALSE(verify_dleq(point(kB), point(kB), point(kB), proof));
  EXPECT_FALSE(verify_dleq(point(kGenerator), point(kB), point(kB), Dleq{}));
}

TEST(Nut12, ProofWithBlindingFactor) {
  const auto y = hash_to_curve(as_bytes("daf4dd00a2b68a0858a80450f52c8a7d2ccf87d375e43e216e0c571f089f63e9"));
  const auto c = point("024369d2d22a80ecf78f3937da9d5f30c1b9f74f0c32684d583cca0fa6a61cdcfc");
  const auto r = secret("a6d13fcd7a18442e6076f5e1e7c887ad5de40a019824bdfa9fe740d302e8d861");
  const auto proof = dleq("b31e58ac6527f34975ffab13e70a48b6d2b0d35abc4b03f0151f09ee1a9763d4",
                          "8fbae004c59e754d71df67e392b6ae4e29293113ddc2ec86592a0431d16306d8");
  EXPECT_TRUE(verify_dleq_unblinded(point(kGenerator), y, c, r, proof));
  EXPECT_FALSE(verify_dleq_unblinded(point(kGenerator), y, point(kB), r, proof));
  EXPECT_FALSE(verify_dleq_unblinded(point(kGenerator), y, c, secret(std::string(63, '0') + "3"), proof));
}

TEST(Nut00, UnblindingToInfinityIsNoSignature) {
  const auto key = secret(std::string(63, '0') + "9");
  EXPECT_EQ(unblind(key.public_key(), secret(std::string(63, '0') + "1"), key.public_key()), std::nullopt);
}

RC_GTEST_PROP(Bdhke, BlindSignUnblindVerify,
              (const Hash32& k, const Hash32& blinding, const std::string& text)) {
  const auto key = SecretKey::parse(k);
  const auto r = SecretKey::parse(blinding);
  RC_PRE(key && r);
  const auto y = hash_to_curve(as_bytes(text));
  const auto b = blind(y, *r);
  const auto reply = sign_blinded(*key, key->public_key(), b);
  RC_ASSERT(reply.dleq == sign_blinded(*key, key->public_key(), b).dleq);
  RC_ASSERT(verify_dleq(key->public_key(), b, reply.c_blinded, reply.dleq));
  const auto c = unblind(reply.c_blinded, *r, key->public_key());
  RC_ASSERT(c.has_value());
  RC_ASSERT(verify_dleq_unblinded(key->public_key(), y, *c, *r, reply.dleq));
  RC_ASSERT(verify_unblinded(*key, y, c->bytes()));
  auto twin = c->bytes();
  twin[0] ^= 1;
  RC_ASSERT(!verify_unblinded(*key, y, twin));
  RC_ASSERT(!verify_unblinded(*key, hash_to_curve(as_bytes(text + "x")), c->bytes()));
}

}  // namespace
}  // namespace manastr::crypto
