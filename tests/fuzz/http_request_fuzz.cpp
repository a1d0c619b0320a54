// HTTP requests: however the bytes are cut into pieces, the same request comes out, or none. (Whether a head
// that is not complete is refused now or at its end does depend on the pieces.)
#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <cstdlib>
#include <optional>
#include <string>

#include "common/base/bytes.h"
#include "common/net/request_parser.h"

namespace {

using namespace manastr;

struct Outcome {
  bool done = false;
  std::string target;
  std::string body;
  std::string origin;
  auto operator<=>(const Outcome&) const = default;
};

Outcome parse(std::string_view bytes, std::size_t piece) {
  net::RequestParser parser("127.0.0.1");
  parser.header_limit(16 * 1024);
  parser.body_limit(64 * 1024);
  std::string waiting;
  Outcome out;
  while (!bytes.empty() && !out.done) {
    waiting += bytes.substr(0, piece);
    bytes.remove_prefix(std::min(piece, bytes.size()));
    while (!waiting.empty() && !parser.is_done()) {
      parser.eager(parser.is_header_done());
      if (!parser.enough(waiting.size())) break;
      net::RequestParser::Error error;
      const std::size_t taken = parser.put(boost::asio::buffer(waiting), error);
      if (taken > waiting.size()) std::abort();
      waiting.erase(0, taken);
      if (error == boost::beast::http::error::need_more) break;
      if (error) return out;
    }
    out.done = parser.is_done();
  }
  if (out.done) {
    out.target = parser.request().target();
    out.body = parser.request().body();
    out.origin = parser.request().header("Origin");
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 || size > 4096) return 0;
  const std::string_view bytes = manastr::as_text({data, size}).substr(1);
  const Outcome whole = parse(bytes, bytes.size());
  const Outcome pieces = parse(bytes, 1 + data[0] % 64);
  if (whole != pieces) std::abort();
  return 0;
}
