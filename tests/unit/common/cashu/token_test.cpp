#include "common/cashu/token.h"

#include <algorithm>

#include "common/cashu/cbor.h"
#include "tests/unit/common/cashu/generators.h"
#include "tests/unit/common/cashu/vectors.h"

namespace manastr::cashu {
namespace {

json::Value vectors() { return load_vectors("nut00_tokens.json"); }

TEST(Nut00TokenV3, VectorReadsAndWritesBack) {
  const std::string text = text_of(vectors(), "v3");
  const auto token = parse_token(text, {});
  ASSERT_TRUE(token) << token.error().message;
  EXPECT_EQ(token->mint, "https://8333.space:3338");
  EXPECT_EQ(token->unit, "sat");
  EXPECT_EQ(token->memo, "Thank you.");
  ASSERT_EQ(token->proofs.size(), 2U);
  EXPECT_EQ(token->proofs[1].amount, 8U);
  EXPECT_EQ(token->proofs[0].id.hex(), "009a1f293253e41e");
}

TEST(Nut00TokenV3, WrongPrefixesAreRefused) {
  const json::Value all = vectors();
  for (const auto& text : array_of(all, "v3_refused")) EXPECT_FALSE(parse_token(*text.if_string(), {}));
}

TEST(Nut00TokenV3, PaddingIsOptional) {
  EXPECT_TRUE(parse_token(text_of(vectors(), "v3_padded"), {}));
  EXPECT_TRUE(parse_token("cashu:" + text_of(vectors(), "v3_unpadded"), {}));
}

TEST(Nut00TokenV4, SingleKeysetVectorReadsAndWritesTheSameBytes) {
  std::string text = text_of(vectors(), "v4_single");
  const auto token = parse_token(text, {});
  ASSERT_TRUE(token) << token.error().message;
  EXPECT_EQ(token->memo, "Thank you");
  EXPECT_EQ(token->mint, "http://localhost:3338");
  EXPECT_EQ(token->proofs[0].secret, "9a6dbb847bd232ba76db0df197216b29d3b8cc14553cd27827fc1cc942fedb4e");
  while (text.ends_with('=')) text.pop_back();
  EXPECT_EQ(dump_token_v4(*token), text);
}

TEST(Nut00TokenV4, SeveralKeysets) {
  const std::string text = text_of(vectors(), "v4_multiple");
  const auto token = parse_token(text, {});
  ASSERT_TRUE(token) << token.error().message;
  ASSERT_EQ(token->proofs.size(), 3U);
  EXPECT_EQ(token->proofs[0].id.hex(), "00ffd48b8f5ecf80");
  EXPECT_EQ(token->proofs[2].id.hex(), "00ad268c4d1f5826");
  EXPECT_EQ(dump_token_v4(*token), text);
}

TEST(Nut00TokenV4, BinaryVector) {
  const Bytes bytes = from_hex(text_of(vectors(), "v4_binary")).value();
  const auto token = parse_token_binary(bytes, {});
  ASSERT_TRUE(token) << token.error().message;
  EXPECT_EQ(dump_token_binary(*token), bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(parse_token_binary({bytes.data(), size}, {})) << size;
  }
  Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_FALSE(parse_token_binary(longer, {}));
}

Token token_with_short_id(const KeysetId& id) {
  Token token{.mint = "http://m", .unit = "mana", .memo = "", .proofs = {}};
  Proof proof;
  proof.amount = 1;
  proof.id = id;
  proof.secret = "s";
  proof.c[0] = 2;
  token.proofs.push_back(proof);
  return token;
}

TEST(Nut00TokenV4, ShortIdsAreResolvedOrRefused) {
  const auto full = *KeysetId::from_hex("015ba18a8adcd02e715a58358eb618da4a4b3791151a4bee5e968bb88406ccf76a");
  const auto same_start = *KeysetId::from_hex("015ba18a8adcd02e" + std::string(50, '0'));
  Bytes bytes = dump_token_binary(token_with_short_id(full));
  const Bytes long_form = {0x58, 33};  // byte string of 33 bytes
  const auto at = std::search(bytes.begin(), bytes.end(), long_form.begin(), long_form.end());
  ASSERT_NE(at, bytes.end());
  *at = 0x48;  // of 8 bytes
  bytes.erase(at + 10, at + 35);
  bytes.erase(at + 1);
  const auto token =
      parse_token_binary(bytes, {same_start.hex() == full.hex() ? full : keyset_id_of(1), full});
  ASSERT_TRUE(token) << token.error().message;
  EXPECT_EQ(token->proofs[0].id, full);
  EXPECT_EQ(parse_token_binary(bytes, {}).error().code, kKeysetUnknown);
  EXPECT_EQ(parse_token_binary(bytes, {full, same_start}).error().code, kKeysetUnknown);
  EXPECT_TRUE(parse_token_binary(bytes, {full, full}));
}

TEST(TokenRoundTrip, BothVersionsKeepEveryProof) {
  EXPECT_TRUE(rc::check("tokens", [] {
    Token token{.mint = "https://mint.example/path", .unit = "mana", .memo = *utf8_text(30), .proofs = {}};
    token.proofs = *rc::gen::suchThat(rc::gen::container<std::vector<Proof>>(arbitrary_proof()),
                                      [](const auto& proofs) { return !proofs.empty(); });
    const auto v3 = parse_token(dump_token_v3(token), {});
    RC_ASSERT(v3.has_value());
    RC_ASSERT(std::ranges::equal(v3->proofs, token.proofs, same));
    RC_ASSERT(v3->memo == token.memo);
    const auto v4 = parse_token(dump_token_v4(token), {});
    RC_ASSERT(v4.has_value());
    RC_ASSERT(v4->unit == token.unit && v4->mint == token.mint && v4->memo == token.memo);
    RC_ASSERT(std::ranges::is_permutation(v4->proofs, token.proofs, same));
  }));
}

TEST(TokenBounds, AreChecked) {
  Token token = token_with_short_id(keyset_id_of(0));
  token.proofs.resize(1001, token.proofs[0]);
  EXPECT_FALSE(parse_token(dump_token_v4(token), {}));
  EXPECT_FALSE(parse_token(dump_token_v3(token), {}));
  EXPECT_FALSE(parse_token("cashuB" + std::string(1 << 20, 'A'), {}));
  token.proofs.clear();
  EXPECT_FALSE(parse_token(dump_token_v4(token), {}));
  token = token_with_short_id(keyset_id_of(0));
  token.proofs.push_back(token.proofs[0]);
  token.proofs[0].amount = token.proofs[1].amount = Amount{1} << 63;
  EXPECT_FALSE(parse_token(dump_token_v4(token), {}));
}

TEST(TokenV3, OfSeveralMintsIsRefused) {
  const std::string proof =
      R"({"amount":2,"id":"009a1f293253e41e","secret":"a","C":"02bc9097997d81afb2cc7346b5e4345a9346bd2a506eb7958598a72f0cf85163ea"})";
  const auto text = [&](const std::string& second) {
    return "cashuA" + to_base64url(as_bytes(R"({"token":[{"mint":"http://a/","proofs":[)" + proof +
                                            R"(]},{"mint":")" + second + R"(","proofs":[)" + proof + "]}]}"));
  };
  EXPECT_FALSE(parse_token(text("http://b"), {}));
  EXPECT_EQ(parse_token(text("http://a"), {})->proofs.size(), 2U);
}

TEST(Cbor, SkipsUnknownItemsAndBoundsDepth) {
  const Bytes item = {0x82, 0xa1, 0x61, 'x', 0xf5, 0xc1, 0xfb, 0,
                      0,    0,    0,    0,   0,    0,    0};  // [{"x":true}, 1(0.0)]
  CborReader reader(item);
  EXPECT_TRUE(reader.skip());
  EXPECT_TRUE(reader.at_end());
  Bytes deep(100, 0x81);
  deep.push_back(0);
  EXPECT_FALSE(CborReader(deep).skip());
  const Bytes huge = {0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  EXPECT_FALSE(CborReader(huge).skip());
  EXPECT_FALSE(CborReader(huge).array());
  const Bytes huge_map = {0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  EXPECT_FALSE(CborReader(huge_map).skip());
  EXPECT_FALSE(CborReader(huge_map).map());
  const Bytes endless = {0x9f, 0xff};
  EXPECT_FALSE(CborReader(endless).array());
}

TEST(Cbor, IntegersOfEveryWidth) {
  EXPECT_TRUE(rc::check("unsigned", [](std::uint64_t value) {
    const auto shift = *rc::gen::inRange(0, 64);
    Bytes out;
    cbor_unsigned(out, value >> shift);
    CborReader reader(out);
    RC_ASSERT(reader.unsigned_integer().value() == (value >> shift));
    RC_ASSERT(reader.at_end());
  }));
}

}  // namespace
}  // namespace manastr::cashu
