#include "common/net/response.h"

#include <algorithm>

#include "common/json/writer.h"

namespace manastr::net {

Response Response::error(int status, std::string_view detail, int code) {
  std::string body = "{\"detail\":";
  json::append_string(body, detail);
  body += ",\"code\":" + std::to_string(code) + '}';
  return json(std::move(body), status);
}

Response Response::error(const Error& error) {
  switch (error.kind) {
    case ErrorKind::invalid:
    case ErrorKind::refused:
      return Response::error(400, error.message, error.code);
    case ErrorKind::unavailable: {
      Response response = Response::error(503, error.message, error.code);
      response.headers.emplace_back("Retry-After", "1");
      return response;
    }
    case ErrorKind::broken:
      break;
  }
  return Response::error(500, error.message, error.code);
}

Response Response::busy(Millis retry_after, std::string_view detail, int status) {
  Response response = error(status, detail);
  const auto seconds = std::max<std::int64_t>(1, std::chrono::ceil<Seconds>(retry_after).count());
  response.headers.emplace_back("Retry-After", std::to_string(seconds));
  return response;
}

Responder& Responder::operator=(Responder&& other) noexcept {
  if (this != &other) {
    Responder old(std::move(*this));
    target_ = std::move(other.target_);
    request_ = other.request_;
  }
  return *this;
}

Responder::~Responder() {
  if (pending()) send(Response::error(500, "The request was lost inside the server; send it again."));
}

void Responder::send(Response response) {
  if (const auto target = std::exchange(target_, nullptr)) target->answer(request_, std::move(response));
}

}  // namespace manastr::net
