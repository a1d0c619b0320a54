#include "common/gameapi/requests.h"

#include <gtest/gtest.h>

#include "common/json/reader.h"
#include "tests/unit/common/match/table.h"

namespace manastr::gameapi {
namespace {

using match::Table;

SettleRequest settle_request(Table& table) {
  table.to_verdict();
  table.send(table.claim(table.winner()));
  const match::Settle& order = table.settlements.front();
  return {order.operation, order.announcement, order.verdict, order.claim, order.groups};
}

template <class T, class Read>
void expect_round_trip(const T& value, Read read) {
  const std::string text = to_json(value).dump();
  const auto again = read(*json::parse(text));
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ(to_json(*again).dump(), text);
}

TEST(GameApi, ReadsWhatItWrites) {
  Table table;
  const SettleRequest settle = settle_request(table);
  expect_round_trip(settle, [](const json::Value& v) { return settle_request_from_json(v, 100, 100); });
  const auto& inputs = settle.groups[0].inputs;
  const auto& outputs = settle.groups[0].outputs;
  std::vector<cashu::BlindSignature> signatures;
  for (const auto& output : outputs) signatures.push_back(table.mint.sign(output));
  expect_round_trip(BurnManaRequest{match::hash_of("op"), table.match.id(), inputs},
                    [](const json::Value& v) { return burn_mana_request_from_json(v, 100); });
  expect_round_trip(BurnManaResponse{"mana", 100, 20'000}, burn_mana_response_from_json);
  expect_round_trip(MintLootRequest{match::hash_of("op"), table.match.id(), outputs},
                    [](const json::Value& v) { return mint_loot_request_from_json(v, 100); });
  expect_round_trip(MintLootResponse{signatures, 5}, mint_loot_response_from_json);
  expect_round_trip(SpentStatusRequest{{inputs[0].y()}}, spent_status_request_from_json);
  expect_round_trip(SpentStatusResponse{{{inputs[0].y(), SpentState::spent, table.match.id()},
                                         {inputs[1].y(), SpentState::pending, std::nullopt}}},
                    spent_status_response_from_json);
  expect_round_trip(SettleResponse{{signatures, signatures}}, settle_response_from_json);
  expect_round_trip(VerdictsResponse{settle.announcement, settle.verdict, {settle.claim}},
                    verdicts_response_from_json);
}

TEST(GameApi, LimitsAreOverAllGroups) {
  Table table;
  const SettleRequest settle = settle_request(table);
  const json::Value value = to_json(settle);
  const std::size_t inputs = settle.groups[0].inputs.size() + settle.groups[1].inputs.size();
  EXPECT_TRUE(settle_request_from_json(value, inputs, 100));
  const auto too_many = settle_request_from_json(value, inputs - 1, 100);
  ASSERT_FALSE(too_many);
  EXPECT_EQ(too_many.error().code, cashu::kTooManyInputs);
  const auto outputs = settle_request_from_json(value, 100, settle.groups[0].outputs.size());
  ASSERT_FALSE(outputs);
  EXPECT_EQ(outputs.error().code, cashu::kTooManyOutputs);
}

TEST(GameApi, ErrorsNameTheMember) {
  const auto burn =
      burn_mana_request_from_json(*json::parse(R"({"operation":"00","match":"00","inputs":[]})"), 10);
  ASSERT_FALSE(burn);
  EXPECT_NE(burn.error().message.find("operation"), std::string::npos);
  const auto status = spent_status_request_from_json(*json::parse(R"({"Ys":["02"]})"));
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("Ys[0]"), std::string::npos);
}

}  // namespace
}  // namespace manastr::gameapi
