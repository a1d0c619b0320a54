// Transport on libcurl: a thread of its own drives all exchanges at once and keeps connections open.
#pragma once
#include <memory>

#include "common/mintclient/transport.h"

namespace manastr::mintclient {

struct CurlOptions {
  Millis connect_timeout{5'000};
  std::size_t max_reply_bytes = 4 << 20;
  std::size_t max_connections_per_host = 16;
  std::size_t max_queued = 10'000;  ///< exchanges at once; above it send() answers `unavailable`
};

/// http and https only, certificates checked, no redirects followed, no proxy or credentials from the
/// environment. Replies are handed out on the transport's thread: a callback must not block. The destructor
/// ends every open exchange with `unavailable` and joins the thread; it must not run inside a callback.
std::shared_ptr<Transport> make_curl_transport(const CurlOptions& options = {});

}  // namespace manastr::mintclient
