// An answer, and the handle by which any thread gives it.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/clock.h"
#include "common/base/error.h"

namespace manastr::net {

enum class ContentType : std::uint8_t { json, text, prometheus, html, binary };

struct Response {
  int status = 200;
  ContentType type = ContentType::json;
  std::string body;
  /// Besides Content-Type, Content-Length, Date, Connection and CORS, which the server writes. Neither name
  /// nor value may contain CR or LF; such a header is left out.
  std::vector<std::pair<std::string, std::string>> headers;

  static Response json(std::string body, int status = 200) {
    return {status, ContentType::json, std::move(body), {}};
  }
  static Response text(std::string body, int status = 200) {
    return {status, ContentType::text, std::move(body), {}};
  }
  /// The error form of NUT-00: {"detail":..., "code":...}.
  static Response error(int status, std::string_view detail, int code = 0);
  /// 400 for invalid and refused, 503 with Retry-After 1 for unavailable, 500 for broken.
  static Response error(const Error& error);
  /// 503 or 429 with Retry-After (whole seconds, rounded up, at least 1).
  static Response busy(Millis retry_after, std::string_view detail, int status = 503);
};

/// Answers one request, once, from any thread, also after the handler returned, the client left or the server
/// ended (the answer is then dropped). Movable. Destroyed without an answer, it answers 500.
class Responder {
 public:
  /// Where the answer goes; the server's side.
  class Target {
   public:
    virtual ~Target() = default;
    virtual void answer(std::uint64_t request, Response response) = 0;
  };
  Responder() = default;
  Responder(std::shared_ptr<Target> target, std::uint64_t request)
      : target_(std::move(target)), request_(request) {}
  Responder(Responder&& other) noexcept = default;
  Responder& operator=(Responder&& other) noexcept;
  ~Responder();

  /// A second call does nothing.
  void send(Response response);
  void error(int status, std::string_view detail, int code = 0) {
    send(Response::error(status, detail, code));
  }
  /// False once answered (or moved from).
  bool pending() const { return target_ != nullptr; }

 private:
  std::shared_ptr<Target> target_;
  std::uint64_t request_ = 0;
};

}  // namespace manastr::net
