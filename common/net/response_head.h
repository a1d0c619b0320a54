// The head of an answer on the wire, with the CORS headers that browsers' wallets need on every answer,
// errors too. Inside common/net only.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "common/net/response.h"

namespace manastr::net {

/// WHATWG fetch, CORS protocol. No credentials are ever allowed: what needs authorization is signed (NIP-98).
class CorsPolicy {
 public:
  explicit CorsPolicy(std::vector<std::string> origins);
  /// Header lines for an answer to a request from `origin` (empty if it named none).
  void append(std::string& out, std::string_view origin) const;
  /// The further lines that a preflight wants. `headers`: Access-Control-Request-Headers as sent.
  void append_preflight(std::vector<std::pair<std::string, std::string>>& out, std::string_view methods,
                        std::string_view headers) const;

 private:
  bool any_ = false;
  std::vector<std::string> origins_;
};

struct HeadOptions {
  bool keep_alive = true;
  std::string_view origin;
  std::string_view date;  ///< RFC 9110 IMF-fixdate
};

/// Status line to empty line. Content-Length is the body's, also for HEAD; 204 and 304 have none.
void append_head(std::string& out, const Response& response, const CorsPolicy& cors,
                 const HeadOptions& options);
bool has_body(int status);
/// "Sat, 21 Nov 2026 10:37:02 GMT"
std::string http_date(UnixSeconds time);

}  // namespace manastr::net
