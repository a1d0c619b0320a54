#include "mint/authentication/fetch.h"

#include <curl/curl.h>

#include <memory>

namespace manastr::mint {
namespace {

struct Reading {
  std::string body;
  std::size_t most;
  const std::atomic<bool>* stop;
};

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* user) {
  auto* reading = static_cast<Reading*>(user);
  const std::size_t bytes = size * count;
  if (reading->body.size() + bytes > reading->most) return 0;  // curl ends the transfer
  reading->body.append(data, bytes);
  return bytes;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Reading*>(user)->stop->load() ? 1 : 0;
}

struct Cleanup {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

}  // namespace

Fetch make_fetch(std::string ca_file, std::size_t most, Millis limit) {
  return [ca_file = std::move(ca_file), most, limit](const std::string& url,
                                                     const std::atomic<bool>& stop) -> Result<std::string> {
    static const CURLcode global = curl_global_init(CURL_GLOBAL_DEFAULT);
    const std::unique_ptr<CURL, Cleanup> easy(global == CURLE_OK ? curl_easy_init() : nullptr);
    if (!easy) return broken("libcurl has no memory left");
    const std::unique_ptr<curl_slist, Cleanup> headers(
        curl_slist_append(nullptr, "Accept: application/json"));
    Reading reading{"", most, &stop};
    char error[CURL_ERROR_SIZE] = {};
    const auto set = [&](CURLoption option, auto value) { curl_easy_setopt(easy.get(), option, value); };
    set(CURLOPT_URL, url.c_str());
    set(CURLOPT_HTTPHEADER, headers.get());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_PROXY, "");
    set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_USERAGENT, "manastr");
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limit.count()));
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(limit.count()));
    set(CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(most));
    set(CURLOPT_WRITEFUNCTION, &on_body);
    set(CURLOPT_WRITEDATA, &reading);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &on_progress);
    set(CURLOPT_XFERINFODATA, &reading);
    set(CURLOPT_ERRORBUFFER, &error[0]);
    if (!ca_file.empty()) set(CURLOPT_CAINFO, ca_file.c_str());
    const CURLcode code = curl_easy_perform(easy.get());
    if (code == CURLE_WRITE_ERROR || code == CURLE_FILESIZE_EXCEEDED)
      return unavailable(url + " is larger than " + std::to_string(most) + " bytes");
    if (code != CURLE_OK) {
      return unavailable(
          url + " can't be read: " + (error[0] != '\0' ? std::string(error) : curl_easy_strerror(code)));
    }
    long status = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) return unavailable(url + " answers " + std::to_string(status));
    return std::move(reading.body);
  };
}

}  // namespace manastr::mint
