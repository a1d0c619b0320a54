#include "mint/pipeline/reply.h"

#include "common/json/writer.h"
#include "common/telemetry/log.h"

namespace manastr::mint {

Reply error_reply(int status, int code, std::string_view detail, Millis retry_after) {
  Reply out;
  out.status = status;
  out.body = "{\"detail\":";
  json::append_string(out.body, detail);
  out.body += ",\"code\":" + std::to_string(code) + "}";
  out.retry_after = retry_after;
  return out;
}

Reply error_reply(const Error& error) {
  switch (error.kind) {
    case ErrorKind::invalid:
    case ErrorKind::refused:
      return error_reply(400, error.code == 0 ? int{kMalformed} : error.code, error.message);
    case ErrorKind::unavailable:
      return error_reply(503, kOverloaded, error.message, Seconds{1});
    case ErrorKind::broken:
      telemetry::log_error("a request met a fault of the mint", {{"error", error.message}});
      return error_reply(500, kOwnFault, error.message);
  }
  return error_reply(500, kOwnFault, "the mint is at fault");
}

Error unknown_quote() {
  return {ErrorKind::refused, kUnknownQuote, "the mint knows no quote of this id: ask for a new one"};
}

Reply overloaded() {
  return error_reply(503, kOverloaded,
                     "the mint has more to do than it can queue: send the same request again", Seconds{1});
}

}  // namespace manastr::mint
