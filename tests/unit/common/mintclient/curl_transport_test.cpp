#include "common/mintclient/curl_transport.h"

#include <gtest/gtest.h>

#include <future>

#include "tests/support/loopback_server.h"

namespace manastr::mintclient {
namespace {

using test::LoopbackServer;
using test::reply_of;

Result<HttpReply> send_and_wait(Transport& transport, HttpRequest request) {
  std::promise<Result<HttpReply>> promise;
  transport.send(std::move(request), [&](Result<HttpReply> reply) { promise.set_value(std::move(reply)); });
  return promise.get_future().get();
}

/// Holds a server's answers back until opened.
class Gate {
 public:
  void open() { promise_.set_value(); }
  void pass() const { opened_.wait(); }

 private:
  std::promise<void> promise_;
  std::shared_future<void> opened_ = promise_.get_future().share();
};

TEST(CurlTransport, PostsJsonAndReadsTheReply) {
  std::string seen;
  LoopbackServer server([&](const std::string& request) {
    seen = request;
    return reply_of("{\"ok\":true}");
  });
  const auto transport = make_curl_transport();
  const auto reply = send_and_wait(*transport, {"POST", server.url("/v1/swap"), "{\"a\":1}", "Nostr abc"});
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(reply->body, "{\"ok\":true}");
  EXPECT_TRUE(seen.starts_with("POST /v1/swap HTTP/1.1"));
  EXPECT_NE(seen.find("Content-Type: application/json"), std::string::npos);
  EXPECT_NE(seen.find("Authorization: Nostr abc"), std::string::npos);
  EXPECT_TRUE(seen.ends_with("{\"a\":1}"));
}

TEST(CurlTransport, FollowsNoRedirect) {
  std::atomic<int> requests = 0;
  LoopbackServer server([&](const std::string&) {
    ++requests;
    return reply_of("", "302 Found", "Location: /elsewhere\r\n");
  });
  const auto transport = make_curl_transport();
  EXPECT_EQ(send_and_wait(*transport, {"GET", server.url("/")})->status, 302);
  EXPECT_EQ(requests, 1);
}

TEST(CurlTransport, ReadsNoMoreThanItsBound) {
  LoopbackServer server([&](const std::string& request) {
    // Once with its length announced, once without: neither is read.
    if (request.starts_with("GET /announced")) return reply_of(std::string(2000, 'x'));
    return "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + std::string(2000, 'x');
  });
  const auto transport = make_curl_transport({.max_reply_bytes = 1000});
  for (const char* path : {"/announced", "/endless"}) {
    const auto reply = send_and_wait(*transport, {"GET", server.url(path)});
    ASSERT_FALSE(reply) << path;
    EXPECT_EQ(reply.error().kind, ErrorKind::unavailable);
    EXPECT_NE(reply.error().message.find("larger"), std::string::npos);
  }
}

TEST(CurlTransport, ALostConnectionIsUnavailable) {
  LoopbackServer server([](const std::string&) { return ""; });
  const auto transport = make_curl_transport();
  EXPECT_EQ(send_and_wait(*transport, {"GET", server.url("/")}).error().kind, ErrorKind::unavailable);
}

TEST(CurlTransport, ASlowReplyIsUnavailable) {
  Gate gate;
  LoopbackServer server([&](const std::string&) {
    gate.pass();
    return reply_of("late");
  });
  const auto transport = make_curl_transport();
  HttpRequest request{"GET", server.url("/")};
  request.timeout = Millis(50);
  EXPECT_EQ(send_and_wait(*transport, request).error().kind, ErrorKind::unavailable);
  gate.open();
}

TEST(CurlTransport, OtherSchemesAreNeverSent) {
  const auto transport = make_curl_transport();
  for (const char* url : {"file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "127.0.0.1"}) {
    EXPECT_EQ(send_and_wait(*transport, {"GET", url}).error().kind, ErrorKind::invalid) << url;
  }
}

TEST(CurlTransport, EndsWhatIsOpenWhenItIsDestroyed) {
  Gate gate;
  LoopbackServer server([&](const std::string&) {
    gate.pass();
    return std::string();
  });
  auto transport = make_curl_transport();
  std::atomic<int> ended = 0;
  for (int i = 0; i < 5; ++i) {
    transport->send({"GET", server.url("/")}, [&](Result<HttpReply> reply) {
      if (!reply && reply.error().kind == ErrorKind::unavailable) ++ended;
    });
  }
  transport.reset();
  EXPECT_EQ(ended, 5);
  gate.open();
}

TEST(CurlTransport, MoreThanItsQueueHoldsIsTurnedAway) {
  Gate gate;
  LoopbackServer server([&](const std::string&) {
    gate.pass();
    return std::string();
  });
  auto transport = make_curl_transport({.max_queued = 3});
  std::atomic<int> turned_away = 0;
  for (int i = 0; i < 5; ++i) {
    transport->send({"GET", server.url("/")}, [&](Result<HttpReply>) { ++turned_away; });
  }
  EXPECT_EQ(turned_away, 2);
  transport.reset();
  EXPECT_EQ(turned_away, 5);
  gate.open();
}

TEST(CurlTransport, ManyExchangesAtOnce) {
  LoopbackServer server(
      [](const std::string& request) { return reply_of(request.substr(5, request.find(' ', 5) - 5)); });
  const auto transport = make_curl_transport();
  constexpr int kMany = 200;
  std::mutex mutex;
  std::condition_variable all;
  int right = 0;
  int replies = 0;
  for (int i = 0; i < kMany; ++i) {
    transport->send({"GET", server.url("/" + std::to_string(i))}, [&, i](Result<HttpReply> reply) {
      const std::scoped_lock lock(mutex);
      if (reply && reply->body == std::to_string(i)) ++right;
      if (++replies == kMany) all.notify_one();
    });
  }
  std::unique_lock lock(mutex);
  all.wait(lock, [&] { return replies == kMany; });
  EXPECT_EQ(right, kMany);
}

}  // namespace
}  // namespace manastr::mintclient
