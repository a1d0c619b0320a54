#include "common/nostr/nip98.h"

#include <gtest/gtest.h>

namespace manastr::nostr {
namespace {

constexpr char kUrl[] = "https://mint.example/game-engine/settle?a=1";
constexpr char kBody[] = R"({"match":"x"})";
const UnixSeconds kNow = unix_seconds(1'700'000'000);

crypto::SecretKey key() { return *crypto::SecretKey::from_hex(std::string(63, '0') + "7"); }
std::string header() { return authorization_header(key(), kUrl, "POST", kBody, kNow, system_random()); }

Draft draft() {
  Draft out;
  out.kind = 27235;
  out.created_at = kNow;
  out.tags = {{"u", kUrl},
              {"method", "POST"},
              {"payload", to_hex(crypto::sha256(as_bytes(kBody)))},
              {"request", std::string(64, 'a')}};
  return out;
}
std::string wrapped(const Event& event) { return "Nostr " + to_base64(as_bytes(dump(event))); }
std::string refusal(const std::string& text, UnixSeconds now = kNow) {
  const auto result = check_authorization(text, kUrl, "POST", kBody, now);
  return result ? "accepted" : result.error().message;
}
template <class Change>
std::string refusal_after(Change change) {
  Draft changed = draft();
  change(changed);
  return refusal(wrapped(sign(changed, key(), {})));
}

TEST(Nip98, TheRightHeaderNamesItsSigner) {
  const auto result = check_authorization(header(), kUrl, "POST", kBody, kNow);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->pubkey, key().x_only());
  EXPECT_NE(header(), header());
  std::string unpadded = header();
  while (unpadded.back() == '=') unpadded.pop_back();
  EXPECT_EQ(refusal(unpadded), "accepted");
  EXPECT_EQ(refusal_after([](Draft&) {}), "accepted");
}

TEST(Nip98, BoundToUrlMethodBodyAndTime) {
  EXPECT_FALSE(check_authorization(header(), "https://mint.example/game-engine/settle", "POST", kBody, kNow));
  EXPECT_FALSE(check_authorization(header(), kUrl, "GET", kBody, kNow));
  EXPECT_FALSE(check_authorization(header(), kUrl, "POST", R"({"match":"y"})", kNow));
  EXPECT_EQ(refusal(header(), kNow + Seconds(60)), "accepted");
  EXPECT_EQ(refusal(header(), kNow - Seconds(60)), "accepted");
  EXPECT_NE(refusal(header(), kNow + Seconds(61)), "accepted");
  EXPECT_NE(refusal(header(), kNow - Seconds(61)), "accepted");
}

TEST(Nip98, EveryTagExactlyOnce) {
  for (std::size_t i = 0; i < 4; ++i) {
    const std::string name = draft().tags[i][0];
    EXPECT_EQ(refusal_after([i](Draft& d) { d.tags.erase(d.tags.begin() + static_cast<std::ptrdiff_t>(i)); }),
              "Authorization: the event needs exactly one '" + name + "' tag with a value");
    EXPECT_EQ(refusal_after([i](Draft& d) { d.tags.push_back(d.tags[i]); }),
              "Authorization: the event needs exactly one '" + name + "' tag with a value");
    EXPECT_NE(refusal_after([i](Draft& d) { d.tags[i].pop_back(); }), "accepted");
    EXPECT_NE(refusal_after([i](Draft& d) { d.tags[i][1] += "0"; }), "accepted");
  }
  EXPECT_EQ(refusal_after([](Draft& d) { d.tags.push_back({"extra"}); }), "accepted");
  EXPECT_EQ(refusal_after([](Draft& d) { d.kind = 1; }), "Authorization: event.kind is 1, expected 27235");
}

TEST(Nip98, RefusesForgeriesAndJunk) {
  Event event = sign(draft(), key(), {});
  event.sig[0] ^= 1;
  EXPECT_EQ(refusal(wrapped(event)), "Authorization: event.sig does not verify");
  event = sign(draft(), key(), {});
  event.content = "x";
  EXPECT_EQ(refusal(wrapped(event)), "Authorization: event.id is not the hash of the event");
  for (const std::string text : {"", "Nostr", "Nostr ", "Bearer x", "Nostr !!!!", "Nostr e30="}) {
    EXPECT_NE(refusal(text), "accepted") << text;
  }
  EXPECT_NE(refusal("Nostr " + std::string(9000, 'A')), "accepted");
}

}  // namespace
}  // namespace manastr::nostr
