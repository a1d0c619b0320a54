// manastr-relay as an operator meets it: what it answers, survives and refuses.
// Rooms: relay-client
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "common/json/reader.h"
#include "relay-client/relay_pool.h"
#include "tests/integration/process.h"
#include "tests/support/temporary_folder.h"

namespace manastr::relay {
namespace {

using test::Daemon;
using test::eventually;
using test::Process;

/// A connection that says what it is told to and reads until the other side closes.
class RawConnection {
 public:
  explicit RawConnection(std::uint16_t port, int receive_buffer = 0)
      : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer > 0)
      setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    const timeval limit{.tv_sec = 10, .tv_usec = 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  ~RawConnection() { close(socket_); }
  void say(std::string_view text) {
    EXPECT_EQ(send(socket_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  std::string read_some() {
    char buffer[4096];
    const ssize_t got = recv(socket_, buffer, sizeof buffer, 0);
    return got > 0 ? std::string(buffer, static_cast<std::size_t>(got)) : "";
  }
  std::string read_all() {
    std::string out;
    for (std::string part = read_some(); !part.empty(); part = read_some()) out += part;
    return out;
  }
  /// A WebSocket text frame of less than 64 KiB, masked with zeros.
  void say_frame(std::string_view text) {
    std::string out = "\x81";
    if (text.size() < 126) {
      out += static_cast<char>(0x80 | text.size());
    } else {
      out += '\xfe';
      out += static_cast<char>(text.size() >> 8);
      out += static_cast<char>(text.size() & 0xff);
    }
    out.append(4, '\0').append(text);
    say(out);
  }
  void upgrade() { EXPECT_TRUE(is_upgraded("")); }
  /// `headers`: more of them, each with its CRLF.
  bool is_upgraded(const std::string& headers) {
    say("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: "
        "13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
        headers + "\r\n");
    return read_some().find("101") != std::string::npos;
  }

 private:
  int socket_;
};

std::string ask(std::uint16_t port, const std::string& request) {
  RawConnection connection(port);
  connection.say(request);
  return connection.read_all();
}

struct RelayDaemonTest : ::testing::Test {
  test::TemporaryFolder folder;
  crypto::SecretKey key = crypto::SecretKey::generate(system_random());
  std::string config(const std::string& text) { return folder.write("relay.toml", text); }
  std::unique_ptr<RelayPool> pool(std::uint16_t port) {
    return *RelayPool::start(PoolOptions::for_loopback({"ws://127.0.0.1:" + std::to_string(port)}));
  }
  nostr::Event event(int number) {
    return nostr::sign(
        {.created_at = system_clock().now_seconds(), .kind = 31'000, .tags = {{"d", std::to_string(number)}}},
        key, {});
  }
};

TEST_F(RelayDaemonTest, AnswersGetsOnItsOnePortAndClosesWhatHasABody) {
  Daemon relay("manastr-relay", config("[network]\nport = 0\n[info]\nname = \"x\"\n"), folder.path("data"));
  const std::string document =
      ask(relay.port(), "GET / HTTP/1.1\r\nHost: x\r\nAccept: application/nostr+json\r\n\r\n");
  EXPECT_TRUE(document.starts_with("HTTP/1.1 200")) << document;
  EXPECT_NE(document.find("access-control-allow-origin: *"), std::string::npos);
  EXPECT_NE(document.find("application/nostr+json"), std::string::npos);
  const auto parsed = json::parse(document.substr(document.find("\r\n\r\n") + 4));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(*parsed->find("name")->if_string(), "x");
  EXPECT_NE(ask(relay.port(), "GET /health HTTP/1.1\r\nHost: x\r\n\r\n").find("\"status\":\"ok\""),
            std::string::npos);
  EXPECT_NE(ask(relay.port(), "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").find("relay_connections 0"),
            std::string::npos);
  EXPECT_TRUE(ask(relay.port(), "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 404"));
  EXPECT_TRUE(ask(relay.port(), "OPTIONS / HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 204"));
  EXPECT_EQ(
      ask(relay.port(), "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\n\r\n"),
      "");
  EXPECT_EQ(ask(relay.port(), "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"), "");
  EXPECT_EQ(ask(relay.port(),
                "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
            "");
}

TEST_F(RelayDaemonTest, WhatWasAnsweredOkSurvivesKillNine) {
  Daemon relay("manastr-relay", config("[network]\nport = 0\n"), folder.path("data"));
  auto client = pool(relay.port());
  std::mutex mutex;
  std::set<nostr::EventId> answered;
  for (int i = 0; i < 3'000; ++i) {
    ASSERT_TRUE(client->publish({.event = event(i), .on_progress = [&](const PublishProgress& progress) {
                                   const std::lock_guard lock(mutex);
                                   if (progress.accepted() == 1) answered.insert(progress.id);
                                 }}));
  }
  const auto number = [&] {
    const std::lock_guard lock(mutex);
    return answered.size();
  };
  ASSERT_TRUE(eventually([&] { return number() > 500; }));
  relay.process().kill();
  client.reset();
  relay.restart("");
  nostr::Filter filter;
  filter.kinds = {31'000};
  auto reader = pool(relay.port());
  const Fetched fetched = fetch_and_wait(*reader, {filter}, test::kPatience);
  ASSERT_TRUE(fetched.complete);
  for (const nostr::Event& each : fetched.events) answered.erase(each.id);
  EXPECT_TRUE(answered.empty()) << answered.size() << " lost";
}

TEST_F(RelayDaemonTest, SigtermDrainsAndExitsWithZero) {
  Daemon relay("manastr-relay", config("[network]\nport = 0\n"), folder.path("data"));
  auto client = pool(relay.port());
  ASSERT_TRUE(publish_and_wait(*client, event(1), test::kPatience));
  relay.process().signal(SIGTERM);
  EXPECT_EQ(relay.process().wait(std::chrono::seconds(5)), 0);
  EXPECT_EQ(test::read_file(relay.directory() + "/port"), "");
}

TEST_F(RelayDaemonTest, AClientThatDoesNotReadIsCutOffAndTheOthersGoOn) {
  Daemon relay(
      "manastr-relay",
      config("[network]\nport = 0\n[database]\nengine = \"memory\"\n[limits]\nmax_pending_bytes = 1048576\n"),
      folder.path("data"));
  RawConnection deaf(relay.port(), 4'096);
  deaf.upgrade();
  deaf.say_frame(R"(["REQ","x",{}])");
  auto client = pool(relay.port());
  const std::string big(60'000, 'x');
  const auto cut_off = [&] {
    return ask(relay.port(), "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").find("relay_slow_clients_total 1") !=
           std::string::npos;
  };
  for (int i = 0; i < 400 && !cut_off(); ++i) {
    const auto each = nostr::sign(
        {.created_at = system_clock().now_seconds(), .kind = 1, .content = big + std::to_string(i)}, key, {});
    ASSERT_TRUE(publish_and_wait(*client, each, test::kPatience));
  }
  EXPECT_TRUE(cut_off());
}

TEST_F(RelayDaemonTest, BehindAProxyAClientIsWhomTheProxyNamesAndNotWhatItSaysItself) {
  Daemon relay(
      "manastr-relay",
      config("[network]\nport = 0\ntrust_forwarded_for = true\n[limits]\nmax_connections_per_ip = 1\n"),
      folder.path("data"));
  RawConnection first(relay.port()), again(relay.port()), other(relay.port());
  EXPECT_TRUE(first.is_upgraded("X-Forwarded-For: 192.0.2.1, 198.51.100.7\r\n"));
  EXPECT_FALSE(again.is_upgraded("X-Forwarded-For: 192.0.2.2, 198.51.100.7\r\n"));
  EXPECT_TRUE(other.is_upgraded("X-Forwarded-For: 192.0.2.1, 198.51.100.8\r\n"));
}

TEST_F(RelayDaemonTest, RefusesToStartWithOneLineThatSaysWhy) {
  Daemon relay("manastr-relay", config("[network]\nport = 0\n"), folder.path("data"));
  int runs = 0;
  const auto refusal = [&](const std::string& toml, const std::string& data) {
    const std::string name = "wrong" + std::to_string(runs++);
    const std::string file = folder.write(name + ".toml", toml);
    Process process("manastr-relay",
                    {{"--config", file, "--data", folder.path(data)}, {}, folder.path(name + ".log")});
    EXPECT_EQ(process.wait(), 1);
    std::string said = test::read_file(folder.path(name + ".log"));
    EXPECT_EQ(std::ranges::count(said, '\n'), 1) << said;
    return said;
  };
  EXPECT_NE(refusal("[network]\nport = " + std::to_string(relay.port()) + "\n", "b").find("in use"),
            std::string::npos);
  EXPECT_NE(refusal("[network]\nport = 0\n", "data").find("already used"), std::string::npos);
  EXPECT_NE(refusal("[network]\nport = 0\n", "relay.toml").find("relay.toml"), std::string::npos);
  EXPECT_NE(refusal("[network]\nport = 70000\n", "b").find("toml:2"), std::string::npos);
  EXPECT_NE(refusal("[network]\nadress = 1\n", "b").find("address"), std::string::npos);
  EXPECT_NE(refusal("[network]\nport = 0\naddress = \"nowhere\"\n", "b").find("nowhere"), std::string::npos);
  folder.write("c/events.sqlite",
               "this is no database, however long it may be; certainly not one of SQLite's");
  EXPECT_NE(refusal("[network]\nport = 0\n", "c").find("events.sqlite"), std::string::npos);
}

}  // namespace
}  // namespace manastr::relay
