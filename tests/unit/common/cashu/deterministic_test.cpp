#include "common/cashu/deterministic.h"

#include "common/crypto/bip39.h"
#include "tests/unit/common/cashu/vectors.h"

namespace manastr::cashu {
namespace {

TEST(Nut13, Vectors) {
  const json::Value vectors = load_vectors("nut13.json");
  const auto seed = crypto::mnemonic_seed(text_of(vectors, "mnemonic")).value();
  ASSERT_EQ(array_of(vectors, "keysets").size(), 2U);
  for (const auto& vector : array_of(vectors, "keysets")) {
    const auto id = KeysetId::from_hex(text_of(vector, "id")).value();
    const auto& secrets = array_of(vector, "secrets");
    ASSERT_EQ(secrets.size(), 5U);
    for (std::size_t counter = 0; counter < secrets.size(); ++counter) {
      const auto derived = derive_secret(seed, id, counter);
      ASSERT_TRUE(derived) << derived.error().message;
      EXPECT_EQ(derived->secret, *secrets[counter].if_string());
      EXPECT_EQ(to_hex(derived->r.reveal()), *array_of(vector, "r")[counter].if_string());
    }
  }
}

TEST(Nut13, CountersOfVersion1End) {
  const auto id = KeysetId::from_hex("009a1f293253e41e").value();
  EXPECT_FALSE(derive_secret(crypto::Secret<64>{}, id, 0x80000000U));
}

}  // namespace
}  // namespace manastr::cashu
