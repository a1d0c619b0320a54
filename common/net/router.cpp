#include "common/net/router.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>

#include "common/net/route.h"

namespace manastr::net {
namespace {

/// Segments of "/a/b" are "a", "b"; of "/" one empty one.
std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> out;
  path.remove_prefix(1);
  while (true) {
    const auto slash = path.find('/');
    out.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return out;
    path.remove_prefix(slash + 1);
  }
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

bool is_parameter(std::string_view segment) { return segment.starts_with('{') && segment.ends_with('}'); }

Handler answered_directly(DirectHandler handler) {
  return [handler = std::move(handler)](const Request& request, Responder responder) {
    responder.send(handler(request));
  };
}

}  // namespace

Router::Router() = default;
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;

Router::Route& Router::route(std::string_view pattern) {
  if (!pattern.starts_with('/')) std::abort();
  for (auto& known : routes_) {
    if (known->pattern == pattern) return *known;
  }
  auto made = std::make_unique<Route>();
  made->pattern = pattern;
  made->index = routes_.size() + 1;
  made->segments = segments_of(made->pattern);
  made->exact = std::ranges::none_of(made->segments, is_parameter);
  Route& kept = *routes_.emplace_back(std::move(made));
  if (kept.exact) exact_.emplace(kept.pattern, &kept);
  return kept;
}

void Router::add(Method method, std::string_view pattern, Handler handler) {
  Handler& place = route(pattern).handlers[static_cast<std::size_t>(method)];
  if (place || method == Method::other) std::abort();
  place = std::move(handler);
}

void Router::get(std::string_view pattern, DirectHandler handler) {
  add(Method::get, pattern, answered_directly(std::move(handler)));
}
void Router::post(std::string_view pattern, DirectHandler handler) {
  add(Method::post, pattern, answered_directly(std::move(handler)));
}

void Router::websocket(std::string_view pattern, WebSocketHandler handler, Handler admit) {
  Route& place = route(pattern);
  if (place.websocket) std::abort();
  place.websocket = std::move(handler);
  place.admit = std::move(admit);
}

std::vector<std::string_view> Router::patterns() const {
  std::vector<std::string_view> out;
  for (const auto& known : routes_) out.push_back(known->pattern);
  return out;
}

const Router::Route* Router::find(Request& request) const {
  const std::string_view path = request.path();
  if (const auto found = exact_.find(path); found != exact_.end()) return found->second;
  if (!path.starts_with('/')) return nullptr;
  const auto parts = segments_of(path);
  for (const auto& candidate : routes_) {
    if (candidate->exact || candidate->segments.size() != parts.size()) continue;
    request.parameters_.clear();
    bool matches = true;
    for (std::size_t i = 0; i < parts.size() && matches; ++i) {
      const std::string_view segment = candidate->segments[i];
      if (!is_parameter(segment)) {
        matches = segment == parts[i];
        continue;
      }
      auto value = percent_decoded(parts[i]);
      matches = value && !value->empty();
      if (matches) request.parameters_.emplace_back(segment.substr(1, segment.size() - 2), *std::move(value));
    }
    if (matches) return candidate.get();
  }
  request.parameters_.clear();
  return nullptr;
}

Router::Match Router::match(Request& request) const {
  Match out;
  const Route* found = find(request);
  if (!found) return out;
  request.route_ = found->pattern;
  out.index = found->index;
  if (found->websocket) out.websocket = &found->websocket;
  if (found->admit) out.admit = &found->admit;
  const Method method = request.method() == Method::head ? Method::get : request.method();
  if (const Handler& handler = found->handlers[static_cast<std::size_t>(method)]; handler) {
    out.handler = &handler;
    return out;
  }
  for (std::size_t i = 0; i < found->handlers.size(); ++i) {
    if (!found->handlers[i]) continue;
    out.allowed += std::string(to_text(static_cast<Method>(i))) + ", ";
    if (static_cast<Method>(i) == Method::get) out.allowed += "HEAD, ";
  }
  if (found->websocket && !found->handlers[static_cast<std::size_t>(Method::get)]) out.allowed += "GET, ";
  out.allowed += "OPTIONS";
  return out;
}

}  // namespace manastr::net
