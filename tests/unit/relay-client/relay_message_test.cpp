#include "relay-client/relay_message.h"

#include <gtest/gtest.h>

#include "relay-client/socket_loop.h"
#include "relay-client/wish.h"

namespace manastr::relay {
namespace {

const crypto::SecretKey kKey = *crypto::SecretKey::from_hex(std::string(63, '0') + "7");

TEST(RelayMessage, ReadsEachVerb) {
  const nostr::Event event =
      nostr::sign({.created_at = unix_seconds(1), .kind = 1, .content = "x"}, kKey, {});
  const auto got = parse_relay_message("[\"EVENT\",\"s1.2\"," + nostr::dump(event) + "]");
  ASSERT_TRUE(got);
  EXPECT_EQ(got->verb, Verb::event);
  EXPECT_EQ(got->subscription, "s1.2");
  EXPECT_EQ(got->event, event);

  const auto ok = parse_relay_message("[\"OK\",\"" + to_hex(event.id) + "\",false,\"blocked: no\"]");
  ASSERT_TRUE(ok);
  EXPECT_EQ(ok->id, event.id);
  EXPECT_FALSE(ok->accepted);
  EXPECT_EQ(ok->text, "blocked: no");
  const auto nameless = parse_relay_message(R"(["OK","",true])");
  ASSERT_TRUE(nameless);
  EXPECT_FALSE(nameless->id);
  EXPECT_TRUE(nameless->accepted);
  EXPECT_EQ(parse_relay_message(R"(["EOSE","a","finish"])")->subscription, "a");
  EXPECT_EQ(parse_relay_message(R"(["CLOSED","a","error: x"])")->text, "error: x");
  EXPECT_EQ(parse_relay_message(R"(["NOTICE","hm"])")->text, "hm");
  EXPECT_EQ(parse_relay_message(R"(["AUTH","chal"])")->text, "chal");
}

TEST(RelayMessage, RefusesWhatItCannotUse) {
  for (const char* text :
       {"", "x", "{}", "[]", "[1]", "[\"EVENT\"]", "[\"EVENT\",\"a\"]", "[\"EVENT\",\"a\",{}]",
        "[\"EVENT\",\"a\",1,2]", "[\"OK\"]", "[\"OK\",\"zz\",true]", "[\"OK\",\"\",\"true\"]", "[\"EOSE\"]",
        "[\"EOSE\",1]", "[\"NOTICE\",1]", "[\"HELLO\",\"x\"]", "[\"EOSE\",\"a\"",
        "[[[[[[[[[[[[]]]]]]]]]]]]"}) {
    EXPECT_FALSE(parse_relay_message(text)) << text;
  }
  EXPECT_FALSE(parse_relay_message("[\"EOSE\",\"" + std::string(300, 'a') + "\"]"));
}

TEST(RelayMessage, PeeksAtTheVerb) {
  EXPECT_EQ(peek_verb(R"(["EVENT","x",{}])"), Verb::event);
  EXPECT_EQ(peek_verb(" [ \n\"EOSE\" , \"x\"]"), Verb::eose);
  EXPECT_EQ(peek_verb(R"(["OK)"), Verb::unknown);
  EXPECT_EQ(peek_verb(""), Verb::unknown);
  EXPECT_EQ(peek_verb("[\"" + std::string(100, 'E') + "\"]"), Verb::unknown);
}

TEST(RelayMessage, ReadsReasonsAsRelaysWriteThem) {
  EXPECT_EQ(reason_of("duplicate: have this event"), Reason::duplicate);
  EXPECT_EQ(reason_of("ERROR: auth-required: please"), Reason::auth_required);
  EXPECT_EQ(reason_of("Rate-Limited: slow"), Reason::rate_limited);
  EXPECT_EQ(reason_of("error: unknown"), Reason::error);
  EXPECT_EQ(reason_of("ERROR: bad req: kinds not an array"), Reason::error);
  EXPECT_EQ(reason_of("replaced: have newer event"), Reason::replaced);
  EXPECT_EQ(reason_of("duplicated things"), Reason::none);
  EXPECT_EQ(reason_of(""), Reason::none);
  EXPECT_EQ(reason_of("error:"), Reason::error);
}

TEST(RelayMessage, TakesWhatLimitsADocumentHas) {
  const auto limits = parse_relay_limits(
      R"({"limitation":{"max_message_length":131072,"max_limit":"many","max_subscriptions":-1,"max_event_tags":2000}})");
  EXPECT_EQ(limits.message_bytes, 131'072U);
  EXPECT_FALSE(limits.limit);
  EXPECT_FALSE(limits.subscriptions);
  EXPECT_EQ(limits.event_tags, 2'000U);
  EXPECT_FALSE(parse_relay_limits("no json").message_bytes);
  EXPECT_FALSE(parse_relay_limits("[]").message_bytes);
}

TEST(RelayUrl, IsReadOrRefusedWithItsFault) {
  const auto plain = parse_relay_url("ws://127.0.0.1:7777");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->host, "127.0.0.1");
  EXPECT_EQ(plain->port, 7777);
  EXPECT_EQ(plain->path, "/");
  const auto tls = parse_relay_url("wss://relay.example.com/inbox?x=1");
  ASSERT_TRUE(tls);
  EXPECT_TRUE(tls->tls);
  EXPECT_EQ(tls->port, 443);
  EXPECT_EQ(tls->path, "/inbox?x=1");
  EXPECT_EQ(parse_relay_url("ws://[::1]:80/")->host, "::1");
  for (const char* url : {"", "http://x", "ws://", "ws://:80", "ws://x:0", "ws://x:65536", "ws://x:8a",
                          "ws://x:", "ws://a b", "ws://u@x", "ws://x/#f", "ws://[::1", "ws://x\n"}) {
    EXPECT_FALSE(parse_relay_url(url)) << url;
  }
}

TEST(SubscriptionName, IsReadAsWritten) {
  const auto name = parse_subscription_name(SubscriptionName{'p', 12, 345}.text());
  ASSERT_TRUE(name);
  EXPECT_EQ(name->role, 'p');
  EXPECT_EQ(name->wish, 12U);
  EXPECT_EQ(name->number, 345U);
  for (const char* text : {"", "s", "s1", "s1.", "x1.2", "s1.2x", "s-1.2", "s1.99999999999999999999999"}) {
    EXPECT_FALSE(parse_subscription_name(text)) << text;
  }
}

}  // namespace
}  // namespace manastr::relay
