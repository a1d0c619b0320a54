#include "common/crypto/ecdsa.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "common/crypto/hash.h"

namespace manastr::crypto {
namespace {

/// The signature of BOLT-11's first example, over the hash that the document prints.
TEST(Ecdsa, RecoversTheNodeOfBolt11) {
  const auto message =
      *array_from_hex<32>("6daf4d488be41ce7cbb487cab1ef2975e5efcea879b20d421f0ef86b07cbb987");
  const auto signature = *array_from_hex<65>(
      "8d3ce9e28357337f62da0162d9454df827f83cfe499aeb1c1db349d4d8112742"
      "5e434ca29929406c23bba1ae8ac6ca32880b38d4bf6ff874024cac34ba9625f1"
      "01");
  const auto key = recover(message, signature);
  ASSERT_TRUE(key);
  EXPECT_EQ(key->hex(), "03e7156ae33b0a208d0744199163177e909e80176e55d97a2f221ede0f934dd9ad");
  EXPECT_TRUE(verify_ecdsa(*key, message, signature));
}

TEST(Ecdsa, RefusesWhatNoKeyMade) {
  const Hash32 message = sha256(as_bytes("x"));
  RecoverableSignature signature{};
  EXPECT_FALSE(recover(message, signature));
  signature.fill(0xff);
  EXPECT_FALSE(recover(message, signature));
  EXPECT_FALSE(
      verify_ecdsa(SecretKey::from_hex(std::string(63, '0') + "1")->public_key(), message, signature));
}

RC_GTEST_PROP(Ecdsa, RecoversTheSigner, (const Hash32& seed, const Hash32& message)) {
  const auto key = SecretKey::parse(seed);
  RC_PRE(key.has_value());
  auto signature = sign_recoverable(*key, message);
  RC_ASSERT(recover(message, signature).value() == key->public_key());
  RC_ASSERT(verify_ecdsa(key->public_key(), message, signature));
  signature[40] ^= 1;
  RC_ASSERT(!verify_ecdsa(key->public_key(), message, signature));
  RC_ASSERT(recover(message, signature) != key->public_key());
}

}  // namespace
}  // namespace manastr::crypto
