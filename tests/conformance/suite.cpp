#include "tests/conformance/suite.h"

#include <algorithm>

#include "common/json/reader.h"

namespace manastr::conformance {

using mintclient::HttpReply;

void require(bool holds, const std::string& why) {
  if (!holds) throw Failed(why);
}

int code_of(const HttpReply& reply) {
  const auto value = json::parse(reply.body);
  const json::Value* code = value ? value->find("code") : nullptr;
  return code == nullptr ? 0 : static_cast<int>(code->if_int64().value_or(0));
}

std::string brief(const HttpReply& reply) {
  constexpr std::size_t kMost = 160;
  std::string body = reply.body.size() > kMost ? reply.body.substr(0, kMost) + "…" : reply.body;
  std::ranges::replace(body, '\n', ' ');
  return reply.status == 0 ? "no reply" : std::to_string(reply.status) + " " + body;
}

void require_ok(const HttpReply& reply, std::string_view what) {
  if (reply.status != 200) throw Failed(std::string(what) + ": expected 200, got " + brief(reply));
}

void require_code(const HttpReply& reply, std::initializer_list<int> codes, std::string_view what) {
  if (reply.status >= 400 && reply.status < 500 && std::ranges::find(codes, code_of(reply)) != codes.end())
    return;
  std::string wanted;
  for (const int code : codes) wanted += (wanted.empty() ? "" : " or ") + std::to_string(code);
  throw Failed(std::string(what) + ": expected code " + wanted + ", got " + brief(reply));
}

void require_refused(const HttpReply& reply, std::string_view what) {
  const auto value = json::parse(reply.body);
  const bool well_formed = value && value->find("detail") != nullptr && value->find("code") != nullptr;
  if (reply.status >= 400 && reply.status < 500 && well_formed) return;
  throw Failed(std::string(what) + ": expected a refusal with detail and code, got " + brief(reply));
}

}  // namespace manastr::conformance
