#include "mint/subscriptions/rpc.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace manastr::mint {
namespace {

std::string subscribe(const std::string& params, const std::string& id = "7") {
  return R"({"jsonrpc":"2.0","method":"subscribe","params":)" + params + ",\"id\":" + id + "}";
}
constexpr const char* kGood = R"({"kind":"proof_state","subId":"s","filters":["a","b","a"]})";

TEST(Rpc, ReadsASubscription) {
  const auto request = parse_rpc(subscribe(kGood));
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_TRUE(request->subscribe);
  EXPECT_EQ(request->sub_id, "s");
  EXPECT_EQ(request->topic, Topic::proof_state);
  EXPECT_EQ(request->filters, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(rpc_result(*request), R"({"jsonrpc":"2.0","result":{"status":"OK","subId":"s"},"id":7})");
}

TEST(Rpc, EchoesAnIdThatIsAString) {
  const auto request =
      parse_rpc(R"({"jsonrpc":"2.0","method":"unsubscribe","params":{"subId":"s"},"id":"1"})");
  ASSERT_TRUE(request);
  EXPECT_FALSE(request->subscribe);
  EXPECT_EQ(rpc_result(*request), R"({"jsonrpc":"2.0","result":{"status":"OK","subId":"s"},"id":"1"})");
}

TEST(Rpc, TakesParamsThatAreTextOfAnObject) {
  const auto request =
      parse_rpc(subscribe(R"("{\"kind\":\"bolt11_mint_quote\",\"subId\":\"s\",\"filters\":[\"q\"]}")"));
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->topic, Topic::mint_quote);
}

TEST(Rpc, RefusesWithTheCodesOfJsonRpc) {
  const auto code = [](const std::string& text) {
    const auto request = parse_rpc(text);
    return request ? 0 : request.error().code;
  };
  EXPECT_EQ(code(""), -32700);
  EXPECT_EQ(code("{"), -32700);
  EXPECT_EQ(code(R"({"jsonrpc":"2.0","jsonrpc":"2.0"})"), -32700);
  EXPECT_EQ(code(std::string(200'000, ' ')), -32700);
  EXPECT_EQ(code("[]"), -32600);
  EXPECT_EQ(code("{}"), -32600);
  EXPECT_EQ(code(subscribe(kGood, "null")), -32600);
  EXPECT_EQ(code(subscribe(kGood, "1.5")), -32600);
  EXPECT_EQ(code(subscribe(kGood, "\"" + std::string(200, 'i') + "\"")), -32600);
  EXPECT_EQ(code(R"({"jsonrpc":"1.0","method":"subscribe","params":{},"id":1})"), -32600);
  EXPECT_EQ(code(R"({"jsonrpc":"2.0","method":3,"params":{},"id":1})"), -32600);
  EXPECT_EQ(code(R"({"jsonrpc":"2.0","method":"melt","params":{},"id":1})"), -32601);
  EXPECT_EQ(code(R"({"jsonrpc":"2.0","method":"subscribe","id":1})"), -32602);
  EXPECT_EQ(code(subscribe("[]")), -32602);
  EXPECT_EQ(code(subscribe("\"{\"")), -32602);
  EXPECT_EQ(code(subscribe(R"({"kind":"bolt13_mint_quote","subId":"s","filters":["q"]})")), -32602);
  EXPECT_EQ(code(subscribe(R"({"kind":"proof_state","subId":"","filters":["q"]})")), -32602);
  EXPECT_EQ(code(subscribe(R"({"kind":"proof_state","subId":"s","filters":[]})")), -32602);
  EXPECT_EQ(code(subscribe(R"({"kind":"proof_state","subId":"s","filters":[1]})")), -32602);
  EXPECT_EQ(code(subscribe(R"({"kind":"proof_state","subId":"s"})")), -32602);
  std::string many = R"({"kind":"proof_state","subId":"s","filters":["0")";
  for (int i = 1; i <= 1'000; ++i) many += fmt::format(",\"{}\"", i);
  EXPECT_EQ(code(subscribe(many + "]}")), -32602);
}

TEST(Rpc, AnswersAnErrorWithTheIdWhereItHasOne) {
  EXPECT_TRUE(rpc_error(parse_rpc("{").error()).ends_with(R"("id":null})"));
  EXPECT_TRUE(rpc_error(parse_rpc(subscribe("[]", "\"x\"")).error()).ends_with(R"("id":"x"})"));
}

}  // namespace
}  // namespace manastr::mint
