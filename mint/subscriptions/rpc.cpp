#include "mint/subscriptions/rpc.h"

#include <set>

#include "common/json/reader.h"
#include "common/json/writer.h"

namespace manastr::mint {
namespace {

constexpr json::Limits kLimits{
    .bytes = kMaxRpcBytes, .depth = 8, .values = 2 * kMaxFilters, .string_bytes = kMaxRpcBytes};

/// The id as it is echoed; nullopt if it is none.
std::optional<std::string> id_of(const json::Value& request) {
  const json::Value* id = request.find("id");
  if (id == nullptr || !(id->is_integer() || id->is_string())) return std::nullopt;
  std::string out = id->dump();
  if (out.size() > kMaxIdBytes) return std::nullopt;
  return out;
}

Result<std::string> short_string(const json::Value& params, std::string_view name) {
  TRY(std::string out, json::get_string(params, name, "params"));
  if (out.empty() || out.size() > kMaxIdBytes)
    return invalid("params." + std::string(name) + ": expected 1 to " + std::to_string(kMaxIdBytes) +
                   " bytes");
  return out;
}

Status read_topic(const json::Value& params, RpcRequest& out) {
  TRY(const std::string kind, json::get_string(params, "kind", "params"));
  if (kind == kProofStateTopic) {
    out.topic = Topic::proof_state;
    return {};
  }
  for (const Method method : {Method::bolt11, Method::bolt12}) {
    out.method = method;
    out.topic = Topic::mint_quote;
    if (kind == mint_quote_topic(method)) return {};
    out.topic = Topic::melt_quote;
    if (kind == melt_quote_topic(method)) return {};
  }
  return invalid("params.kind: this mint has proof_state, and METHOD_mint_quote and METHOD_melt_quote");
}

Result<std::vector<std::string>> filters_of(const json::Value& params) {
  TRY(const json::Array* array, json::get_array(params, "filters", "params"));
  if (array->empty() || array->size() > kMaxFilters)
    return invalid("params.filters: expected 1 to " + std::to_string(kMaxFilters));
  std::vector<std::string> out;
  std::set<std::string_view> seen;
  for (const json::Value& each : *array) {
    const std::string* text = each.if_string();
    if (text == nullptr || text->empty() || text->size() > kMaxIdBytes)
      return invalid("params.filters: expected strings of 1 to " + std::to_string(kMaxIdBytes) + " bytes");
    if (seen.insert(*text).second) out.push_back(*text);
  }
  return out;
}

Status read_params(const json::Value& params, RpcRequest& out) {
  if (!params.is_object()) return invalid("params: expected an object");
  TRY(out.sub_id, short_string(params, "subId"));
  if (!out.subscribe) return {};
  TRY_STATUS(read_topic(params, out));
  TRY(out.filters, filters_of(params));
  return {};
}

}  // namespace

std::string mint_quote_topic(Method method) { return std::string(name_of(method)) + "_mint_quote"; }
std::string melt_quote_topic(Method method) { return std::string(name_of(method)) + "_melt_quote"; }

std::expected<RpcRequest, RpcRefusal> parse_rpc(std::string_view text) {
  RpcRefusal refusal;
  const auto refuse = [&](int code, std::string message) {
    refusal.code = code;
    refusal.message = std::move(message);
    return std::unexpected(std::move(refusal));
  };
  const auto request = json::parse(text, kLimits);
  if (!request) return refuse(kParseError, request.error().message);
  if (!request->is_object()) return refuse(kInvalidRequest, "expected one JSON-RPC request, an object");
  const auto id = id_of(*request);
  if (!id) return refuse(kInvalidRequest, "id: expected an integer (or a short string)");
  refusal.id = *id;
  const json::Value* version = request->find("jsonrpc");
  if (version == nullptr || *version != json::Value("2.0"))
    return refuse(kInvalidRequest, "jsonrpc: expected \"2.0\"");
  const auto method = json::get_string(*request, "method");
  if (!method) return refuse(kInvalidRequest, method.error().message);
  if (*method != "subscribe" && *method != "unsubscribe")
    return refuse(kMethodUnknown, "method: this mint has subscribe and unsubscribe");

  RpcRequest out;
  out.id = *id;
  out.subscribe = *method == "subscribe";
  const json::Value* params = request->find("params");
  if (params == nullptr) return refuse(kInvalidParams, "params: missing");
  Status read;
  if (params->is_string()) {
    const auto inside = json::parse(*params->if_string(), kLimits);
    if (!inside) return refuse(kInvalidParams, "params: " + inside.error().message);
    read = read_params(*inside, out);
  } else {
    read = read_params(*params, out);
  }
  if (!read) return refuse(kInvalidParams, read.error().message);
  return out;
}

std::string rpc_result(const RpcRequest& request) {
  std::string out = R"({"jsonrpc":"2.0","result":{"status":"OK","subId":)";
  json::append_string(out, request.sub_id);
  return out + "},\"id\":" + request.id + "}";
}

std::string rpc_error(const RpcRefusal& refusal) {
  std::string out = R"({"jsonrpc":"2.0","error":{"code":)" + std::to_string(refusal.code) + R"(,"message":)";
  json::append_string(out, refusal.message);
  return out + "},\"id\":" + refusal.id + "}";
}

std::string rpc_notification(std::string_view sub_id, std::string_view payload) {
  std::string out = R"({"jsonrpc":"2.0","method":"subscribe","params":{"subId":)";
  json::append_string(out, sub_id);
  out += ",\"payload\":";
  out += payload;
  return out + "}}";
}

}  // namespace manastr::mint
