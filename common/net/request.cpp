#include "common/net/request.h"

#include <algorithm>

namespace manastr::net {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

std::string_view to_text(Method method) {
  switch (method) {
    case Method::get:
      return "GET";
    case Method::head:
      return "HEAD";
    case Method::post:
      return "POST";
    case Method::put:
      return "PUT";
    case Method::patch:
      return "PATCH";
    case Method::del:
      return "DELETE";
    case Method::options:
      return "OPTIONS";
    case Method::other:
      break;
  }
  return "other";
}

std::string_view Request::path() const { return target().substr(0, target().find('?')); }

std::string_view Request::query() const {
  const auto at = target().find('?');
  return at == std::string_view::npos ? std::string_view() : target().substr(at + 1);
}

std::string_view Request::header(std::string_view name) const {
  for (const Field& field : fields_) {
    if (field.name.size == name.size() && same_name(view(field.name), name)) return view(field.value);
  }
  return {};
}

bool Request::has_header(std::string_view name) const {
  return std::ranges::any_of(fields_, [&](const Field& field) { return same_name(view(field.name), name); });
}

std::vector<std::string_view> Request::headers(std::string_view name) const {
  std::vector<std::string_view> out;
  for (const Field& field : fields_) {
    if (same_name(view(field.name), name)) out.push_back(view(field.value));
  }
  return out;
}

std::string_view Request::parameter(std::string_view name) const {
  for (const auto& [key, value] : parameters_) {
    if (key == name) return value;
  }
  return {};
}

Request::Slice Request::keep(std::string_view text) {
  const Slice slice{static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(text.size())};
  text_ += text;
  return slice;
}

Request Request::make(Method method, std::string_view target, std::string body,
                      const std::vector<std::pair<std::string, std::string>>& headers, std::string client) {
  Request request;
  request.method_ = method;
  request.target_ = request.keep(target);
  for (const auto& [name, value] : headers) {
    const Slice kept_name = request.keep(name);
    request.fields_.push_back({kept_name, request.keep(value)});
  }
  request.body_ = std::move(body);
  request.client_ = std::move(client);
  return request;
}

}  // namespace manastr::net
