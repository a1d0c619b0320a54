#include "common/crypto/keys.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace manastr::crypto {
namespace {

constexpr char kGenerator[] = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
constexpr char kOrder[] = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

struct Bip340 {
  int row;
  const char *secret_key, *public_key, *aux, *message, *signature;
  bool valid;
};
/// bip-0340/test-vectors.csv, every row whose message is 32 bytes.
constexpr Bip340 kBip340[] = {
    {0, "0000000000000000000000000000000000000000000000000000000000000003",
     "f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9",
     "0000000000000000000000000000000000000000000000000000000000000000",
     "0000000000000000000000000000000000000000000000000000000000000000",
     "e907831f80848d1069a5371b402410364bdf1c5f8307b0084c55f1ce2dca8215"
     "25f66a4a85ea8b71e482a74f382d2ce5ebeee8fdb2172f477df4900d310536c0",
     true},
    {1, "b7e151628aed2a6abf7158809cf4f3c762e7160f38b4da56a784d9045190cfef",
     "dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659",
     "0000000000000000000000000000000000000000000000000000000000000001",
     "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
     "6896bd60eeae296db48a229ff71dfe071bde413e6d43f917dc8dcf8c78de3341"
     "8906d11ac976abccb20b091292bff4ea897efcb639ea871cfa95f6de339e4b0a",
     true},
    {2, "c90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b14e5c9",
     "dd308afec5777e13121fa72b9cc1b7cc0139715309b086c960e18fd969774eb8",
     "c87aa53824b4d7ae2eb035a2b5bbbccc080e76cdc6d1692c4b0b62d798e6d906",
     "7e2d58d8b3bcdf1abadec7829054f90dda9805aab56c77333024b9d0a508b75c",
     "5831aaeed7b44bb74e5eab94ba9d4294c49bcf2a60728d8b4c200f50dd313c1b"
     "ab745879a5ad954a72c45a91c3a51d3c7adea98d82f8481e0e1e03674a6f3fb7",
     true},
    {3, "0b432b2677937381aef05bb02a66ecd012773062cf3fa2549e44f58ed2401710",
     "25d1dff95105f5253c4022f628a996ad3a0d95fbf21d468a1b33f8c160d8f517",
     "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
     "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
     "7eb0509757e246f19449885651611cb965ecc1a187dd51b64fda1edc9637d5ec"
     "97582b9cb13db3933705b32ba982af5af25fd78881ebb32771fc5922efc66ea3",
     true},
    {4, "", "d69c3509bb99e412e68b0fe8544e72837dfa30746d8be2aa65975f29d22dc7b9", "",
     "4df3c3f68fcc83b27e9d42c90431a72499f17875c81a599b566c9889b9696703",
     "00000000000000000000003b78ce563f89a0ed9414f5aa28ad0d96d6795f9c63"
     "76afb1548af603b3eb45c9f8207dee1060cb71c04e80f593060b07d28308d7f4",
     true},
    {5, "", "eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34", "",
     "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
     "6cff5c3ba86c69ea4b7376f31a9bcb4f74c1976089b2d9963da2e5543e177769"
     "69e89b4c5564d00349106b8497785dd7d1d713a8ae82b32fa79d5f7fc407d39b",
     false},
    {6, "", "dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659", "",
     "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
     "fff97bd5755eeea420453a14355235d382f6472f8568a18b2f057a1460297556"
     "3cc27944640ac607cd107ae10923d9ef7a73c643e166be5ebeafa34b1ac553e2",
     false},
    {7, "", "dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659", "",
     "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
     "1fa62e331edbc21c394792d2ab1100a7b432b013df3f6ff4f99fcb33e0e1515f"
     "28890b3edb6e7189b630448b515ce4f8622a954cfe545735aaea5134fccdb2bd",
     false},
    {8, "", "dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659", "",
     "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
     "6cff5c3ba86c69ea4b7376f31a9bcb4f74c1976089b2d9963da2e5543e177769"
     "961764b3aa9b2ffcb6ef947b6887a226e8d7c93e00c5ed0c1834ff0d0c2e6da6",
     false},
    {9, "", "dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659", "",
     "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
     "0000000000000000000000000000000000000000000000000000000000000000"
     "123dda8328af9c23a94c1feecfd123ba4fb73476f0d594dcb65c6425bd186051",
     false},
    {10, "", "dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659", "",
     "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
     "0000000000000000000000000000000000000000000000000000000000000001"
     "7615fbaf5ae28864013c099742deadb4dba87f11ac6754f93780d5a1837cf197",
     false},
    {11, "", "dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659", "",
     "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
     "4a298dacae57395a15d0795ddbfd1dcb564da82b0f269bc70a74f8220429ba1d"
     "69e89b4c5564d00349106b8497785dd7d1d713a8ae82b32fa79d5f7fc407d39b",
     false},
    {12, "", "dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659", "",
     "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
     "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f"
     "69e89b4c5564d00349106b8497785dd7d1d713a8ae82b32fa79d5f7fc407d39b",
     false},
    {13, "", "dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659", "",
     "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
     "6cff5c3ba86c69ea4b7376f31a9bcb4f74c1976089b2d9963da2e5543e177769"
     "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
     false},
    {14, "", "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc30", "",
     "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
     "6cff5c3ba86c69ea4b7376f31a9bcb4f74c1976089b2d9963da2e5543e177769"
     "69e89b4c5564d00349106b8497785dd7d1d713a8ae82b32fa79d5f7fc407d39b",
     false},
};

TEST(Schnorr, Bip340Vectors) {
  for (const Bip340& vector : kBip340) {
    const auto key = XOnlyKey::from_hex(vector.public_key);
    const auto message = array_from_hex<32>(vector.message);
    const auto signature = array_from_hex<64>(vector.signature);
    ASSERT_TRUE(key && message && signature) << vector.row;
    EXPECT_EQ(verify_schnorr(*key, *message, *signature), vector.valid) << vector.row;
    if (*vector.secret_key == 0) continue;
    const auto secret = SecretKey::from_hex(vector.secret_key);
    ASSERT_TRUE(secret) << vector.row;
    EXPECT_EQ(secret->x_only(), *key) << vector.row;
    EXPECT_EQ(sign_schnorr(*secret, *message, *array_from_hex<32>(vector.aux)), *signature) << vector.row;
  }
}

TEST(PublicKey, OnlyCompressedPointsOfTheCurveParse) {
  EXPECT_TRUE(PublicKey::from_hex(kGenerator));
  EXPECT_EQ(PublicKey::from_hex(kGenerator)->hex(), kGenerator);
  EXPECT_TRUE(PublicKey::from_hex("0279BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798"));
  EXPECT_FALSE(PublicKey::from_hex("0279BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798",
                                   HexCase::lower));
  EXPECT_FALSE(PublicKey::from_hex(std::string(kGenerator).substr(2)));
  EXPECT_FALSE(PublicKey::from_hex("0579be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"));
  EXPECT_FALSE(PublicKey::from_hex("02eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34"));
  EXPECT_FALSE(
      PublicKey::from_hex("0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
                          "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"));
  EXPECT_FALSE(
      XOnlyKey::from_hex("eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34")->on_curve());
  EXPECT_TRUE(PublicKey::from_hex(kGenerator)->x_only().on_curve());
}

TEST(PublicKey, TrustedBytesEqualParsedOnes) {
  const auto parsed = *PublicKey::from_hex(kGenerator);
  const auto trusted = PublicKey::trusted(parsed.bytes());
  EXPECT_EQ(parsed, trusted);
  const auto key = *SecretKey::from_hex(std::string(63, '0') + "5");
  EXPECT_EQ(ecdh_x(key, parsed).reveal(), ecdh_x(key, trusted).reveal());
}

TEST(SecretKey, LiesInOneToOrder) {
  EXPECT_FALSE(SecretKey::from_hex(std::string(64, '0')));
  EXPECT_FALSE(SecretKey::from_hex(kOrder));
  EXPECT_FALSE(SecretKey::from_hex("fffffffffffffffffffffffffffffffeBAAEDCE6AF48A03BBFD25E8CD0364140"));
  EXPECT_TRUE(SecretKey::from_hex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140"));
  EXPECT_FALSE(SecretKey::parse(Bytes(31, 1)));
  EXPECT_EQ(SecretKey::from_hex(std::string(63, '0') + "1")->public_key().hex(), kGenerator);
}

RC_GTEST_PROP(Schnorr, SignaturesVerifyAndNothingElseDoes, (const Hash32& seed, const Hash32& message)) {
  const auto key = SecretKey::parse(seed);
  RC_PRE(key.has_value());
  auto signature = sign_schnorr(*key, message, {});
  RC_ASSERT(verify_schnorr(key->x_only(), message, signature));
  const auto at = *rc::gen::inRange<std::size_t>(0, 64);
  signature[at] ^= *rc::gen::inRange<int>(1, 256);
  RC_ASSERT(!verify_schnorr(key->x_only(), message, signature));
}

RC_GTEST_PROP(Ecdh, IsSymmetric, (const Hash32& a, const Hash32& b)) {
  const auto key_a = SecretKey::parse(a);
  const auto key_b = SecretKey::parse(b);
  RC_PRE(key_a && key_b);
  RC_ASSERT(ecdh_x(*key_a, key_b->public_key()).reveal() == ecdh_x(*key_b, key_a->public_key()).reveal());
}

}  // namespace
}  // namespace manastr::crypto
