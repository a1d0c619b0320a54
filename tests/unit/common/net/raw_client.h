// A client that writes the very bytes a test gives it and reads answers one by one, for what a polite library
// would hide.
#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/bytes.h"

namespace manastr::net {

struct RawAnswer {
  int status = 0;
  std::map<std::string, std::string> headers;  // as the server wrote the names
  std::string body;
};

class RawClient {
 public:
  explicit RawClient(std::uint16_t port, int receive_buffer = 0)
      : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer != 0) setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~RawClient() { hang_up(); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  bool connected() const { return connected_; }

  void hang_up() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  bool write(std::string_view text) {
    while (!text.empty()) {
      const auto n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  /// More bytes into in(); false at the end of the stream, or after a minute without any.
  bool read_more() {
    pollfd waiting{fd_, POLLIN, 0};
    if (poll(&waiting, 1, 60'000) <= 0) return false;
    char buffer[65536];
    const auto n = ::recv(fd_, buffer, sizeof buffer, 0);
    if (n <= 0) return false;
    in_.append(buffer, static_cast<std::size_t>(n));
    return true;
  }
  const std::string& in() const { return in_; }
  std::optional<std::string> read_exactly(std::size_t size) {
    while (in_.size() < size) {
      if (!read_more()) return std::nullopt;
    }
    std::string out = in_.substr(0, size);
    in_.erase(0, size);
    return out;
  }
  bool closed_by_server() {
    while (read_more()) {
    }
    char byte;
    return ::recv(fd_, &byte, 1, MSG_DONTWAIT) == 0 || errno == ECONNRESET;
  }
  std::optional<RawAnswer> read_answer(bool head_only = false) {
    std::size_t end;
    while ((end = in_.find("\r\n\r\n")) == std::string::npos) {
      if (!read_more()) return std::nullopt;
    }
    const std::string head = in_.substr(0, end + 2);
    in_.erase(0, end + 4);
    RawAnswer answer;
    answer.status = std::atoi(head.c_str() + 9);
    for (std::size_t at = head.find("\r\n") + 2; at < head.size();) {
      const auto line_end = head.find("\r\n", at);
      const auto colon = head.find(": ", at);
      answer.headers[head.substr(at, colon - at)] = head.substr(colon + 2, line_end - colon - 2);
      at = line_end + 2;
    }
    if (head_only || !answer.headers.contains("Content-Length")) return answer;
    auto body = read_exactly(std::strtoul(answer.headers["Content-Length"].c_str(), nullptr, 10));
    if (!body) return std::nullopt;
    answer.body = *std::move(body);
    return answer;
  }
  std::optional<RawAnswer> ask(std::string_view bytes) {
    if (!write(bytes)) return std::nullopt;
    return read_answer();
  }

 private:
  int fd_;
  bool connected_ = false;
  std::string in_;
};

inline std::string get_request(std::string_view target, std::string_view headers = "") {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n" + std::string(headers) + "\r\n";
}
inline std::string post_request(std::string_view target, std::string_view body,
                                std::string_view headers = "") {
  return "POST " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n" + std::string(headers) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

}  // namespace manastr::net
