#include "common/nostr/event.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace manastr::nostr {
namespace {

/// Events printed in NIP-13, NIP-48 and NIP-53: ids and signatures are the documents' own.
constexpr char kExample[] =
    R"({"id":"97aa81798ee6c5637f7b21a411f89e10244e195aa91cb341bf49f718e36c8188",)"
    R"("pubkey":"3f770d65d3a764a9c5cb503ae123e62ec7598ad035d836e2a810f3877a745b24","created_at":1687286726,"kind":1311,)"
    R"("tags":[["a","30311:1597246ac22f7d1375041054f2a4986bd971d8d196d7997e48973263ac9879ec:demo-cf-stream","","root"]],)"
    R"("content":"Zaps to live streams is beautiful.",)"
    R"("sig":"997f62ddfc0827c121043074d50cfce7a528e978c575722748629a4137c45b75)"
    R"(bdbc84170bedc723ef0a5a4c3daebf1fef2e93f5e2ddb98e5d685d022c30b622"})";
constexpr char kMined[] =
    R"({"id":"000006d8c378af1779d2feebc7603a125d99eca0ccf1085959b307f64e5dd358",)"
    R"("pubkey":"a48380f4cfcc1ad5378294fcac36439770f9c878dd880ffa94bb74ea54a6f243","created_at":1651794653,"kind":1,)"
    R"("tags":[["nonce","776797","20"]],"content":"It's just me mining my own business",)"
    R"("sig":"284622fc0a3f4f1303455d5175f7ba962a3300d136085b9566801bc2e0699de0)"
    R"(c7e31e44c81fb40ad9049173742e904713c3594a1da0fc5d2382a25c11aba977"})";
constexpr char kProxied[] =
    R"({"kind":1,"content":"I'm vegan btw",)"
    R"("tags":[["proxy","https://gleasonator.com/objects/8f6fac53-4f66-4c6e-ac7d-92e5e78c3e79","activitypub"]],)"
    R"("pubkey":"79c2cae114ea28a981e7559b4fe7854a473521a8d22a66bbab9fa248eb820ff6","created_at":1691091365,)"
    R"("id":"55920b758b9c7b17854b6e3d44e6a02a83d1cb49e1227e75a30426dea94d4cb2",)"
    R"("sig":"a72f12c08f18e85d98fb92ae89e2fe63e48b8864c5e10fbdd5335f3c9f936397)"
    R"(a6b0a7350efe251f8168b1601d7012d4a6d0ee6eec958067cf22a14f5a5ea579"})";

crypto::SecretKey key_of(int n) {
  return *crypto::SecretKey::from_hex(std::string(63, '0') + std::to_string(n));
}

TEST(Event, ReadsVerifiesAndWritesExamplesOfTheNips) {
  for (const char* text : {kExample, kMined, kProxied}) {
    const auto event = parse_event(text);
    ASSERT_TRUE(event) << event.error().message;
    EXPECT_TRUE(id_matches(*event)) << text;
    EXPECT_TRUE(verify(*event)) << text;
  }
  const Event event = *parse_event(kExample);
  EXPECT_EQ(event.kind, 1311u);
  EXPECT_EQ(count(event.created_at), 1687286726);
  EXPECT_EQ(event.tag("a")->substr(0, 6), "30311:");
  EXPECT_EQ(event.tag("nothing"), std::nullopt);
  EXPECT_EQ(event.d(), "");
  EXPECT_EQ(dump(event), kExample);
  EXPECT_EQ(to_json(event).dump(), kExample);
}

TEST(Event, CanonicalEscapesAsNip01Says) {
  const auto text =
      canonical({}, unix_seconds(7), 1, {{"t", "\"\\"}, {"x"}}, "\n\"\\\r\t\b\f\x01\x7f\xc3\xa9/");
  EXPECT_EQ(text, "[0,\"" + std::string(64, '0') + R"(",7,1,[["t","\"\\"],["x"]],"\n\"\\\r\t\b\f\u0001)" +
                      "\x7f\xc3\xa9/\"]");
}

TEST(Event, AChangeAnywhereBreaksIt) {
  const Event event = *parse_event(kExample);
  const auto broken = [&](auto change) {
    Event copy = event;
    change(copy);
    return !verify(copy);
  };
  EXPECT_TRUE(broken([](Event& e) { e.id[0] ^= 1; }));
  EXPECT_TRUE(broken([](Event& e) { e.pubkey.bytes[0] ^= 1; }));
  EXPECT_TRUE(broken([](Event& e) { e.created_at += Seconds(1); }));
  EXPECT_TRUE(broken([](Event& e) { e.kind = 1; }));
  EXPECT_TRUE(broken([](Event& e) { e.tags[0][1] += "x"; }));
  EXPECT_TRUE(broken([](Event& e) { e.content = " "; }));
  EXPECT_TRUE(broken([](Event& e) { e.sig[63] ^= 1; }));
  EXPECT_TRUE(broken([](Event& e) { e.pubkey = key_of(3).x_only(), e.id = compute_id(e); }));
}

std::string with(std::string_view member, std::string_view value) {
  json::Value out;
  const json::Value example = *json::parse(kExample);
  for (const auto& [key, old] : *example.if_object()) {
    out.set(key, key == member ? *json::parse(value) : old);
  }
  return out.dump();
}

TEST(Event, RefusesEveryWrongShape) {
  const std::pair<const char*, const char*> wrong[] = {
      {"id", "\"\""},
      {"id", "\"FE964e758903360f28d8424d092da8494ed207cba823110be3a57dfe4b578734\""},
      {"id", "5"},
      {"pubkey", "null"},
      {"pubkey", "\"63fe\""},
      {"sig", "\"63fe6318dc58583cfe16810f86dd09e18bfd76aabc24a0081ce2856f330504ed\""},
      {"created_at", "-1"},
      {"created_at", "1.0"},
      {"created_at", "\"7\""},
      {"created_at", "9007199254740993"},
      {"kind", "65536"},
      {"kind", "-1"},
      {"kind", "1e3"},
      {"tags", "{}"},
      {"tags", "[[]]"},
      {"tags", "[5]"},
      {"tags", "[[5]]"},
      {"tags", "[[\"a\",null]]"},
      {"content", "null"}};
  for (const auto& [member, value] : wrong) {
    const auto event = parse_event(with(member, value));
    ASSERT_FALSE(event) << member << value;
    EXPECT_NE(event.error().message.find("event." + std::string(member)), std::string::npos)
        << event.error().message;
  }
  EXPECT_FALSE(parse_event("[]"));
  EXPECT_FALSE(parse_event("{}"));
  EXPECT_FALSE(parse_event(std::string(300'000, ' ')));
  EXPECT_TRUE(parse_event(with("kind", "0")));
  EXPECT_TRUE(parse_event(with("created_at", "9007199254740992")));
}

RC_GTEST_PROP(Event, SurvivesTheWire,
              (const std::vector<std::string>& texts, std::uint16_t kind, std::uint32_t time)) {
  const auto ascii = [](std::string text) {
    for (char& c : text) c = static_cast<char>(c & 0x7f);
    return text;
  };
  Draft draft;
  draft.kind = kind;
  draft.created_at = unix_seconds(time);
  draft.content = "\xe2\x82\xac";
  for (const auto& text : texts) {
    draft.content += ascii(text);
    draft.tags.push_back({"t", ascii(text)});
  }
  const Event event = sign(draft, key_of(5), {});
  RC_ASSERT(verify(event));
  RC_ASSERT(parse_event(dump(event)).value() == event);
  RC_ASSERT(to_json(event).dump() == dump(event));
}

}  // namespace
}  // namespace manastr::nostr
