#include "relay-client/embedded/relay_core.h"

#include <gtest/gtest.h>

namespace manastr::relay::embedded {
namespace {

class FixedClock final : public Clock {
 public:
  UnixMillis now() const override { return UnixMillis{std::chrono::seconds(seconds)}; }
  Monotonic monotonic() const override { return Monotonic{std::chrono::seconds(seconds)}; }
  std::int64_t seconds = 1'000'000;
};

struct RelayCoreTest : ::testing::Test {
  FixedClock clock;
  Settings settings;
  std::map<ConnectionId, std::vector<std::string>> said;
  std::unique_ptr<RelayCore> core;
  crypto::SecretKey key = crypto::SecretKey::generate(system_random());

  void make(RelayCore::Persist persist = {}) {
    core = std::make_unique<RelayCore>(
        settings, clock, system_random(),
        [this](ConnectionId to, const Frame& frame) {
          said[to].push_back(frame.row ? frame.head + frame.row->json + "]" : frame.head);
        },
        std::move(persist));
    core->opened(1, "192.0.2.1", "relay.example:8080");
    core->opened(2, "192.0.2.2", "relay.example:8080");
  }
  std::string tell(ConnectionId from, const std::string& message) {
    said[from].clear();
    core->message(from, message);
    return said[from].empty() ? "" : said[from].back();
  }
  nostr::Event event(std::uint32_t kind, std::vector<nostr::Tag> tags = {}, std::int64_t age = 0) {
    return nostr::sign(
        {.created_at = unix_seconds(clock.seconds - age), .kind = kind, .tags = std::move(tags)}, key, {});
  }
  std::string publish(const nostr::Event& each) { return tell(1, "[\"EVENT\"," + nostr::dump(each) + "]"); }
};

TEST_F(RelayCoreTest, LiveEventsComeAfterTheStoredOnesAndToEachSubscriptionOnce) {
  make();
  publish(event(1));
  tell(2, R"(["REQ","a",{"kinds":[1]},{"limit":5}])");
  ASSERT_EQ(said[2].size(), 2U);
  EXPECT_TRUE(said[2][0].starts_with("[\"EVENT\",\"a\",{"));
  EXPECT_EQ(said[2][1], R"(["EOSE","a"])");
  said[2].clear();
  EXPECT_NE(publish(event(1, {}, 1)).find("true,\"\""), std::string::npos);
  EXPECT_EQ(said[2].size(), 1U);
  tell(2, R"(["CLOSE","a"])");
  publish(event(1, {}, 2));
  EXPECT_TRUE(said[2].empty());
}

TEST_F(RelayCoreTest, RefusalsSayWhy) {
  make();
  nostr::Event bad = event(1);
  bad.sig[0] ^= 1;
  EXPECT_NE(publish(bad).find("false,\"invalid: the signature"), std::string::npos);
  bad = event(1);
  bad.content = "other";
  EXPECT_NE(publish(bad).find("false,\"invalid: the id"), std::string::npos);
  EXPECT_NE(publish(event(1, {}, -8'000)).find("in the future"), std::string::npos);
  EXPECT_NE(publish(event(1, {{"expiration", "5"}})).find("has expired"), std::string::npos);
  EXPECT_NE(publish(event(1, {{"-"}})).find("auth-required: "), std::string::npos);
  EXPECT_NE(publish(event(22'242)).find("invalid: "), std::string::npos);
  EXPECT_EQ(core->events(), 0U);
}

TEST_F(RelayCoreTest, EphemeralEventsAreDeliveredAndForgotten) {
  make();
  tell(2, R"(["REQ","a",{}])");
  said[2].clear();
  EXPECT_NE(publish(event(20'001)).find("true"), std::string::npos);
  EXPECT_EQ(said[2].size(), 1U);
  EXPECT_EQ(core->events(), 0U);
}

TEST_F(RelayCoreTest, OkComesAfterTheCommitAndNotAtAllAsTrueIfItFails) {
  std::vector<std::uint64_t> asked;
  make({.insert = [&](std::uint64_t number, const nostr::EventId&,
                      const std::string&) { asked.push_back(number); },
        .remove = [](std::vector<nostr::EventId>) {}});
  tell(2, R"(["REQ","a",{}])");
  said[2].clear();
  EXPECT_EQ(publish(event(1)), "");
  EXPECT_TRUE(core->waits_for_file());
  EXPECT_TRUE(said[2].empty());
  core->persisted(asked.at(0), {});
  EXPECT_NE(said[1].back().find("true"), std::string::npos);
  EXPECT_EQ(said[2].size(), 1U);
  EXPECT_EQ(publish(event(1, {}, 1)), "");
  core->persisted(asked.at(1), manastr::broken("no space"));
  EXPECT_NE(said[1].back().find("false,\"error: "), std::string::npos);
  EXPECT_TRUE(core->broken());
  EXPECT_NE(publish(event(1, {}, 2)).find("false,\"error: "), std::string::npos) << "until restarted";
  EXPECT_EQ(core->events(), 1U);
}

TEST_F(RelayCoreTest, SubscriptionsFiltersAndRatesAreBounded) {
  settings.subscriptions = 2;
  settings.filters = 2;
  settings.events_per_minute = 60;  // a burst of 10
  make();
  EXPECT_EQ(tell(1, R"(["REQ","a",{}])"), R"(["EOSE","a"])");
  EXPECT_EQ(tell(1, R"(["REQ","b",{}])"), R"(["EOSE","b"])");
  EXPECT_TRUE(tell(1, R"(["REQ","c",{}])").starts_with(R"(["CLOSED","c","rate-limited: )"));
  EXPECT_EQ(tell(1, R"(["REQ","a",{"kinds":[9]}])"), R"(["EOSE","a"])") << "replaced, not added";
  EXPECT_TRUE(tell(1, R"(["REQ","a",{},{},{}])").starts_with(R"(["CLOSED","a","invalid: )"));
  for (int i = 0; i < 10; ++i) publish(event(1, {}, i));
  EXPECT_NE(publish(event(1, {}, 11)).find("false,\"rate-limited: "), std::string::npos);
  tell(1, R"(["CLOSE","b"])");
  clock.seconds += 2;
  const std::string later = publish(event(1, {}, 12));
  EXPECT_NE(later.find("true"), std::string::npos) << later;
}

TEST_F(RelayCoreTest, AuthenticationIsRequiredAndChecked) {
  settings.require_auth = true;
  make();
  ASSERT_EQ(said[1].size(), 1U);
  const std::string challenge = said[1][0].substr(9, 32);
  EXPECT_NE(publish(event(1)).find("false,\"auth-required: "), std::string::npos);
  EXPECT_TRUE(tell(1, R"(["REQ","a",{}])").starts_with(R"(["CLOSED","a","auth-required: )"));
  EXPECT_TRUE(tell(1, R"(["COUNT","a",{}])").starts_with(R"(["CLOSED","a","auth-required: )"));
  const auto auth = [&](std::vector<nostr::Tag> tags, std::int64_t age = 0, std::uint32_t kind = 22'242) {
    return tell(1, "[\"AUTH\"," + nostr::dump(event(kind, std::move(tags), age)) + "]");
  };
  const nostr::Tag here = {"relay", "ws://RELAY.example:8080/"}, right = {"challenge", challenge};
  EXPECT_NE(auth({here, {"challenge", "other"}}).find("false"), std::string::npos);
  EXPECT_NE(auth({{"relay", "ws://elsewhere"}, right}).find("false"), std::string::npos);
  EXPECT_NE(auth({here, right}, 700).find("false"), std::string::npos);
  EXPECT_NE(auth({here, right}, 0, 1).find("false"), std::string::npos);
  EXPECT_NE(auth({here, right}).find("true"), std::string::npos);
  EXPECT_NE(publish(event(1)).find("true"), std::string::npos);
  EXPECT_NE(publish(event(1, {{"-"}})).find("true"), std::string::npos) << "its author (NIP-70)";
}

TEST_F(RelayCoreTest, CountsAndRefusesGarbageGracefully) {
  make();
  for (int i = 0; i < 3; ++i) publish(event(1, {}, i));
  EXPECT_EQ(tell(1, R"(["COUNT","c",{"kinds":[1],"limit":1}])"), R"(["COUNT","c",{"count":3}])");
  for (const char* text : {"", "garbage", "[]", "{}", "[1]", "[\"REQ\"]", "[\"NOPE\",1]", "[\"CLOSE\",5]",
                           "[\"EVENT\",7]", "[\"REQ\",\"\",{}]", "\xff\xfe", "[[[[[[[[[[[[[[[[[[[["}) {
    EXPECT_TRUE(tell(1, text).starts_with("[\"NOTICE\",\"invalid: ")) << text;
  }
  EXPECT_TRUE(tell(1, R"(["REQ","x"])").starts_with(R"(["CLOSED","x","invalid: )"));
  EXPECT_TRUE(tell(1, R"(["REQ","x",{"authors":["ab"]}])").starts_with(R"(["CLOSED","x","invalid: )"));
  const std::string id(64, 'a');
  EXPECT_TRUE(
      tell(1, "[\"EVENT\",{\"id\":\"" + id + "\"}]").starts_with("[\"OK\",\"" + id + "\",false,\"invalid: "));
}

TEST_F(RelayCoreTest, TheInformationDocumentTellsTheLimits) {
  settings.most_limit = 77;
  const auto document = json::parse(information(settings));
  ASSERT_TRUE(document);
  EXPECT_EQ(document->find("limitation")->find("max_limit")->if_int64(), 77);
}

}  // namespace
}  // namespace manastr::relay::embedded
