#include "mint/quotes/pricing.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <limits>
#include <numeric>

#include "mint/quotes/quote_id.h"

namespace manastr::mint {
namespace {

TEST(Pricing, Examples) {
  EXPECT_EQ(invoice_msat(100, 200), 20'000U);
  EXPECT_EQ(invoice_msat(1, 200), 1'000U) << "whole satoshis, rounded up";
  EXPECT_EQ(invoice_msat(6, 200), 2'000U);
  EXPECT_EQ(melt_amount(20'000, 200), 100U);
  EXPECT_EQ(melt_amount(20'001, 200), 101U);
  EXPECT_EQ(fee_reserve(100, 10'000), 1U);
  EXPECT_EQ(fee_reserve(101, 10'000), 2U);
  EXPECT_EQ(fee_reserve(100, 0), 0U);
  EXPECT_EQ(change_amount(110, 0, 20'000, 200), 10U);
  EXPECT_EQ(change_amount(110, 0, 20'001, 200), 9U);
  EXPECT_EQ(change_amount(100, 1, 20'000, 200), 0U) << "never below nothing";
  EXPECT_EQ(invoice_msat(std::numeric_limits<cashu::Amount>::max(), 1000), std::nullopt);
}

RC_GTEST_PROP(Pricing, NobodyGainsByBuyingAndMelting, ()) {
  const auto price = *rc::gen::inRange<std::uint64_t>(1, 5'000);
  const auto amount = *rc::gen::inRange<cashu::Amount>(1, 1'000'000);
  const Msat paid = *invoice_msat(amount, price);
  RC_ASSERT(value_of(amount, price) <= Wide{paid});
  // What an invoice of that many satoshis costs is at least what they buy.
  const cashu::Amount needed = melt_amount(paid, price);
  RC_ASSERT(needed >= amount);
  RC_ASSERT(value_of(needed, price) >= Wide{paid});
}

RC_GTEST_PROP(Pricing, ChangeLeavesTheMintWhole, ()) {
  const auto price = *rc::gen::inRange<std::uint64_t>(1, 5'000);
  const auto invoice = *rc::gen::inRange<Msat>(1, 1'000'000'000);
  const auto ppm = *rc::gen::inRange<std::uint32_t>(0, 100'000);
  const cashu::Amount amount = melt_amount(invoice, price);
  const cashu::Amount reserve = fee_reserve(amount, ppm);
  const auto extra = *rc::gen::inRange<cashu::Amount>(0, 1'000);
  const auto input_fee = *rc::gen::inRange<cashu::Amount>(0, 10);
  const auto fee = *rc::gen::inRange<Msat>(0, reserve * price + 1);
  const cashu::Amount inputs = amount + reserve + input_fee + extra;
  const cashu::Amount change = change_amount(inputs, input_fee, invoice + fee, price);
  RC_ASSERT(value_of(inputs - input_fee, price) >= value_of(change, price) + invoice + fee);
  RC_ASSERT(value_of(inputs - input_fee, price) < value_of(change + 1, price) + invoice + fee);
}

RC_GTEST_PROP(Pricing, ChangeIsSplitIntoWhatTheKeysetHas, ()) {
  const auto denominations = *rc::gen::inRange<std::uint32_t>(1, 33);
  const auto amount = *rc::gen::inRange<cashu::Amount>(0, 100'000);
  const auto count = *rc::gen::inRange<std::size_t>(0, 40);
  const auto parts = change_split(amount, denominations, count);
  RC_ASSERT(parts.size() <= count);
  const cashu::Amount sum = std::accumulate(parts.begin(), parts.end(), cashu::Amount{0});
  RC_ASSERT(sum <= amount);
  if (parts.size() < count) RC_ASSERT(sum == amount);
  for (const cashu::Amount part : parts) RC_ASSERT(part < (cashu::Amount{1} << denominations));
}

TEST(QuoteId, IsAVersion7Uuid) {
  const std::string id = make_quote_id(unix_millis(0x0123456789ab), system_random());
  ASSERT_EQ(id.size(), 36U);
  EXPECT_EQ(id.substr(0, 15), "01234567-89ab-7");
  EXPECT_NE(std::string("89ab").find(id[19]), std::string::npos);
  EXPECT_NE(id, make_quote_id(unix_millis(0x0123456789ab), system_random()));
}

}  // namespace
}  // namespace manastr::mint
