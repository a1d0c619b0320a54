#include "common/net/websocket.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "common/net/server.h"
#include "tests/support/eventually.h"
#include "tests/unit/common/net/raw_client.h"

namespace manastr::net {
namespace {

/// RFC 6455 section 5.2, from the client: masked, with the mask 0 for readability.
std::string frame(std::string_view payload, int opcode = 1) {
  std::string out{static_cast<char>(0x80 | opcode)};
  if (payload.size() < 126) {
    out += static_cast<char>(0x80 | payload.size());
  } else {
    out += static_cast<char>(0x80 | 126);
    out += static_cast<char>(payload.size() >> 8);
    out += static_cast<char>(payload.size() & 0xff);
  }
  return out + std::string(4, '\0') + std::string(payload);
}

struct Frame {
  int opcode = 0;
  std::string payload;
};
std::optional<Frame> read_frame(RawClient& client) {
  const auto head = client.read_exactly(2);
  if (!head) return std::nullopt;
  std::size_t size = static_cast<unsigned char>((*head)[1]);
  if (size >= 126) {
    const auto more = client.read_exactly(size == 126 ? 2 : 8);
    if (!more) return std::nullopt;
    size = 0;
    for (const unsigned char byte : *more) size = size << 8 | byte;
  }
  auto payload = client.read_exactly(size);
  if (!payload) return std::nullopt;
  return Frame{(*head)[0] & 0x0f, *std::move(payload)};
}
int close_code(const Frame& closing) {
  return static_cast<unsigned char>(closing.payload[0]) << 8 | static_cast<unsigned char>(closing.payload[1]);
}

const std::string kUpgrade =
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

struct Served {
  std::mutex mutex;
  std::vector<WebSocket> sessions;
  std::atomic<int> closed = 0;
  std::unique_ptr<Server> server;

  explicit Served(ServerOptions options = {}) {
    Router router;
    router.websocket("/v1/ws", [this](const Request& request, WebSocket session) -> Result<WebSocketEvents> {
      if (request.query() == "refuse") return refused(0, "Not today.");
      const std::lock_guard lock(mutex);
      sessions.push_back(session);
      return WebSocketEvents{[session](std::string_view text) {
                               if (text == "bye") {
                                 session.send("last words");
                                 session.close(4000, "as you wish");
                               } else {
                                 session.send("echo " + std::string(text));
                               }
                             },
                             [this] {
                               ++closed;
                               closed.notify_all();
                             }};
    });
    server = *Server::start(std::move(options), std::move(router));
  }
  WebSocket session() {
    const std::lock_guard lock(mutex);
    return sessions.back();
  }
};

bool shake_hands(RawClient& client) {
  const auto answer = client.ask(get_request("/v1/ws", kUpgrade));
  return answer && answer->status == 101 &&
         answer->headers.at("Sec-WebSocket-Accept") ==
             "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";  // RFC 6455 section 1.3
}

TEST(WebSocket, Echo) {
  Served served;
  RawClient client(served.server->port());
  ASSERT_TRUE(shake_hands(client));
  client.write(frame("one") + frame("two"));
  EXPECT_EQ(read_frame(client)->payload, "echo one");
  EXPECT_EQ(read_frame(client)->payload, "echo two");
}

TEST(WebSocket, MessagesFromAnyThreadKeepTheirOrder) {
  Served served;
  RawClient client(served.server->port());
  ASSERT_TRUE(shake_hands(client));
  const WebSocket session = served.session();
  std::thread sender([session] {
    for (int i = 0; i < 1000; ++i) EXPECT_TRUE(session.send(std::to_string(i)));
  });
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(read_frame(client)->payload, std::to_string(i));
  sender.join();
}

TEST(WebSocket, CloseDeliversWhatWasSentBefore) {
  Served served;
  RawClient client(served.server->port());
  ASSERT_TRUE(shake_hands(client));
  client.write(frame("bye"));
  EXPECT_EQ(read_frame(client)->payload, "last words");
  const auto closing = read_frame(client);
  ASSERT_TRUE(closing);
  EXPECT_EQ(closing->opcode, 8);
  EXPECT_EQ(close_code(*closing), 4000);
  client.write(frame(closing->payload, 8));
  EXPECT_TRUE(client.closed_by_server());
  client.hang_up();
  served.closed.wait(0);
  EXPECT_FALSE(served.session().open());
  EXPECT_FALSE(served.session().send("late"));
}

TEST(WebSocket, APeerThatDoesNotReadIsEnded) {
  ServerOptions options;
  options.websocket_queue_bytes = 256 * 1024;
  Served served(std::move(options));
  RawClient client(served.server->port(), 4096);
  ASSERT_TRUE(shake_hands(client));
  const WebSocket session = served.session();
  std::size_t sent = 0;
  while (session.send(std::string(10'000, 'x'))) ASSERT_LT(++sent, 5000u);
  served.closed.wait(0);
  EXPECT_FALSE(session.open());
}

TEST(WebSocket, BinaryTooLongAndInvalidMessagesEndIt) {
  ServerOptions options;
  options.websocket_message_bytes = 1000;
  Served served(std::move(options));
  struct Case {
    std::string bytes;
    int code;
  };
  for (const auto& [bytes, code] : std::vector<Case>{{frame("binary", 2), 1003},
                                                     {frame(std::string(1001, 'a')), 1009},
                                                     {frame("\xff"), 1007},
                                                     {"\x81\x01x", 1002}}) {
    RawClient client(served.server->port());
    ASSERT_TRUE(shake_hands(client));
    client.write(bytes);
    const auto closing = read_frame(client);
    ASSERT_TRUE(closing) << code;
    EXPECT_EQ(closing->opcode, 8);
    EXPECT_EQ(close_code(*closing), code);
  }
}

TEST(WebSocket, APeerThatIgnoresTheCloseIsCut) {
  Served served;
  RawClient asked(served.server->port());
  RawClient told(served.server->port());
  ASSERT_TRUE(shake_hands(asked));
  ASSERT_TRUE(shake_hands(told));
  const WebSocket second = served.session();
  asked.write(frame("bye"));
  second.close();
  ASSERT_TRUE(read_frame(asked) && read_frame(asked) && read_frame(told));
  served.closed.wait(0);
  served.closed.wait(1);
}

TEST(WebSocket, UpgradesThatAreNone) {
  Served served;
  RawClient client(served.server->port());
  const auto plain = client.ask(get_request("/v1/ws"));
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->status, 426);
  const auto refused = client.ask(get_request("/v1/ws?refuse", kUpgrade));
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 400);
  EXPECT_EQ(refused->body, R"({"detail":"Not today.","code":0})");
  EXPECT_EQ(client.ask(get_request("/v1/ws", "Upgrade: websocket\r\nConnection: Upgrade\r\n"))->status, 400);
}

TEST(WebSocket, AnAdmissionIsAskedForBeforeTheUpgrade) {
  std::atomic<int> opened = 0;
  std::vector<std::jthread> askers;
  Router router;
  router.websocket(
      "/v1/ws",
      [&](const Request&, WebSocket) -> Result<WebSocketEvents> {
        ++opened;
        return WebSocketEvents{[](std::string_view) {}, [] {}};
      },
      [&](Request request, Responder responder) {
        const int status = request.query() == "no" ? 403 : 200;
        if (request.header("When") != "later") return responder.send(Response::json("{}", status));
        askers.emplace_back([responder = std::move(responder), status]() mutable {
          responder.send(Response::json("{}", status));
        });
      });
  const auto server = *Server::start({}, std::move(router));
  for (const std::string when : {"When: now\r\n", "When: later\r\n"}) {
    opened = 0;
    RawClient client(server->port());
    const auto refused = client.ask(get_request("/v1/ws?no", kUpgrade + when));
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->status, 403);
    EXPECT_EQ(opened, 0);
    const auto answer = client.ask(get_request("/v1/ws?yes", kUpgrade + when));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 101);
    EXPECT_EQ(opened, 1);
  }
}

TEST(WebSocket, DrainSaysGoingAway) {
  Served served;
  RawClient client(served.server->port());
  ASSERT_TRUE(shake_hands(client));
  std::jthread draining([&] { EXPECT_TRUE(served.server->drain(test::kPatience)); });
  const auto closing = read_frame(client);
  ASSERT_TRUE(closing);
  EXPECT_EQ(close_code(*closing), 1001);
  client.write(frame(closing->payload, 8));
  client.hang_up();
  draining.join();
  EXPECT_EQ(served.closed, 1);
}

TEST(WebSocket, HandleOutlivesTheServer) {
  WebSocket session;
  {
    Served served;
    RawClient client(served.server->port());
    ASSERT_TRUE(shake_hands(client));
    session = served.session();
  }
  EXPECT_FALSE(session.send("late"));
  session.close();
}

}  // namespace
}  // namespace manastr::net
