// One HTTP request as a handler sees it: owned, movable between threads, complete (the body has been read).
// Made by Server alone; tests of handlers make one with Request::make.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace manastr::net {

enum class Method : std::uint8_t { get, head, post, put, patch, del, options, other };
std::string_view to_text(Method method);

class Request {
 public:
  Method method() const { return method_; }
  /// As sent: path, and "?query" if there is one. NIP-98's `u` is the base URL + this.
  std::string_view target() const { return view(target_); }
  std::string_view path() const;   ///< before the "?", percent escapes as sent
  std::string_view query() const;  ///< behind the "?", or empty
  /// The first field of that name (any case); empty if there is none.
  std::string_view header(std::string_view name) const;
  bool has_header(std::string_view name) const;
  const std::string& body() const { return body_; }
  std::string take_body() { return std::move(body_); }
  /// All fields of that name, in their order.
  std::vector<std::string_view> headers(std::string_view name) const;
  /// Numeric address of whoever asks: of the other end of the TCP connection, or of whom a trusted proxy
  /// there has it from (client_address.h).
  const std::string& client() const { return client_; }
  /// The part of the path that the router's pattern calls {name}, percent-decoded; empty if there is none.
  std::string_view parameter(std::string_view name) const;
  /// The pattern that matched, for logs and metrics: its number is bounded, unlike that of the paths.
  std::string_view route() const { return route_; }

  static Request make(Method method, std::string_view target, std::string body = "",
                      const std::vector<std::pair<std::string, std::string>>& headers = {},
                      std::string client = "127.0.0.1");

 private:
  friend class RequestParser;
  friend class Router;
  struct Slice {  // of text_, as offsets, so that a move keeps it right
    std::uint32_t at = 0;
    std::uint32_t size = 0;
  };
  struct Field {
    Slice name;
    Slice value;
  };
  std::string_view view(Slice slice) const { return {text_.data() + slice.at, slice.size}; }
  Slice keep(std::string_view text);

  Method method_ = Method::other;
  Slice target_;
  std::string text_;  // target and fields, one behind the other
  std::vector<Field> fields_;
  std::string body_;
  std::string client_;
  std::vector<std::pair<std::string_view, std::string>> parameters_;  // names live in the router
  std::string_view route_;
};

}  // namespace manastr::net
