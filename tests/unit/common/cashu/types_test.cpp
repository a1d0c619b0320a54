#include "common/cashu/types.h"

#include <limits>

#include "tests/unit/common/cashu/generators.h"
#include "tests/unit/common/cashu/vectors.h"

namespace manastr::cashu {
namespace {

Keyset keyset_of(const json::Value& vector) {
  Keyset keyset;
  keyset.keys = keys_from_json(*vector.find("keys")).value();
  keyset.id = KeysetId::from_hex(text_of(vector, "id")).value();
  keyset.unit = json::get_optional_string(vector, "unit").value().value_or("sat");
  keyset.input_fee_ppk = json::get_optional_uint64(vector, "fee").value().value_or(0);
  if (const auto expiry = json::get_optional_uint64(vector, "expiry").value()) {
    keyset.final_expiry = unix_seconds(static_cast<std::int64_t>(*expiry));
  }
  return keyset;
}

TEST(Nut01, KeysThatAreNoPointsAreRefused) {
  const json::Value vectors = load_vectors("nut01.json");
  for (const auto& keys : array_of(vectors, "refused")) EXPECT_FALSE(keys_from_json(keys));
  for (const auto& keys : array_of(vectors, "accepted")) {
    const auto parsed = keys_from_json(keys);
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(to_json(*parsed), keys);
  }
}

TEST(Nut01, AmountsOfKeysAreStrict) {
  const std::string key = R"("03a40f20667ed53513075dc51e715ff2046cad64eb68960632269ba7f0210e38bc")";
  for (const std::string amount : {"0", "01", "+1", "1.0", "-1", "", "18446744073709551616", "1e3", " 1"}) {
    EXPECT_FALSE(keys_from_json(json::parse("{\"" + amount + "\":" + key + "}").value())) << amount;
  }
  EXPECT_TRUE(keys_from_json(json::parse("{\"18446744073709551615\":" + key + "}").value()));
  EXPECT_FALSE(keys_from_json(json::parse("{}").value()));
}

TEST(Nut02, IdsOfVersion1) {
  const json::Value vectors = load_vectors("nut02.json");
  for (const auto& vector : array_of(vectors, "v1")) {
    EXPECT_EQ(derive_keyset_id_v1(keyset_of(vector).keys).hex(), text_of(vector, "id"));
    EXPECT_TRUE(id_matches(keyset_of(vector)));
  }
}

TEST(Nut02, IdsOfVersion2BindUnitFeeAndExpiry) {
  const json::Value vectors = load_vectors("nut02.json");
  for (const auto& vector : array_of(vectors, "v2")) {
    const Keyset keyset = keyset_of(vector);
    EXPECT_EQ(derive_keyset_id_v2(keyset.keys, keyset.unit, keyset.input_fee_ppk, keyset.final_expiry).hex(),
              text_of(vector, "id"));
    EXPECT_TRUE(id_matches(keyset));
    Keyset other = keyset;
    other.unit = "mana";
    EXPECT_FALSE(id_matches(other));
    other = keyset;
    other.input_fee_ppk += 1;
    EXPECT_FALSE(id_matches(other));
    other = keyset;
    other.final_expiry = unix_seconds(1);
    EXPECT_FALSE(id_matches(other));
  }
}

TEST(Nut02, OnlyFullIdsAreIds) {
  EXPECT_TRUE(KeysetId::from_hex("00456a94ab4e1c46"));
  EXPECT_FALSE(KeysetId::from_hex("00456A94AB4E1C46"));
  EXPECT_FALSE(KeysetId::from_hex("015ba18a8adcd02e"));  // the short form stands in tokens only
  EXPECT_FALSE(KeysetId::from_hex("02" + std::string(64, '0')));
  EXPECT_FALSE(KeysetId::from_hex(""));
  EXPECT_FALSE(KeysetId::from_bytes(Bytes(8, 1)));
}

TEST(Nut02, FeesAreRoundedUpOverAllInputsTogether) {
  EXPECT_EQ(fee_of_ppk_sum(0), 0U);
  EXPECT_EQ(fee_of_ppk_sum(1), 1U);
  EXPECT_EQ(fee_of_ppk_sum(300), 1U);
  EXPECT_EQ(fee_of_ppk_sum(1000), 1U);
  EXPECT_EQ(fee_of_ppk_sum(1001), 2U);
  EXPECT_EQ(fee_of_ppk_sum(std::numeric_limits<std::uint64_t>::max()), std::nullopt);
}

TEST(Amounts, AdditionNoticesOverflow) {
  const Amount most = std::numeric_limits<Amount>::max();
  EXPECT_EQ(add(most, 0), most);
  EXPECT_EQ(add(most, 1), std::nullopt);
  std::vector<BlindSignature> none;
  EXPECT_EQ(sum_amounts(none), 0U);
}

TEST(Amounts, ASplitIsAscendingPowersOfTwoAndSumsUp) {
  EXPECT_TRUE(rc::check("split_amount", [](Amount amount) {
    Amount sum = 0;
    Amount last = 0;
    for (const Amount part : split_amount(amount)) {
      RC_ASSERT(std::has_single_bit(part));
      RC_ASSERT(part > last);
      last = part;
      sum += part;
    }
    RC_ASSERT(sum == amount);
  }));
}

TEST(Units, AreLowerCase) {
  EXPECT_TRUE(is_unit("mana"));
  EXPECT_TRUE(is_unit("credit-2_x"));
  EXPECT_FALSE(is_unit(""));
  EXPECT_FALSE(is_unit("Mana"));
  EXPECT_FALSE(is_unit("ma na"));
  EXPECT_FALSE(is_unit(std::string(33, 'a')));
}

TEST(ProofJson, WhatIsWrittenIsRead) {
  EXPECT_TRUE(rc::check("proof round trip", [] {
    const Proof proof = *arbitrary_proof();
    const auto text = to_json(proof).dump();
    const auto parsed = json::parse(text);
    RC_ASSERT(parsed.has_value());
    const auto again = proof_from_json(*parsed);
    RC_ASSERT(again.has_value());
    RC_ASSERT(same(*again, proof));
    RC_ASSERT(to_json(*again).dump() == text);
  }));
}

constexpr const char* kProof =
    R"({"amount":1,"id":"009a1f293253e41e","secret":"x","C":"02698c4e2b5f9534cd0687d87513c759790cf829aa5739184a3e3735471fbda904")";

Result<Proof> proof_with(const std::string& more) {
  return proof_from_json(json::parse(kProof + more + "}").value(), "inputs[3]");
}

TEST(ProofJson, TheWitnessMayBeAnObjectOrAString) {
  EXPECT_EQ(proof_with(R"(,"witness":{"signatures":["ab"]})")->witness, R"({"signatures":["ab"]})");
  EXPECT_EQ(proof_with(R"(,"witness":"{\"signatures\":[\"ab\"]}")")->witness, R"({"signatures":["ab"]})");
  EXPECT_EQ(proof_with(R"(,"witness":null)")->witness, std::nullopt);
  EXPECT_FALSE(proof_with(R"(,"witness":[1])"));
  EXPECT_FALSE(proof_with(",\"witness\":\"" + std::string(kMaxWitnessBytes + 1, 'a') + "\""));
}

TEST(ProofJson, ForeignMembersAreIgnored) { EXPECT_TRUE(proof_with(R"(,"p2pk_e":"02ab","x":[1,2])")); }

TEST(ProofJson, ErrorsNameTheMember) {
  const auto error = [](const std::string& text) {
    return proof_from_json(json::parse(text).value(), "inputs[3]").error().message;
  };
  EXPECT_TRUE(error("{}").starts_with("inputs[3].amount"));
  EXPECT_TRUE(error(R"({"amount":1.0})").starts_with("inputs[3].amount"));
  EXPECT_TRUE(error(R"({"amount":-1})").starts_with("inputs[3].amount"));
  EXPECT_TRUE(error(R"({"amount":1,"id":7})").starts_with("inputs[3].id"));
  EXPECT_TRUE(error(R"({"amount":1,"id":"009a1f293253e41e","secret":""})").starts_with("inputs[3].secret"));
  EXPECT_TRUE(
      error(R"({"amount":1,"id":"009a1f293253e41e","secret":"a","C":"04"})").starts_with("inputs[3].C"));
  EXPECT_TRUE(error("[]").starts_with("inputs[3]"));
}

TEST(ProofJson, AShortKeysetIdHasCode12001) {
  const auto proof = proof_from_json(json::parse(R"({"amount":1,"id":"015ba18a8adcd02e"})").value());
  EXPECT_EQ(proof.error().code, kKeysetUnknown);
}

TEST(BlindedMessageJson, OnlyPointsOnTheCurve) {
  const auto parse = [](const std::string& point) {
    return blinded_message_from_json(
        json::parse(R"({"amount":1,"id":"009a1f293253e41e","B_":")" + point + "\"}").value(), "outputs[0]");
  };
  const std::string good = "038ec853d65ae1b79b5cdbc2774150b2cb288d6d26e12958a16fb33c32d9a86c39";
  EXPECT_TRUE(parse(good));
  EXPECT_EQ(parse("038EC853D65AE1B79B5CDBC2774150B2CB288D6D26E12958A16FB33C32D9A86C39")->b_blinded.hex(),
            good);
  EXPECT_FALSE(parse("02" + std::string(64, 'f')));
  EXPECT_FALSE(parse(good.substr(2)));
}

TEST(ArraysJson, TooManyHaveTheirCode) {
  const json::Value three = json::parse("[{},{},{}]").value();
  EXPECT_EQ(proofs_from_json(*three.if_array(), 2, "inputs").error().code, kTooManyInputs);
  EXPECT_EQ(blinded_messages_from_json(*three.if_array(), 2, "outputs").error().code, kTooManyOutputs);
  EXPECT_TRUE(proofs_from_json({}, 2, "inputs")->empty());
}

}  // namespace
}  // namespace manastr::cashu
