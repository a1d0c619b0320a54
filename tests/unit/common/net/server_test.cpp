#include "common/net/server.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <thread>

#include "common/net/operations.h"
#include "common/telemetry/metrics.h"
#include "tests/support/eventually.h"
#include "tests/unit/common/net/raw_client.h"

namespace manastr::net {
namespace {

/// Keeps responders for a test to answer when it wants, from its own thread.
class Parked {
 public:
  void park(Request request, Responder responder) {
    const std::lock_guard lock(mutex_);
    bodies_.push_back(request.take_body());
    responders_.push_back(std::move(responder));
    arrived_.notify_all();
  }
  Responder take() {
    std::unique_lock lock(mutex_);
    if (!arrived_.wait_for(lock, test::kPatience, [&] { return !responders_.empty(); })) return {};
    Responder first = std::move(responders_.front());
    responders_.pop_front();
    return first;
  }
  std::size_t seen() {
    const std::lock_guard lock(mutex_);
    return bodies_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<std::string> bodies_;
  std::deque<Responder> responders_;
};

struct Served {
  Parked parked;
  std::unique_ptr<Server> server;

  explicit Served(ServerOptions options = {}) {
    Router router;
    router.get("/hello", [](const Request&) { return Response::text("hello"); });
    router.post("/echo", [](const Request& request) { return Response::text(request.body()); });
    router.post("/parked", [this](Request request, Responder responder) {
      parked.park(std::move(request), std::move(responder));
    });
    router.post("/lost", [](Request, Responder) {});
    router.get("/header", [](const Request&) {
      Response response = Response::text("");
      response.headers = {{"X-Good", "1"}, {"X-Bad", "a\r\nSet-Cookie: b"}};
      return response;
    });
    auto started = Server::start(std::move(options), std::move(router));
    if (started) server = *std::move(started);
  }
  std::uint16_t port() const { return server->port(); }
};

TEST(Server, AnswersAndKeepsTheConnection) {
  Served served;
  RawClient client(served.port());
  for (int i = 0; i < 3; ++i) {
    const auto answer = client.ask(get_request("/hello"));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, "hello");
    EXPECT_EQ(answer->headers.at("Content-Type"), "text/plain; charset=utf-8");
    EXPECT_FALSE(answer->headers.contains("Connection"));
    EXPECT_TRUE(answer->headers.at("Date").ends_with(" GMT"));
  }
  EXPECT_EQ(served.server->url(), "http://127.0.0.1:" + std::to_string(served.port()));
}

TEST(Server, ClosesWhenAskedTo) {
  Served served;
  RawClient client(served.port());
  const auto answer = client.ask(get_request("/hello", "Connection: close\r\n"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->headers.at("Connection"), "close");
  EXPECT_TRUE(client.closed_by_server());
  RawClient old(served.port());
  ASSERT_TRUE(old.ask("GET /hello HTTP/1.0\r\n\r\n"));
  EXPECT_TRUE(old.closed_by_server());
}

TEST(Server, HeadHasLengthAndNoBody) {
  Served served;
  RawClient client(served.port());
  client.write("HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\n" + get_request("/hello"));
  const auto head = client.read_answer(true);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->headers.at("Content-Length"), "5");
  const auto next = client.read_answer();
  ASSERT_TRUE(next);
  EXPECT_EQ(next->body, "hello");
}

TEST(Server, PipelinedRequestsAreAnsweredInOrder) {
  Served served;
  RawClient client(served.port());
  std::string all;
  for (int i = 0; i < 100; ++i) all += post_request("/echo", "request " + std::to_string(i));
  client.write(all);
  for (int i = 0; i < 100; ++i) {
    const auto answer = client.read_answer();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->body, "request " + std::to_string(i));
  }
}

TEST(Server, PipelinedBehindAWaitingRequestIsNotHandledBefore) {
  Served served;
  RawClient client(served.port());
  client.write(post_request("/parked", "a") + post_request("/parked", "b") + get_request("/hello"));
  Responder first = served.parked.take();
  ASSERT_TRUE(first.pending());
  EXPECT_EQ(served.parked.seen(), 1u);
  first.send(Response::text("first"));
  Responder second = served.parked.take();
  ASSERT_TRUE(second.pending());
  second.send(Response::text("second"));
  second.send(Response::text("twice"));
  for (const char* expected : {"first", "second", "hello"}) {
    const auto answer = client.read_answer();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->body, expected);
  }
}

TEST(Server, ChunkedBodiesWithTrailers) {
  Served served;
  RawClient client(served.port());
  const std::string head = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const char byte : head + "5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n") {
    ASSERT_TRUE(client.write(std::string_view(&byte, 1)));  // every split there is
  }
  const auto answer = client.read_answer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "hello world");
  EXPECT_EQ(client.ask(get_request("/hello"))->body, "hello");
}

TEST(Server, SaysContinueBeforeTheBody) {
  Served served;
  RawClient client(served.port());
  client.write("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  const auto go_on = client.read_answer();
  ASSERT_TRUE(go_on);
  EXPECT_EQ(go_on->status, 100);
  const auto answer = client.ask("body");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "body");
}

TEST(Server, AmbiguousFramingIsRefused) {
  Served served;
  for (const char* framing : {
           "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
           "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
           "Content-Length: 3\r\nContent-Length: 4\r\n",
           "Content-Length: -1\r\n",
           "Transfer-Encoding: chunked, identity\r\n",
           "Transfer-Encoding: gzip, chunked\r\n",
           "Transfer-Encoding: xchunked\r\n",
       }) {
    RawClient client(served.port());
    const auto answer = client.ask("POST /echo HTTP/1.1\r\nHost: x\r\n" + std::string(framing) + "\r\nabc");
    ASSERT_TRUE(answer) << framing;
    EXPECT_TRUE(answer->status == 400 || answer->status == 501) << framing << answer->status;
    EXPECT_TRUE(client.closed_by_server()) << framing;
  }
}

TEST(Server, RefusesWhatIsNoRequest) {
  Served served;
  for (const char* bytes :
       {"\r\n\r\n\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/3.0\r\n\r\n", "GET /hello HTTP/1.1\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: x\r\nBad Header: 1\r\n\r\n",
        "GET /hello HTTP/1.1\nHost: x\n\n\r\n\r\n"}) {
    RawClient client(served.port());
    const auto answer = client.ask(bytes);
    ASSERT_TRUE(answer) << bytes;
    EXPECT_EQ(answer->status, 400) << bytes;
    EXPECT_EQ(answer->headers.at("Access-Control-Allow-Origin"), "*") << bytes;
  }
}

TEST(Server, AbsoluteFormIsUnderstood) {
  Served served;
  RawClient client(served.port());
  EXPECT_EQ(client.ask("GET http://x/hello HTTP/1.1\r\nHost: x\r\n\r\n")->body, "hello");
}

TEST(Server, RepliesCarryNoInjectedHeaders) {
  Served served;
  RawClient client(served.port());
  const auto answer = client.ask(get_request("/header"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->headers.at("X-Good"), "1");
  EXPECT_FALSE(answer->headers.contains("X-Bad"));
  EXPECT_FALSE(answer->headers.contains("Set-Cookie"));
}

TEST(Server, LateResponderAfterTheClientLeft) {
  Served served;
  auto client = std::make_unique<RawClient>(served.port());
  client->write(post_request("/parked", "a"));
  Responder responder = served.parked.take();
  client.reset();
  responder.send(Response::text(std::string(1 << 20, 'x')));
  RawClient next(served.port());
  EXPECT_EQ(next.ask(get_request("/hello"))->body, "hello");
}

TEST(Server, LateResponderAfterTheServerEnded) {
  Responder responder;
  {
    Served served;
    RawClient client(served.port());
    client.write(post_request("/parked", "a"));
    responder = served.parked.take();
    served.server.reset();
  }
  responder.send(Response::text("too late"));
  EXPECT_FALSE(responder.pending());
}

TEST(Server, ForgottenResponderAnswers500) {
  Served served;
  RawClient client(served.port());
  EXPECT_EQ(client.ask(post_request("/lost", ""))->status, 500);
  EXPECT_EQ(client.ask(get_request("/hello"))->status, 200);
}

TEST(Server, ManyConnectionsAnsweredFromManyThreads) {
  ServerOptions options;
  options.io_threads = 3;
  Served served(std::move(options));
  std::vector<std::thread> clients;
  std::atomic<int> right = 0;
  std::vector<std::thread> workers;
  for (int i = 0; i < 2; ++i) {
    workers.emplace_back([&] {
      for (int n = 0; n < 64 * 10 / 2; ++n) {
        Responder responder = served.parked.take();
        if (responder.pending()) responder.send(Response::text("ok"));
      }
    });
  }
  for (int i = 0; i < 64; ++i) {
    clients.emplace_back([&] {
      RawClient client(served.port());
      for (int n = 0; n < 10; ++n) {
        const auto answer = client.ask(post_request("/parked", "x"));
        if (answer && answer->body == "ok") ++right;
      }
    });
  }
  for (auto& thread : clients) thread.join();
  for (auto& thread : workers) thread.join();
  EXPECT_EQ(right, 640);
}

TEST(Server, LargeAnswersWaitForASlowReader) {
  Served served;
  RawClient slow(served.port(), 4096);
  slow.write(post_request("/parked", ""));
  served.parked.take().send(Response::text(std::string(8 << 20, 'y')));
  RawClient other(served.port());
  EXPECT_EQ(other.ask(get_request("/hello"))->body, "hello");  // nobody else waits
  const auto answer = slow.read_answer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body.size(), 8u << 20);
}

TEST(Server, CorsOnEveryAnswer) {
  ServerOptions options;
  options.cors_origins = {"https://wallet.example"};
  options.max_body_bytes = 10;
  Served served(std::move(options));
  const std::string origin = "Origin: https://wallet.example\r\n";
  struct Case {
    std::string bytes;
    int status;
  };
  for (const auto& [bytes, status] :
       std::vector<Case>{{get_request("/hello", origin), 200},
                         {get_request("/nowhere", origin), 404},
                         {post_request("/hello", "", origin), 405},
                         {post_request("/echo", "more than ten bytes", origin), 413}}) {
    RawClient client(served.port());
    const auto answer = client.ask(bytes);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, status);
    EXPECT_EQ(answer->headers.at("Access-Control-Allow-Origin"), "https://wallet.example") << status;
    EXPECT_EQ(answer->headers.at("Vary"), "Origin");
    if (status == 405) {
      EXPECT_EQ(answer->headers.at("Allow"), "GET, HEAD, OPTIONS");
    }
    if (status != 200) {
      EXPECT_TRUE(answer->body.starts_with("{\"detail\":")) << answer->body;
    }
  }
  RawClient stranger(served.port());
  const auto refused = stranger.ask(get_request("/hello", "Origin: https://evil.example\r\n"));
  EXPECT_FALSE(refused->headers.contains("Access-Control-Allow-Origin"));
}

TEST(Server, Preflight) {
  Served served;
  RawClient client(served.port());
  const auto answer = client.ask(
      "OPTIONS /echo HTTP/1.1\r\nHost: x\r\nOrigin: null\r\nAccess-Control-Request-Method: POST\r\n"
      "Access-Control-Request-Headers: content-type,authorization\r\n\r\n");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 204);
  EXPECT_EQ(answer->headers.at("Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(answer->headers.at("Access-Control-Allow-Methods"), "POST, OPTIONS");
  EXPECT_EQ(answer->headers.at("Access-Control-Allow-Headers"), "content-type,authorization");
  const auto anywhere = client.ask("OPTIONS /nowhere HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(anywhere->status, 204);
  EXPECT_EQ(client.ask(get_request("/hello"))->status, 200);
}

TEST(Server, OperationsRoutesAndFigures) {
  telemetry::Metrics metrics;
  telemetry::HealthRegistry health;
  bool broken = false;
  health.add("ledger", [&] {
    return broken ? telemetry::Health{telemetry::HealthStatus::failed, "The disk is full."}
                  : telemetry::Health{};
  });
  Router router;
  add_operations_routes(router, health, metrics);
  ServerOptions options;
  options.metrics = &metrics;
  const auto server = Server::start(std::move(options), std::move(router));
  ASSERT_TRUE(server);
  RawClient client((*server)->port());
  EXPECT_EQ(client.ask(get_request("/health"))->body,
            R"({"status":"ok","checks":{"ledger":{"status":"ok"}}})");
  broken = true;
  EXPECT_EQ(client.ask(get_request("/health"))->status, 503);
  client.ask(get_request("/none"));
  const auto figures = client.ask(get_request("/metrics"));
  ASSERT_TRUE(figures);
  for (const char* line : {"http_requests_total{route=\"/health\",status=\"2xx\"} 1\n",
                           "http_requests_total{route=\"/health\",status=\"5xx\"} 1\n",
                           "http_requests_total{route=\"none\",status=\"4xx\"} 1\n", "http_connections 1\n",
                           "http_request_seconds_count{route=\"/health\"} 2\n"}) {
    EXPECT_NE(figures->body.find(line), std::string::npos) << line << figures->body;
  }
}

TEST(Server, SaysWhyItCannotListen) {
  Served first;
  ServerOptions options;
  options.port = first.port();
  const auto second = Server::start(options, Router());
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("in use"), std::string::npos) << second.error().message;
  options.address = "localhost";
  EXPECT_NE(Server::start(options, Router()).error().message.find("numeric address"), std::string::npos);
  options.address = "192.0.2.1";
  EXPECT_NE(Server::start(options, Router()).error().message.find("no such address"), std::string::npos);
}

TEST(Server, DrainFinishesWhatIsUnderWay) {
  Served served;
  RawClient idle(served.port());
  ASSERT_TRUE(idle.ask(get_request("/hello")));
  RawClient busy(served.port());
  busy.write(post_request("/parked", "a"));
  Responder responder = served.parked.take();
  std::jthread draining([&] { EXPECT_TRUE(served.server->drain(test::kPatience)); });
  EXPECT_TRUE(idle.closed_by_server());
  responder.send(Response::text("done"));
  const auto answer = busy.read_answer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "done");
  EXPECT_EQ(answer->headers.at("Connection"), "close");
  draining.join();
  EXPECT_EQ(served.server->connections(), 0u);
  EXPECT_FALSE(RawClient(served.port()).connected());
}

TEST(Server, DrainCutsWhatTakesTooLong) {
  Served served;
  RawClient busy(served.port());
  busy.write(post_request("/parked", "a"));
  Responder responder = served.parked.take();
  EXPECT_FALSE(served.server->drain(Millis{50}));
  EXPECT_TRUE(busy.closed_by_server());
}

}  // namespace
}  // namespace manastr::net
