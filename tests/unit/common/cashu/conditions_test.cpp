#include "common/cashu/conditions.h"

#include "common/crypto/hash.h"
#include "tests/unit/common/cashu/vectors.h"

namespace manastr::cashu {
namespace {

crypto::SecretKey key_of(Byte n) {
  ByteArray<32> scalar{};
  scalar[31] = n;
  return crypto::SecretKey::parse(scalar).value();
}
std::string pub(Byte n) { return key_of(n).public_key().hex(); }
/// The same x with the other parity.
std::string twin(Byte n) {
  std::string hex = pub(n);
  hex[1] = hex[1] == '2' ? '3' : '2';
  return hex;
}
std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}
std::string p2pk(const std::string& data, const std::string& tags) {
  return R"(["P2PK",{"nonce":"aa","data":")" + data + R"(","tags":[)" + tags + "]}]";
}
constexpr const char* kHash = "ec4916dd28fc4c10d78e287ca5d9cc51ee1ae73cbfde08c6b37324cbfaac8bc5";
constexpr const char* kPreimage = "0000000000000000000000000000000000000000000000000000000000000001";
std::string htlc(const std::string& tags) {
  return std::string(R"(["HTLC",{"nonce":"aa","data":")") + kHash + R"(","tags":[)" + tags + "]}]";
}
crypto::Signature sign(Byte n, std::string_view message, Byte aux = 0) {
  ByteArray<32> noise{};
  noise[0] = aux;
  return crypto::sign_schnorr(key_of(n), crypto::sha256(as_bytes(message)), noise);
}
Proof proof_of(const std::string& secret, std::optional<std::string> witness = std::nullopt) {
  Proof proof;
  proof.amount = 4;
  proof.id = *KeysetId::from_hex("009a1f293253e41e");
  proof.secret = secret;
  proof.c[0] = 2;
  proof.witness = std::move(witness);
  return proof;
}
constexpr UnixSeconds kNow{std::chrono::seconds{1'750'000'000}};
bool spendable(const std::string& secret, std::optional<std::string> witness = std::nullopt,
               UnixSeconds now = kNow) {
  const auto status = check_conditions({proof_of(secret, std::move(witness))}, {}, "", now);
  if (!status) {
    EXPECT_EQ(status.error().code, kProofInvalid);
    EXPECT_TRUE(status.error().message.starts_with("inputs[0]: "));
  }
  return status.has_value();
}
bool spendable_by(const std::string& secret, std::initializer_list<Byte> signers, UnixSeconds now = kNow) {
  std::vector<crypto::Signature> signatures;
  for (const Byte n : signers) signatures.push_back(sign(n, secret));
  return spendable(secret, p2pk_witness(signatures), now);
}
ConditionKind kind(const std::string& secret) { return parse_condition(secret).kind; }

TEST(Nut11, Vectors) {
  const json::Value vectors = load_vectors("nut11.json");
  const UnixSeconds now = unix_seconds(*json::get_int64(vectors, "now"));
  ASSERT_EQ(array_of(vectors, "cases").size(), 18U);
  for (const auto& vector : array_of(vectors, "cases")) {
    SCOPED_TRACE(text_of(vector, "name"));
    const auto inputs = proofs_from_json(array_of(vector, "inputs"), 10, "inputs");
    const auto outputs = blinded_messages_from_json(array_of(vector, "outputs"), 10, "outputs");
    ASSERT_TRUE(inputs);
    ASSERT_TRUE(outputs);
    const auto status = check_conditions(*inputs, *outputs, text_of(vector, "quote"), now);
    EXPECT_EQ(status.has_value(), *json::get_bool(vector, "valid")) << (status ? "" : status.error().message);
    for (const auto& message : array_of(vectors, "messages")) {
      if (text_of(message, "case") != text_of(vector, "name")) continue;
      const std::string text = sig_all_message(*inputs, *outputs, text_of(vector, "quote"));
      EXPECT_EQ(to_hex(crypto::sha256(as_bytes(text))), text_of(message, "sha256"));
    }
  }
}

TEST(Nut10, WhatIsNoConditionIsAPlainSecret) {
  for (const std::string secret :
       {"407915bc212be61a77e3e6d2aeb4c727980bda51cd06a6afc29e2861768a7837", "hello", "{}", "[]", "[1,2]",
        "[1,{}]", R"(["a","b","c"])", R"(["lonely"])"}) {
    EXPECT_EQ(kind(secret), ConditionKind::none) << secret;
    EXPECT_TRUE(spendable(secret));
  }
}

TEST(Nut10, WhiteSpaceBeforeItHidesNoCondition) {
  const std::string secret = R"(["P2PK",{"nonce":"00","data":"02)" + std::string(64, '1') + "\"}]";
  for (const std::string before : {"", " ", "\n\t", "\r"}) {
    EXPECT_TRUE(may_hold_condition(before + secret));
    EXPECT_NE(parse_condition(before + secret).kind, ConditionKind::none);
  }
  for (const std::string plain : {"", " ", "a[", "{\"a\":[]}"}) {
    EXPECT_FALSE(may_hold_condition(plain));
    EXPECT_EQ(parse_condition(plain).kind, ConditionKind::none);
  }
}

TEST(Nut10, WhatIsMalformedIsNobodys) {
  const std::string data = pub(1);
  for (const std::string& secret :
       {std::string(R"(["P2PK",{}])"),
        std::string(R"(["P2PK","x"])"),
        std::string(R"(["P2PK"])"),
        R"(["P2PK",{"data":")" + data + R"("}])",
        R"(["P2PK",{"nonce":1,"data":")" + data + R"("}])",
        R"(["P2PK",{"nonce":"a","data":")" + data + R"(","data":")" + pub(2) + R"("}])",
        R"(["P2PK",{"nonce":"a","data":")" + data + R"("},1])",
        R"(["P2PK",{"nonce":"a","data":")" + data + R"(","tags":{}}])",
        R"( ["P2PK",{"nonce":"a","data":")" + data + R"("} ])" + " trailing",
        std::string("[\"P2PK\",{"),
        std::string(R"(["\u0050\u0032PK",{}])"),
        std::string(R"(["P2SH",{"nonce":"a","data":"b"}])"),
        std::string(R"(["UNKNOWN",1])"),
        p2pk("02" + std::string(64, 'f'), ""),
        p2pk(data.substr(2), ""),
        p2pk(data, "[]"),
        p2pk(data, R"(["locktime",1765300829])"),
        p2pk(data, R"(["locktime",""])"),
        p2pk(data, R"(["x",["y"]])"),
        std::string(R"(["HTLC",{"nonce":"a","data":"abcd"}])")}) {
    EXPECT_EQ(kind(secret), ConditionKind::unspendable) << secret;
    EXPECT_FALSE(spendable_by(secret, {1}));
  }
}

TEST(Nut11, TagsAndMissingTagsMayBeNull) {
  EXPECT_EQ(kind(R"(["P2PK",{"nonce":"a","data":")" + pub(1) + R"("}])"), ConditionKind::p2pk);
  EXPECT_EQ(kind(R"(["P2PK",{"nonce":"a","data":")" + pub(1) + R"(","tags":null}])"), ConditionKind::p2pk);
}

TEST(Nut11, EachKnownTagOnce) {
  for (const std::string tag :
       {R"(["n_sigs","1"])", R"(["sigflag","SIG_ALL"])", R"(["locktime","5"])", R"(["pubkeys"])"}) {
    EXPECT_EQ(kind(p2pk(pub(1), tag)), ConditionKind::p2pk) << tag;
    EXPECT_EQ(kind(p2pk(pub(1), tag + "," + tag)), ConditionKind::unspendable) << tag;
  }
  EXPECT_EQ(kind(p2pk(pub(1), R"(["match","a"],["match","b"])")), ConditionKind::p2pk);
  EXPECT_EQ(parse_condition(p2pk(pub(1), R"(["match","a"],["match","b"])")).foreign_tag("match"), "a");
  EXPECT_EQ(parse_condition(p2pk(pub(1), "")).foreign_tag("match"), std::nullopt);
}

TEST(Nut11, ThresholdsArePositiveDecimalsWithinTheKeys) {
  const std::string two = R"(["pubkeys",")" + pub(2) + R"("],)";
  EXPECT_EQ(parse_condition(p2pk(pub(1), two + R"(["n_sigs","2"])")).n_sigs, 2U);
  for (const std::string n : {"0", "3", "+2", "02", "-1", "2.0", "two", "4294967298"}) {
    EXPECT_EQ(kind(p2pk(pub(1), two + R"(["n_sigs",")" + n + "\"]")), ConditionKind::unspendable) << n;
  }
  EXPECT_EQ(kind(p2pk(pub(1), two + R"(["n_sigs","1","2"])")), ConditionKind::unspendable);
  EXPECT_EQ(kind(p2pk(pub(1), two + R"(["n_sigs"])")), ConditionKind::unspendable);
  EXPECT_EQ(kind(p2pk(pub(1), R"(["n_sigs_refund","1"])")), ConditionKind::unspendable);
  EXPECT_EQ(kind(p2pk(pub(1), R"(["refund",")" + pub(2) + R"("],["n_sigs_refund","2"])")),
            ConditionKind::unspendable);
  EXPECT_EQ(kind(p2pk(pub(1), R"(["refund"])")), ConditionKind::unspendable);
  EXPECT_EQ(kind(htlc(R"(["n_sigs","1"])")), ConditionKind::unspendable);
}

TEST(Nut11, AKeyAppearsOncePerPathwayWhateverItsParityOrCase) {
  EXPECT_EQ(kind(p2pk(pub(1), R"(["pubkeys",")" + twin(1) + "\"]")), ConditionKind::unspendable);
  EXPECT_EQ(kind(p2pk(pub(1), R"(["pubkeys",")" + upper(pub(1)) + "\"]")), ConditionKind::unspendable);
  EXPECT_EQ(kind(p2pk(pub(1), R"(["refund",")" + pub(2) + "\",\"" + twin(2) + "\"]")),
            ConditionKind::unspendable);
  EXPECT_EQ(kind(p2pk(pub(1), R"(["refund",")" + twin(1) + "\"]")), ConditionKind::p2pk);
  EXPECT_TRUE(spendable_by(p2pk(upper(pub(1)), ""), {1}));
  EXPECT_TRUE(spendable_by(p2pk(twin(1), ""), {1}));
}

TEST(Nut11, AnUnknownSigflagIsNobodys) {
  EXPECT_EQ(kind(p2pk(pub(1), R"(["sigflag","SIG_NONE"])")), ConditionKind::unspendable);
  EXPECT_EQ(kind(p2pk(pub(1), R"(["sigflag"])")), ConditionKind::unspendable);
}

TEST(Nut11, TwoOfThreeCountsKeysNotSignatures) {
  const std::string secret =
      p2pk(pub(1), R"(["pubkeys",")" + pub(2) + "\",\"" + pub(3) + R"("],["n_sigs","2"])");
  EXPECT_FALSE(spendable_by(secret, {1}));
  EXPECT_TRUE(spendable_by(secret, {1, 3}));
  EXPECT_TRUE(spendable_by(secret, {3, 2}));
  EXPECT_TRUE(spendable_by(secret, {9, 1, 1, 2}));  // others don't harm
  EXPECT_FALSE(spendable(secret, p2pk_witness({sign(1, secret, 1), sign(1, secret, 2)})));
  EXPECT_FALSE(spendable_by(secret, {}));
  EXPECT_FALSE(spendable(secret, "no json"));
  EXPECT_FALSE(spendable(secret, R"({"signatures":"x"})"));
}

TEST(Nut11, ASignatureInUpperCaseCounts) {
  const std::string secret = p2pk(pub(1), "");
  EXPECT_TRUE(spendable(secret, R"({"signatures":["zz",5,")" + upper(to_hex(sign(1, secret))) + "\"]}"));
}

TEST(Nut11, TheMainPathStaysOpenAfterTheLocktime) {
  const std::string secret = p2pk(pub(1), R"(["locktime","1000"],["refund",")" + pub(2) + "\"]");
  EXPECT_FALSE(spendable_by(secret, {2}, unix_seconds(999)));
  EXPECT_FALSE(spendable_by(secret, {2}, unix_seconds(1000)));
  EXPECT_TRUE(spendable_by(secret, {2}, unix_seconds(1001)));
  EXPECT_TRUE(spendable_by(secret, {1}, unix_seconds(999)));
  EXPECT_TRUE(spendable_by(secret, {1}, unix_seconds(1001)));
  EXPECT_FALSE(spendable_by(secret, {}, unix_seconds(1001)));
}

TEST(Nut11, PathwaysDoNotMix) {
  const std::string secret =
      p2pk(pub(1), R"(["pubkeys",")" + pub(2) + R"("],["n_sigs","2"],["locktime","1000"],["refund",")" +
                       pub(3) + "\",\"" + pub(4) + R"("],["n_sigs_refund","2"])");
  EXPECT_FALSE(spendable_by(secret, {1, 3}));
  EXPECT_TRUE(spendable_by(secret, {1, 2}));
  EXPECT_TRUE(spendable_by(secret, {3, 4}));
}

TEST(Nut11, WithoutRefundKeysAnExpiredLockIsAnyones) {
  const std::string secret = p2pk(pub(1), R"(["locktime","1000"])");
  EXPECT_FALSE(spendable(secret, std::nullopt, unix_seconds(1000)));
  EXPECT_TRUE(spendable(secret, std::nullopt, unix_seconds(1001)));
}

TEST(Nut11, ALocktimeThatIsNoTimeLocksForEver) {
  for (const std::string time : {"soon", "-5", "1e3", "99999999999999999999"}) {
    EXPECT_FALSE(spendable(p2pk(pub(1), R"(["locktime",")" + time + "\"]"))) << time;
  }
}

TEST(SigAll, ReadsTheFirstWitnessOnlyAndBindsOutputsAndQuote) {
  const std::string tags = R"(["sigflag","SIG_ALL"],["match","m"])";
  std::string second = p2pk(pub(1), tags);
  second.replace(second.find("aa"), 2, "bb");
  std::vector<Proof> inputs = {proof_of(p2pk(pub(1), tags)), proof_of(second)};
  std::vector<BlindedMessage> outputs = {{8, inputs[0].id, key_of(5).public_key()}};
  const std::string message = sig_all_message(inputs, outputs, "quote");
  inputs[0].witness = p2pk_witness({sign(1, message)});
  EXPECT_TRUE(check_conditions(inputs, outputs, "quote", kNow));
  EXPECT_FALSE(check_conditions(inputs, outputs, "other", kNow));
  auto changed = outputs;
  changed[0].amount = 4;
  EXPECT_FALSE(check_conditions(inputs, changed, "quote", kNow));
  changed = outputs;
  changed[0].b_blinded = key_of(6).public_key();
  EXPECT_FALSE(check_conditions(inputs, changed, "quote", kNow));
  std::swap(inputs[0].witness, inputs[1].witness);
  EXPECT_FALSE(check_conditions(inputs, outputs, "quote", kNow));
  // A plain input beside it, or one of another lock, is refused by name.
  std::swap(inputs[0].witness, inputs[1].witness);
  inputs[1].secret = "plain";
  EXPECT_TRUE(check_conditions(inputs, outputs, "quote", kNow).error().message.starts_with("inputs[1]"));
  std::swap(inputs[0], inputs[1]);
  EXPECT_FALSE(check_conditions(inputs, outputs, "quote", kNow));
}

TEST(SigAll, SigningTheSecretAloneIsNotEnough) {
  EXPECT_FALSE(spendable_by(p2pk(pub(1), R"(["sigflag","SIG_ALL"])"), {1}));
}

TEST(Nut14, ThePreimageAloneSpendsAnHtlcWithoutKeys) {
  const std::string secret = htlc("");
  EXPECT_TRUE(spendable(secret, std::string(R"({"preimage":")") + kPreimage + "\"}"));
  EXPECT_TRUE(spendable(secret, std::string(R"({"preimage":")") + kPreimage + R"(","signatures":[]})"));
  EXPECT_FALSE(spendable(
      secret, R"({"preimage":"0000000000000000000000000000000000000000000000000000000000000002"})"));
  EXPECT_FALSE(spendable(secret, R"({"preimage":"01"})"));
  EXPECT_FALSE(spendable(secret));
}

TEST(Nut14, ReceiverNeedsPreimageAndSignatureEvenAfterTheLocktime) {
  const std::string secret =
      htlc(R"(["pubkeys",")" + pub(1) + R"("],["locktime","1000"],["refund",")" + pub(2) + "\"]");
  const std::string one = to_hex(sign(1, secret));
  for (const auto now : {unix_seconds(999), unix_seconds(1001)}) {
    EXPECT_TRUE(spendable(
        secret, std::string(R"({"preimage":")") + kPreimage + R"(","signatures":[")" + one + "\"]}", now));
    EXPECT_FALSE(spendable(secret, R"({"signatures":[")" + one + "\"]}", now));
    EXPECT_FALSE(spendable(secret, std::string(R"({"preimage":")") + kPreimage + "\"}", now));
  }
}

TEST(Nut14, OlderWalletsSendOneSignature) {
  const std::string secret = htlc(R"(["pubkeys",")" + pub(1) + "\"]");
  const std::string witness = std::string(R"({"preimage":")") + kPreimage + R"(","signature":")";
  EXPECT_TRUE(spendable(secret, witness + to_hex(sign(1, secret)) + "\"}"));
  EXPECT_FALSE(spendable(secret, witness + to_hex(sign(2, secret)) + "\"}"));
  EXPECT_TRUE(spendable(secret, witness + upper(to_hex(sign(1, secret))) + R"(","signatures":null})"));
}

TEST(Nut14, TheRefundWitnessMayLackThePreimageInThreeWays) {
  const std::string secret =
      htlc(R"(["pubkeys",")" + pub(1) + R"("],["locktime","1000"],["refund",")" + pub(2) + "\"]");
  const std::string two = R"("signatures":[")" + to_hex(sign(2, secret)) + "\"]}";
  for (const std::string start : {"{", R"({"preimage":null,)", R"({"preimage":"",)"}) {
    EXPECT_TRUE(spendable(secret, start + two, unix_seconds(1001))) << start;
    EXPECT_FALSE(spendable(secret, start + two, unix_seconds(999))) << start;
  }
}

}  // namespace
}  // namespace manastr::cashu
