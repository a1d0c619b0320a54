// NUT-17.
#include <fmt/format.h>

#include "common/json/reader.h"
#include "tests/conformance/mint.h"
#include "tests/support/websocket_client.h"

namespace manastr::conformance {
namespace {

/// One connection with one subscription.
class Subscription {
 public:
  Subscription(Mint& mint, const std::string& kind, const std::string& filter)
      : socket_(mint.options().url + "/v1/ws"), limit_(Millis(mint.options().patience)) {
    socket_.send(request("subscribe",
                         fmt::format(R"({{"kind":"{}","subId":"sub-1","filters":["{}"]}})", kind, filter)));
    const json::Value reply = next();
    const json::Value* result = reply.find("result");
    require(result != nullptr && json::get_string(*result, "status").value_or("") == "OK" &&
                json::get_string(*result, "subId").value_or("") == "sub-1",
            "not accepted: " + reply.dump());
    require(reply.find("id") != nullptr && *reply.find("id") == json::Value(0),
            "another id: " + reply.dump());
  }
  static std::string request(const std::string& method, const std::string& params) {
    return fmt::format(R"({{"jsonrpc":"2.0","id":0,"method":"{}","params":{}}})", method, params);
  }
  json::Value next() {
    const std::string text = socket_.text(limit_);
    auto value = json::parse(text);
    require(value.has_value(), "no message, or none that is JSON: " + text);
    return *std::move(value);
  }
  std::string state() {
    const json::Value message = next();
    const json::Value* params = message.find("params");
    const json::Value* payload = params == nullptr ? nullptr : params->find("payload");
    require(payload != nullptr && json::get_string(*params, "subId").value_or("") == "sub-1",
            "no notification: " + message.dump());
    return json::get_string(*payload, "state").value_or("");
  }
  /// The states up to and with `last`, each once.
  void require_states(const std::vector<std::string>& allowed, const std::string& last) {
    for (;;) {
      const std::string got = state();
      if (got == last) return;
      bool known = false;
      for (const std::string& each : allowed) known |= each == got;
      require(known, "state " + got + " before " + last);
    }
  }
  test::WebSocketClient& socket() { return socket_; }

 private:
  test::WebSocketClient socket_;
  const std::chrono::milliseconds limit_;
};

void proof(Mint& mint) {
  mint.need("17");
  const Proofs inputs = mint.buy(Amounts{8});
  Subscription subscription(mint, "proof_state", inputs[0].y().hex());
  const std::string first = subscription.state();
  require(first == "UNSPENT", "the first state of an unspent proof is " + first);
  require_ok(mint.swap(inputs, mint.drafts_for(inputs)), "POST /v1/swap");
  subscription.require_states({"PENDING"}, "SPENT");
}

void mint_quote(Mint& mint) {
  mint.need("17");
  const std::string id = *json::get_string(mint.quote(8), "quote");
  Subscription subscription(mint, "bolt11_mint_quote", id);
  subscription.require_states({"UNPAID"}, "PAID");
  require_ok(mint.mint(id, mint.drafts({8})), "POST /v1/mint/bolt11");
  subscription.require_states({"PAID"}, "ISSUED");
}

void melt_quote(Mint& mint) {
  mint.need("17");
  const Mint::Melt melt = mint.prepared_melt();
  Subscription subscription(mint, "bolt11_melt_quote", melt.quote);
  const std::string first = subscription.state();
  require(first == "UNPAID", "the first state of a fresh melt quote is " + first);
  require_ok(mint.melt(melt.quote, melt.inputs), "POST /v1/melt/bolt11");
  subscription.require_states({"UNPAID", "PENDING"}, "PAID");
}

void unsubscribe(Mint& mint) {
  mint.need("17");
  const Proofs inputs = mint.buy(Amounts{8});
  Subscription subscription(mint, "proof_state", inputs[0].y().hex());
  subscription.state();
  subscription.socket().send(Subscription::request("unsubscribe", R"({"subId":"sub-1"})"));
  const json::Value reply = subscription.next();
  require(reply.find("result") != nullptr, "not unsubscribed: " + reply.dump());
}

void errors(Mint& mint) {
  mint.need("17");
  const Proofs inputs = mint.buy(Amounts{8});
  Subscription subscription(mint, "proof_state", inputs[0].y().hex());
  subscription.state();
  subscription.socket().send(Subscription::request("no-such-method", "{}"));
  const json::Value reply = subscription.next();
  const json::Value* error = reply.find("error");
  require(error != nullptr && error->find("code") != nullptr && *error->find("code") == json::Value(-32601) &&
              error->find("message") != nullptr,
          "an unknown method should be error -32601: " + reply.dump());
}

}  // namespace

std::vector<Case> subscription_cases() {
  return {
      {"ws-proof-state", "NUT-17", "a proof's state now, and when it is spent", proof},
      {"ws-mint-quote", "NUT-17", "a mint quote's state now, when paid and when issued", mint_quote},
      {"ws-melt-quote", "NUT-17", "a melt quote's state now, and when paid", melt_quote},
      {"ws-unsubscribe", "NUT-17", "a subscription can be ended", unsubscribe},
      {"ws-errors", "NUT-17", "an unknown method is a JSON-RPC error", errors},
  };
}

}  // namespace manastr::conformance
