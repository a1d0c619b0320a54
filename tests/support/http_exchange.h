// One HTTP request with headers of the test's choice, over libcurl.
#pragma once
#include <curl/curl.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace manastr::test {

struct HttpAnswer {
  int status = 0;  ///< 0: none came
  std::string body;
  std::string headers;
};

/// `body` "" with method GET. Each header as "Name: value".
inline HttpAnswer http_exchange(const std::string& method, const std::string& url,
                                const std::vector<std::string>& headers, const std::string& body = "") {
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy(curl_easy_init(), &curl_easy_cleanup);
  curl_slist* lines = curl_slist_append(nullptr, "Expect:");
  for (const std::string& header : headers) lines = curl_slist_append(lines, header.c_str());
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> owned(lines, &curl_slist_free_all);
  if (!easy || lines == nullptr) throw std::runtime_error("libcurl has no memory left");
  using Append = std::size_t (*)(char*, std::size_t, std::size_t, void*);
  const Append append = [](char* data, std::size_t size, std::size_t count, void* to) {
    static_cast<std::string*>(to)->append(data, size * count);
    return size * count;
  };
  HttpAnswer out;
  curl_easy_setopt(easy.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy.get(), CURLOPT_HTTPHEADER, lines);
  curl_easy_setopt(easy.get(), CURLOPT_PROXY, "");
  curl_easy_setopt(easy.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy.get(), CURLOPT_TIMEOUT_MS, 60'000L);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, append);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &out.body);
  curl_easy_setopt(easy.get(), CURLOPT_HEADERFUNCTION, append);
  curl_easy_setopt(easy.get(), CURLOPT_HEADERDATA, &out.headers);
  if (method == "HEAD") {
    curl_easy_setopt(easy.get(), CURLOPT_NOBODY, 1L);
  } else if (method != "GET") {
    curl_easy_setopt(easy.get(), CURLOPT_CUSTOMREQUEST, method.c_str());
    curl_easy_setopt(easy.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    curl_easy_setopt(easy.get(), CURLOPT_POSTFIELDS, body.c_str());
  }
  if (curl_easy_perform(easy.get()) != CURLE_OK) return {};
  long status = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
  out.status = static_cast<int>(status);
  return out;
}

}  // namespace manastr::test
