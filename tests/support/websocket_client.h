// A WebSocket client for tests, over libcurl's plain connection (so https works too): one connection, whole
// messages, waits with a limit.
#pragma once
#include <curl/curl.h>
#include <poll.h>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "common/base/bytes.h"

namespace manastr::test {

class WebSocketClient {
 public:
  enum Opcode { kText = 1, kBinary = 2, kClose = 8, kPing = 9, kPong = 10 };
  struct Message {
    int opcode = kText;
    std::string payload;
    /// Of a close frame (RFC 6455, section 7.4); 0 if it has none.
    int close_code() const {
      if (opcode != kClose || payload.size() < 2) return 0;
      return static_cast<unsigned char>(payload[0]) << 8 | static_cast<unsigned char>(payload[1]);
    }
  };

  /// `url`: http or https, with the path; `headers`: more of them, each with its CRLF. Throws if it can't be
  /// connected or is not upgraded.
  explicit WebSocketClient(const std::string& url, const std::string& headers = "")
      : curl_(curl_easy_init()) {
    const auto path_at = url.find('/', url.find("://") + 3);
    const std::string base = url.substr(0, path_at);
    curl_easy_setopt(curl_.get(), CURLOPT_URL, base.c_str());
    curl_easy_setopt(curl_.get(), CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(curl_.get(), CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl_.get(), CURLOPT_CONNECTTIMEOUT_MS, 10'000L);
    curl_easy_setopt(curl_.get(), CURLOPT_NOSIGNAL, 1L);
    if (curl_easy_perform(curl_.get()) != CURLE_OK) throw std::runtime_error("no connection to " + base);
    send_bytes("GET " + url.substr(path_at) + " HTTP/1.1\r\nHost: " + base.substr(base.find("://") + 3) +
               "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
               headers + "\r\n");
    std::size_t end = 0;
    while ((end = in_.find("\r\n\r\n")) == std::string::npos) {
      if (!read_more(kPatience)) throw std::runtime_error("no answer to the upgrade");
    }
    if (!in_.starts_with("HTTP/1.1 101")) throw std::runtime_error("not upgraded: " + in_.substr(0, 60));
    in_.erase(0, end + 4);
  }

  void send(std::string_view payload, int opcode = kText) {
    std::string frame{static_cast<char>(0x80 | opcode)};
    if (payload.size() < 126) {
      frame += static_cast<char>(0x80 | payload.size());
    } else {
      const int bytes = payload.size() < 65'536 ? 2 : 8;
      frame += static_cast<char>(0x80 | (bytes == 2 ? 126 : 127));
      for (int i = bytes; i-- > 0;) frame += static_cast<char>(payload.size() >> (8 * i) & 0xff);
    }
    frame.append(4, '\0');  // the mask, which RFC 6455 wants; zeros leave the payload as it is
    frame += payload;
    send_bytes(frame);
  }

  /// The next text or close; nullopt at the end of the connection, or if none comes in time.
  std::optional<Message> receive(std::chrono::milliseconds limit = kPatience) {
    for (;;) {
      const auto head = take(2, limit);
      if (!head) return std::nullopt;
      std::size_t size = static_cast<unsigned char>((*head)[1]) & 0x7f;
      if (size >= 126) {
        const auto more = take(size == 126 ? 2 : 8, limit);
        if (!more) return std::nullopt;
        size = 0;
        for (const unsigned char byte : *more) size = size << 8 | byte;
      }
      auto payload = take(size, limit);
      if (!payload) return std::nullopt;
      const int opcode = (*head)[0] & 0x0f;
      if (opcode == kPing) {
        send(*payload, kPong);
      } else if (opcode != kPong) {
        return Message{opcode, *std::move(payload)};
      }
    }
  }
  /// The next text; "" if there is none.
  std::string text(std::chrono::milliseconds limit = kPatience) {
    const auto message = receive(limit);
    return message && message->opcode == kText ? message->payload : "";
  }

  static constexpr std::chrono::milliseconds kPatience{20'000};

 private:
  void send_bytes(std::string_view bytes) {
    while (!bytes.empty()) {
      std::size_t sent = 0;
      const CURLcode code = curl_easy_send(curl_.get(), bytes.data(), bytes.size(), &sent);
      if (code == CURLE_AGAIN) {
        wait(POLLOUT, kPatience);
      } else if (code != CURLE_OK) {
        return;  // receive() finds the connection ended
      }
      bytes.remove_prefix(sent);
    }
  }
  std::optional<std::string> take(std::size_t size, std::chrono::milliseconds limit) {
    while (in_.size() < size) {
      if (!read_more(limit)) return std::nullopt;
    }
    std::string out = in_.substr(0, size);
    in_.erase(0, size);
    return out;
  }
  bool read_more(std::chrono::milliseconds limit) {
    char buffer[65'536];
    for (;;) {
      std::size_t got = 0;
      const CURLcode code = curl_easy_recv(curl_.get(), buffer, sizeof buffer, &got);
      if (code == CURLE_OK) {
        in_.append(buffer, got);
        return got > 0;
      }
      if (code != CURLE_AGAIN || !wait(POLLIN, limit)) return false;
    }
  }
  bool wait(short what, std::chrono::milliseconds limit) {
    curl_socket_t socket = CURL_SOCKET_BAD;
    curl_easy_getinfo(curl_.get(), CURLINFO_ACTIVESOCKET, &socket);
    pollfd waiting{socket, what, 0};
    return poll(&waiting, 1, static_cast<int>(limit.count())) > 0;
  }

  struct Cleanup {
    void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  };
  std::unique_ptr<CURL, Cleanup> curl_;
  std::string in_;
};

}  // namespace manastr::test
