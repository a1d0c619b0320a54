#include "common/cashu/quote_signature.h"

#include "tests/unit/common/cashu/vectors.h"

namespace manastr::cashu {
namespace {

TEST(Nut20, LegacyVectors) {
  const json::Value vectors = load_vectors("nut20.json");
  const auto key = crypto::PublicKey::from_hex(text_of(vectors, "pubkey")).value();
  for (const std::string name : {"valid", "invalid"}) {
    const json::Value& request = *vectors.find(name);
    const auto outputs = blinded_messages_from_json(array_of(request, "outputs"), 10, "outputs").value();
    EXPECT_EQ(to_hex(quote_signature_hash_legacy(text_of(request, "quote"), outputs)),
              text_of(vectors, "message_sha256"));
    EXPECT_EQ(verify_quote_signature(key, text_of(request, "signature"), text_of(request, "quote"), outputs),
              name == "valid");
  }
}

// The domain-separated form: quote id and two outputs of amount 1, key 1.
TEST(Nut20, DomainSeparatedVector) {
  const auto id = *KeysetId::from_hex("009a1f293253e41e");
  std::vector<BlindedMessage> outputs;
  for (const char* point : {"036d6caac248af96f6afa7f904f550253a0f3ef3f5aa2fe6838a95b216691468e2",
                            "021f8a566c205633d029094747d2e18f44e05993dda7a5f88f496078205f656e59"}) {
    outputs.push_back({1, id, crypto::PublicKey::from_hex(point).value()});
  }
  const std::string quote = "019e6d5a-2347-7000-8c81-a1e0dbf3299f";
  EXPECT_EQ(to_hex(quote_signature_hash(quote, outputs)),
            "dad25acc587637206d73398894d337f983a0ca644746e8673727eaa0b29fa9b4");
  const auto key =
      crypto::PublicKey::from_hex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
  const std::string signature =
      "0c39431338a0202568b9a1d4215c99f179cbb8ee5472ac5ae7133fbb8f99cafbb9e425ad33c60224c96b8f9f984f004379a18e"
      "9558468d12"
      "9b6b03f0da6de162";
  EXPECT_TRUE(verify_quote_signature(*key, signature, quote, outputs));
  EXPECT_FALSE(verify_quote_signature(*key, signature, quote + "x", outputs));
  outputs[0].amount = 256;
  EXPECT_FALSE(verify_quote_signature(*key, signature, quote, outputs));
}

TEST(Nut20, OwnSignaturesOfBothFormsVerify) {
  const auto key = crypto::SecretKey::from_hex(std::string(63, '0') + "7").value();
  const std::vector<BlindedMessage> outputs = {
      {1 << 20, *KeysetId::from_hex("009a1f293253e41e"), key.public_key()}};
  for (const bool legacy : {false, true}) {
    const std::string signature = sign_quote(key, "q", outputs, legacy);
    EXPECT_TRUE(verify_quote_signature(key.public_key(), signature, "q", outputs));
    EXPECT_FALSE(verify_quote_signature(key.public_key(), signature, "r", outputs));
    EXPECT_FALSE(verify_quote_signature(key.public_key(), signature, "q", {}));
  }
  EXPECT_FALSE(verify_quote_signature(key.public_key(), "", "q", outputs));
}

}  // namespace
}  // namespace manastr::cashu
