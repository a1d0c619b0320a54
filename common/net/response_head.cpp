#include "common/net/response_head.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

namespace manastr::net {
namespace {

std::string_view reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 426:
      return "Upgrade Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "Status";
  }
}

std::string_view content_type(ContentType type) {
  switch (type) {
    case ContentType::json:
      return "application/json";
    case ContentType::text:
      return "text/plain; charset=utf-8";
    case ContentType::prometheus:
      return "text/plain; version=0.0.4; charset=utf-8";
    case ContentType::html:
      return "text/html; charset=utf-8";
    case ContentType::binary:
      break;
  }
  return "application/octet-stream";
}

void append_number(std::string& out, std::size_t value) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}

bool is_clean(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char c) { return (c >= ' ' && c != 0x7f) || c == '\t'; });
}

/// A list of header names, as a browser writes it.
bool is_name_list(std::string_view text) {
  return text.size() <= 1024 && std::ranges::all_of(text, [](unsigned char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                  c == '_' || c == ',' || c == ' ';
         });
}

}  // namespace

CorsPolicy::CorsPolicy(std::vector<std::string> origins) : origins_(std::move(origins)) {
  any_ = std::ranges::find(origins_, "*") != origins_.end();
}

void CorsPolicy::append(std::string& out, std::string_view origin) const {
  if (origins_.empty()) return;
  if (any_) {
    out += "Access-Control-Allow-Origin: *\r\nAccess-Control-Expose-Headers: Retry-After\r\n";
    return;
  }
  out += "Vary: Origin\r\n";
  if (std::ranges::find(origins_, origin) == origins_.end()) return;
  out += "Access-Control-Allow-Origin: ";
  out += origin;
  out += "\r\nAccess-Control-Expose-Headers: Retry-After\r\n";
}

void CorsPolicy::append_preflight(std::vector<std::pair<std::string, std::string>>& out,
                                  std::string_view methods, std::string_view headers) const {
  if (origins_.empty()) return;
  out.emplace_back("Access-Control-Allow-Methods", methods);
  const bool echo = !headers.empty() && is_name_list(headers);
  out.emplace_back("Access-Control-Allow-Headers", echo ? headers : "Content-Type, Authorization, *");
  out.emplace_back("Access-Control-Max-Age", "7200");
}

bool has_body(int status) { return status != 204 && status != 304 && status >= 200; }

void append_head(std::string& out, const Response& response, const CorsPolicy& cors,
                 const HeadOptions& options) {
  out += "HTTP/1.1 ";
  append_number(out, static_cast<std::size_t>(std::clamp(response.status, 100, 999)));
  out += ' ';
  out += reason(response.status);
  out += "\r\n";
  if (has_body(response.status)) {
    out += "Content-Type: ";
    out += content_type(response.type);
    out += "\r\nContent-Length: ";
    append_number(out, response.body.size());
    out += "\r\n";
  }
  out += "Date: ";
  out += options.date;
  out += "\r\n";
  if (!options.keep_alive) out += "Connection: close\r\n";
  cors.append(out, options.origin);
  for (const auto& [name, value] : response.headers) {
    if (!is_clean(name) || !is_clean(value)) continue;
    out += name;
    out += ": ";
    out += value;
    out += "\r\n";
  }
  out += "\r\n";
}

std::string http_date(UnixSeconds time) {
  const std::time_t seconds = count(time);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 40> out;
  // The daemons never call setlocale, so the names are the C locale's.
  return {out.data(), std::strftime(out.data(), out.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

}  // namespace manastr::net
