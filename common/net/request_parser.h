// Beast's parser of one request message, filling a Request. Inside common/net only.
#pragma once
#include <boost/beast/http/basic_parser.hpp>
#include <utility>  // before Boost.Asio 1.74, which forgets it

#include "common/net/request.h"

namespace manastr::net {

class RequestParser final : public boost::beast::http::basic_parser<true> {
 public:
  using Error = boost::beast::error_code;
  explicit RequestParser(std::string client) { comes_from(std::move(client)); }

  Request& request() { return request_; }
  void comes_from(std::string client) { request_.client_ = std::move(client); }
  int version() const { return version_; }  ///< 10 or 11
  /// Transfer-Encoding is anything but "chunked": Beast would take such a body for the next request.
  bool strange_transfer_encoding() const { return strange_transfer_encoding_; }
  /// Whether put() may be called with so many bytes. Beast takes the first three of the end of a chunked body
  /// and then asserts that five are there; no rest of such a body is shorter.
  bool enough(std::size_t bytes) const { return !is_header_done() || !chunked() || bytes >= 5; }

 private:
  using Text = boost::beast::string_view;
  static std::string_view std_view(Text text) { return {text.data(), text.size()}; }

  void on_request_impl(boost::beast::http::verb sent, Text, Text target, int version, Error&) override {
    version_ = version;
    using boost::beast::http::verb;
    switch (sent) {
      case verb::get:
        request_.method_ = Method::get;
        break;
      case verb::head:
        request_.method_ = Method::head;
        break;
      case verb::post:
        request_.method_ = Method::post;
        break;
      case verb::put:
        request_.method_ = Method::put;
        break;
      case verb::patch:
        request_.method_ = Method::patch;
        break;
      case verb::delete_:
        request_.method_ = Method::del;
        break;
      case verb::options:
        request_.method_ = Method::options;
        break;
      default:
        request_.method_ = Method::other;
        break;
    }
    request_.text_.reserve(512);
    request_.fields_.reserve(12);
    request_.target_ = request_.keep(origin_form(std_view(target)));
  }
  void on_response_impl(int, Text, int, Error&) override {}
  void on_field_impl(boost::beast::http::field field, Text name, Text value, Error&) override {
    if (head_complete_) return;  // a trailer behind a chunked body; must not change what the head said
    if (field == boost::beast::http::field::transfer_encoding && !boost::beast::iequals(value, "chunked")) {
      strange_transfer_encoding_ = true;
    }
    const auto kept = request_.keep(std_view(name));
    request_.fields_.push_back({kept, request_.keep(std_view(value))});
  }
  void on_header_impl(Error&) override { head_complete_ = true; }
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, Error&) override {
    // What a client announces costs memory only as it comes in.
    if (length) request_.body_.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(*length, 64 * 1024)));
  }
  std::size_t on_body_impl(Text body, Error&) override {
    request_.body_.append(body.data(), body.size());
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, Text, Error&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, Text body, Error& error) override {
    return on_body_impl(body, error);
  }
  void on_finish_impl(Error&) override {}

  /// RFC 9112 section 3.2.2: a server takes "http://host/path" too.
  static std::string_view origin_form(std::string_view target) {
    const auto scheme = target.find("://");
    if (target.starts_with('/') || scheme == std::string_view::npos) return target;
    const auto path = target.find('/', scheme + 3);
    return path == std::string_view::npos ? std::string_view("/") : target.substr(path);
  }

  Request request_;
  int version_ = 0;
  bool head_complete_ = false;
  bool strange_transfer_encoding_ = false;
};

}  // namespace manastr::net
