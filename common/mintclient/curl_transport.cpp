#include "common/mintclient/curl_transport.h"

#include <curl/curl.h>

#include <atomic>
#include <deque>
#include <mutex>
#include <thread>
#include <unordered_map>

namespace manastr::mintclient {
namespace {

constexpr int kPollMillis = 1'000;

struct Exchange {
  HttpRequest request;
  OnReply on_reply;
  std::string body;
  std::size_t max_bytes = 0;
  curl_slist* headers = nullptr;
  CURL* easy = nullptr;
  char error[CURL_ERROR_SIZE] = {};

  ~Exchange() {
    if (easy != nullptr) curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
  }
};

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* user) {
  auto* exchange = static_cast<Exchange*>(user);
  const std::size_t bytes = size * count;
  if (exchange->body.size() + bytes > exchange->max_bytes) return 0;  // curl ends the transfer
  exchange->body.append(data, bytes);
  return bytes;
}

class CurlTransport final : public Transport {
 public:
  explicit CurlTransport(const CurlOptions& options) : options_(options) {
    static const CURLcode global = curl_global_init(CURL_GLOBAL_DEFAULT);
    multi_ = global == CURLE_OK ? curl_multi_init() : nullptr;
    if (multi_ == nullptr) std::abort();  // out of memory at start
    curl_multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS,
                      static_cast<long>(options_.max_connections_per_host));
    thread_ = std::thread([this] { run(); });
  }

  ~CurlTransport() override {
    {
      const std::scoped_lock lock(mutex_);
      stopping_ = true;
    }
    curl_multi_wakeup(multi_);
    thread_.join();
    curl_multi_cleanup(multi_);
  }

  void send(HttpRequest request, OnReply on_reply) override {
    if (!request.url.starts_with("http://") && !request.url.starts_with("https://")) {
      return on_reply(invalid("the URL is neither http:// nor https://"));
    }
    auto exchange = std::make_unique<Exchange>();
    exchange->request = std::move(request);
    exchange->on_reply = std::move(on_reply);
    exchange->max_bytes = options_.max_reply_bytes;
    {
      const std::scoped_lock lock(mutex_);
      if (!stopping_ && queue_.size() + open_count_ < options_.max_queued) {
        queue_.push_back(std::move(exchange));
        curl_multi_wakeup(multi_);
        return;
      }
    }
    exchange->on_reply(unavailable("too many requests wait for the mint; try again later"));
  }

 private:
  void run() {
    while (true) {
      std::deque<std::unique_ptr<Exchange>> fresh;
      {
        const std::scoped_lock lock(mutex_);
        if (stopping_) break;
        fresh.swap(queue_);
        open_count_ += fresh.size();
      }
      for (auto& exchange : fresh) start(std::move(exchange));
      int running = 0;
      curl_multi_perform(multi_, &running);
      collect();
      curl_multi_poll(multi_, nullptr, 0, kPollMillis, nullptr);
    }
    end_all();
  }

  void start(std::unique_ptr<Exchange> exchange) {
    exchange->easy = curl_easy_init();
    if (exchange->easy == nullptr)
      return finish(std::move(exchange), unavailable("libcurl has no memory left"));
    CURL* easy = exchange->easy;
    const HttpRequest& request = exchange->request;
    const auto add_header = [&](const std::string& line) {
      exchange->headers = curl_slist_append(exchange->headers, line.c_str());
    };
    add_header("Accept: application/json");
    add_header("Expect:");  // no 100-continue round trip for larger bodies
    if (!request.authorization.empty()) add_header("Authorization: " + request.authorization);
    if (request.method == "POST") {
      add_header("Content-Type: application/json");
      curl_easy_setopt(easy, CURLOPT_POST, 1L);
      curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
      curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.c_str());
    }
    curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange->headers);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NETRC, CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "manastr");
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.connect_timeout.count()));
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(options_.max_reply_bytes));
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange.get());
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->error);
    curl_multi_add_handle(multi_, easy);
    open_.emplace(easy, std::move(exchange));
  }

  void collect() {
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      CURL* easy = message->easy_handle;
      const CURLcode code = message->data.result;
      auto node = open_.extract(easy);
      curl_multi_remove_handle(multi_, easy);
      std::unique_ptr<Exchange> exchange = std::move(node.mapped());
      if (code != CURLE_OK) {
        std::string why = "no reply from the mint: " + describe(code, *exchange);
        finish(std::move(exchange), unavailable(std::move(why)));
        continue;
      }
      long status = 0;
      curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
      HttpReply reply{static_cast<int>(status), std::move(exchange->body)};
      finish(std::move(exchange), std::move(reply));
    }
  }

  static std::string describe(CURLcode code, const Exchange& exchange) {
    if (code == CURLE_WRITE_ERROR || code == CURLE_FILESIZE_EXCEEDED)
      return "it is larger than this client reads";
    return exchange.error[0] != '\0' ? exchange.error : curl_easy_strerror(code);
  }

  void finish(std::unique_ptr<Exchange> exchange, Result<HttpReply> reply) {
    {
      const std::scoped_lock lock(mutex_);
      --open_count_;
    }
    const OnReply on_reply = std::move(exchange->on_reply);
    exchange.reset();
    on_reply(std::move(reply));
  }

  void end_all() {
    for (auto& [easy, exchange] : open_) {
      curl_multi_remove_handle(multi_, easy);
      exchange->on_reply(unavailable("the client stopped before the mint replied"));
    }
    open_.clear();
    std::deque<std::unique_ptr<Exchange>> never_sent;
    {
      const std::scoped_lock lock(mutex_);
      never_sent.swap(queue_);
    }
    for (auto& exchange : never_sent)
      exchange->on_reply(unavailable("the client stopped before it sent the request"));
  }

  const CurlOptions options_;
  CURLM* multi_ = nullptr;
  std::mutex mutex_;  // of the next three
  std::deque<std::unique_ptr<Exchange>> queue_;
  std::size_t open_count_ = 0;
  bool stopping_ = false;
  std::unordered_map<CURL*, std::unique_ptr<Exchange>> open_;  // of thread_ alone
  std::thread thread_;
};

}  // namespace

std::shared_ptr<Transport> make_curl_transport(const CurlOptions& options) {
  return std::make_shared<CurlTransport>(options);
}

}  // namespace manastr::mintclient
