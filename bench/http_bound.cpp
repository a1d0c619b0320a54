// What common/net costs without anything behind it: POSTs of a swap's size answered by the I/O thread itself,
// and by one worker thread behind a queue as the mint's pipeline does it. Load tool and server share the
// machine's cores.
//
//   http-bound [--requests N] [--connections N] [--io-threads N]
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "bench/http_load.h"
#include "common/base/inbox.h"
#include "common/net/server.h"

namespace {

using namespace manastr;

struct Job {
  net::Request request;
  net::Responder responder;
};

}  // namespace

int main(int argc, char** argv) {
  std::size_t requests = 200'000;
  unsigned connections = 32;
  unsigned io_threads = 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view option = argv[i];
    const auto value = static_cast<unsigned>(std::clamp(std::atoi(argv[i + 1]), 1, 10'000'000));
    if (option == "--requests") requests = value;
    if (option == "--connections") connections = value;
    if (option == "--io-threads") io_threads = value;
  }
  const std::string body(618, 'x');
  const std::string reply(640, 'y');
  Inbox<Job> inbox(10'000);
  net::Router router;
  router.post("/direct", [&reply](const net::Request&) { return net::Response::json(reply); });
  router.post("/worker", [&inbox](net::Request request, net::Responder responder) {
    inbox.push({std::move(request), std::move(responder)});
  });
  net::ServerOptions options;
  options.io_threads = io_threads;
  auto server = net::Server::start(std::move(options), std::move(router));
  if (!server) {
    fmt::print(stderr, "http-bound: {}\n", server.error().message);
    return 1;
  }
  std::thread worker([&] {
    while (!inbox.drained()) {
      for (Job& job : inbox.take(1000)) job.responder.send(net::Response::json(reply));
    }
  });
  int failed = 0;
  for (const char* path : {"/direct", "/worker"}) {
    const auto target = bench::target_of((*server)->url());
    const std::vector<std::string> bytes(requests, bench::post_bytes(*target, path, body));
    const auto result = bench::run_load(*target, bytes, {connections, 0, 0});
    if (!result || result->succeeded() != requests) {
      fmt::print(stderr, "http-bound: {}\n", result ? result->first_error : result.error().message);
      failed = 1;
      continue;
    }
    fmt::print("{:8} {:8.0f} POST/s   p50 {:.2f} ms   p99 {:.2f} ms   load tool {:.1f} us of CPU each\n",
               path + 1, result->per_second(), result->quantile_ms(0.5), result->quantile_ms(0.99),
               1e6 * result->client_cpu_seconds / static_cast<double>(requests));
  }
  inbox.close();
  worker.join();
  return failed;
}
