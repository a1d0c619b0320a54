#include <gtest/gtest.h>

#include "common/net/server.h"
#include "tests/support/eventually.h"
#include "tests/unit/common/net/raw_client.h"

namespace manastr::net {
namespace {

std::unique_ptr<Server> serve(ServerOptions options) {
  Router router;
  router.get("/hello", [](const Request&) { return Response::text("hello"); });
  router.get("/large", [](const Request&) { return Response::text(std::string(32 << 20, 'x')); });
  router.post("/echo", [](const Request& request) { return Response::text(request.body()); });
  router.get("/who", [](const Request& request) { return Response::text(request.client()); });
  router.websocket("/ws",
                   [](const Request&, WebSocket) -> Result<WebSocketEvents> { return WebSocketEvents{}; });
  auto server = Server::start(std::move(options), std::move(router));
  return server ? *std::move(server) : nullptr;
}

TEST(ServerLimits, BodyAtTheLimitPassesAndAboveIs413) {
  ServerOptions options;
  options.max_body_bytes = 100'000;
  const auto server = serve(options);
  RawClient client(server->port());
  EXPECT_EQ(client.ask(post_request("/echo", std::string(100'000, 'a')))->body.size(), 100'000u);

  // The refusal arrives although the whole body is still on its way.
  const auto answer = client.ask(post_request("/echo", std::string(1'000'000, 'a')));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 413);
  EXPECT_NE(answer->body.find("at most 100000 bytes"), std::string::npos);
  EXPECT_TRUE(client.closed_by_server());
}

TEST(ServerLimits, ChunkedBodyAboveTheLimitIs413) {
  ServerOptions options;
  options.max_body_bytes = 1000;
  const auto server = serve(options);
  RawClient client(server->port());
  std::string bytes = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 11; ++i) bytes += "64\r\n" + std::string(100, 'a') + "\r\n";
  EXPECT_EQ(client.ask(bytes)->status, 413);
}

TEST(ServerLimits, LongHeadersAre431) {
  const auto server = serve({});
  RawClient fits(server->port());
  EXPECT_EQ(fits.ask(get_request("/hello", "X-Long: " + std::string(15'000, 'a') + "\r\n"))->status, 200);
  RawClient one(server->port());
  EXPECT_EQ(one.ask(get_request("/hello", "X-Long: " + std::string(20'000, 'a') + "\r\n"))->status, 431);
  RawClient many(server->port());
  std::string fields;
  for (int i = 0; i < 5000; ++i) fields += "X-" + std::to_string(i) + ": 1\r\n";
  EXPECT_EQ(many.ask(get_request("/hello", fields))->status, 431);
  RawClient target(server->port());
  EXPECT_EQ(target.ask(get_request("/" + std::string(20'000, 'a')))->status, 431);
}

TEST(ServerLimits, SlowHeadersAreCutOff) {
  ServerOptions options;
  options.header_timeout = Millis{100};
  const auto server = serve(options);
  RawClient client(server->port());
  client.write("GET /hello HTTP/1.1\r\nHost: ");
  const auto answer = client.read_answer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 408);
  EXPECT_TRUE(client.closed_by_server());
}

TEST(ServerLimits, SlowBodyIsCutOff) {
  ServerOptions options;
  options.body_timeout = Millis{100};
  const auto server = serve(options);
  RawClient client(server->port());
  client.write("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_EQ(client.read_answer()->status, 408);
  EXPECT_TRUE(client.closed_by_server());
}

TEST(ServerLimits, IdleConnectionsAreClosed) {
  ServerOptions options;
  options.idle_timeout = Millis{100};
  const auto server = serve(options);
  RawClient client(server->port());
  ASSERT_TRUE(client.ask(get_request("/hello")));
  EXPECT_TRUE(client.closed_by_server());
  EXPECT_EQ(client.in(), "");
}

TEST(ServerLimits, AnswersThatNobodyReadsAreCut) {
  ServerOptions options;
  options.write_timeout = Millis{100};
  const auto server = serve(options);
  RawClient client(server->port(), 4096);
  ASSERT_TRUE(client.ask(get_request("/hello")));
  client.write(get_request("/large"));
  EXPECT_TRUE(test::eventually([&] { return server->connections() == 0; }));
  while (client.read_more()) {
  }
  EXPECT_LT(client.in().size(), std::size_t{32} << 20);
}

TEST(ServerLimits, TooManyConnectionsGet503AndRetryAfter) {
  ServerOptions options;
  options.max_connections = 2;
  const auto server = serve(options);
  RawClient a(server->port());
  auto b = std::make_unique<RawClient>(server->port());
  ASSERT_EQ(a.ask(get_request("/hello"))->status, 200);
  ASSERT_EQ(b->ask(get_request("/hello"))->status, 200);
  RawClient c(server->port());
  const auto refused = c.ask(get_request("/hello"));
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 503);
  EXPECT_EQ(refused->headers.at("Retry-After"), "5");
  EXPECT_EQ(refused->headers.at("Access-Control-Allow-Origin"), "*");
  EXPECT_TRUE(c.closed_by_server());
  c.hang_up();
  b.reset();
  ASSERT_TRUE(test::eventually([&] { return server->connections() == 1; }));
  RawClient d(server->port());
  EXPECT_EQ(d.ask(get_request("/hello"))->status, 200);
}

TEST(ServerLimits, TooManyConnectionsOfOneAddressGet429) {
  ServerOptions options;
  options.max_connections_per_ip = 1;
  const auto server = serve(options);
  RawClient a(server->port());
  ASSERT_EQ(a.ask(get_request("/hello"))->status, 200);
  RawClient b(server->port());
  EXPECT_EQ(b.ask(get_request("/hello"))->status, 429);
}

TEST(ServerLimits, TheRateHookIsAskedBeforeTheBody) {
  ServerOptions options;
  options.admit = [](const Request& request) -> std::optional<Millis> {
    if (request.client() == "127.0.0.1" && request.path() == "/echo") return Millis{1500};
    return std::nullopt;
  };
  const auto server = serve(options);
  RawClient client(server->port());
  EXPECT_EQ(client.ask(get_request("/hello"))->status, 200);
  const auto answer = client.ask("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 429);
  EXPECT_EQ(answer->headers.at("Retry-After"), "2");
}

TEST(ServerLimits, BehindATrustedProxyTheClientIsWhomItNames) {
  ServerOptions options;
  options.trusted_proxies = {*AddressRange::parse("127.0.0.0/8"), *AddressRange::parse("10.0.0.0/8")};
  options.admit = [](const Request& request) -> std::optional<Millis> {
    return request.client() == "198.51.100.66" ? std::optional(Millis{1'500}) : std::nullopt;
  };
  const auto server = serve(options);
  RawClient proxy(server->port());
  const auto who = [&](const std::string& fields) {
    const auto answer = proxy.ask(get_request("/who", fields));
    return answer ? answer->body : "no answer";
  };
  EXPECT_EQ(who("X-Forwarded-For: 198.51.100.9\r\n"), "198.51.100.9");
  EXPECT_EQ(
      who("x-forwarded-for: 198.51.100.66\r\nX-Other: 1\r\nX-FORWARDED-FOR: [2001:db8::7]:99, 10.1.1.1\r\n"),
      "2001:db8::7");
  EXPECT_EQ(who(""), "127.0.0.1") << "of one connection, each request is somebody else's";
  EXPECT_EQ(who("X-Forwarded-For: nobody\r\n"), "127.0.0.1");
  EXPECT_EQ(who("X-Forwarded-For: \r\nX-Forwarded-For:\r\n"), "127.0.0.1");

  const std::string upgrade =
      "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX-Forwarded-For: ";
  RawClient flood(server->port());
  EXPECT_EQ(flood.ask(get_request("/ws", upgrade + "198.51.100.66\r\n"))->status, 429);
  EXPECT_EQ(proxy.ask(get_request("/ws", upgrade + "198.51.100.9\r\n"))->status, 101);
}

TEST(ServerLimits, WhoIsNoTrustedProxyNamesNobody) {
  const auto server = serve({});
  RawClient client(server->port());
  EXPECT_EQ(client.ask(get_request("/who", "X-Forwarded-For: 198.51.100.9\r\n"))->body, "127.0.0.1");
}

}  // namespace
}  // namespace manastr::net
