// The messages of NUT-17: JSON-RPC 2.0 as wallets send it, and what they are answered. Used by Hub. Bounded
// before memory is spent. Fuzz target: tests/fuzz/subscription_fuzz.cpp.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "mint/ledger/records.h"

namespace manastr::mint {

enum class Topic { mint_quote, melt_quote, proof_state };
inline constexpr std::string_view kProofStateTopic = "proof_state";
/// "bolt11_mint_quote" and its like.
std::string mint_quote_topic(Method method);
std::string melt_quote_topic(Method method);

/// JSON-RPC 2.0, section 5.1.
enum RpcCode : int {
  kParseError = -32700,
  kInvalidRequest = -32600,
  kMethodUnknown = -32601,
  kInvalidParams = -32602,
  kServerError = -32000,  ///< the mint can't now; the sentence says what to do
};

inline constexpr std::size_t kMaxRpcBytes = 128 * 1024;
inline constexpr std::size_t kMaxFilters = 1'000;
inline constexpr std::size_t kMaxIdBytes = 128;  ///< of a subId, a filter, a request's id

struct RpcRequest {
  std::string id;  ///< as JSON, to be echoed: an integer or a string
  bool subscribe = false;
  std::string sub_id;
  // Of a subscription alone:
  Topic topic = Topic::proof_state;
  Method method = Method::bolt11;    ///< of the quotes
  std::vector<std::string> filters;  ///< each once, in the order sent
};
/// What is wrong, and the id to answer with ("null" if there is none).
struct RpcRefusal {
  std::string id = "null";
  int code = kInvalidRequest;
  std::string message;
};
/// `params` may be an object, or the text of one.
std::expected<RpcRequest, RpcRefusal> parse_rpc(std::string_view text);

std::string rpc_result(const RpcRequest& request);
std::string rpc_error(const RpcRefusal& refusal);
/// `payload` is JSON.
std::string rpc_notification(std::string_view sub_id, std::string_view payload);

}  // namespace manastr::mint
