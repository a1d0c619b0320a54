#include "mint/admin/requests.h"

#include <gtest/gtest.h>

namespace manastr::mint::test {
namespace {

const std::string kOperation = R"("operation":")" + std::string(64, 'a') + R"(")";

std::string body(const std::string& more) {
  return "{" + kOperation + (more.empty() ? "" : "," + more) + "}";
}

std::string fault(std::string_view action, const std::string& text) {
  const auto request = read_admin_request(action, "mana", text);
  return request ? "" : request.error().message;
}

TEST(AdminRequest, OfANewUnitHasDefaultsForAllButNameAndPrice) {
  const auto request = read_admin_request("create", "", body(R"("unit":"gold","price_msat":500)"));
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->unit, "gold");
  const auto& fresh = std::get<CreateUnit>(request->change);
  EXPECT_EQ(fresh.terms.price_msat, 500U);
  EXPECT_EQ(fresh.terms.max_amount, 1'000'000U);
  EXPECT_TRUE(fresh.terms.issued_by_lightning());
  EXPECT_TRUE(fresh.terms.meltable);
  EXPECT_FALSE(fresh.cap);
  EXPECT_FALSE(fresh.final_expiry);
}

TEST(AdminRequest, NamesTheMemberAtFault) {
  EXPECT_NE(fault("retire", "{}").find("operation"), std::string::npos);
  EXPECT_NE(fault("retire", R"({"operation":"AB"})").find("operation"), std::string::npos);
  EXPECT_NE(fault("create", body(R"("unit":"Gold","price_msat":1)")).find("unit"), std::string::npos);
  EXPECT_NE(fault("create", body(R"("unit":"gold")")).find("price_msat: is missing"), std::string::npos);
  EXPECT_NE(fault("create", body(R"("unit":"gold","price_msat":0)")).find("price_msat"), std::string::npos);
  EXPECT_NE(fault("create", body(R"("unit":"gold","price_msat":1.5)")).find("price_msat"), std::string::npos);
  EXPECT_NE(fault("limits", body(R"("issued_by":["lightning","lightning"])")).find("issued_by"),
            std::string::npos);
  EXPECT_NE(fault("limits", body(R"("meltable":1)")).find("meltable"), std::string::npos);
  EXPECT_NE(fault("limits", body("")).find("at least one"), std::string::npos);
  EXPECT_NE(fault("cap", body("")).find("cap: is missing"), std::string::npos);
  EXPECT_NE(fault("expire", body("")).find("final_expiry"), std::string::npos);
  EXPECT_NE(fault("retire", "[]").find("object"), std::string::npos);
  EXPECT_NE(fault("retire", std::string(kMaxAdminBody + 1, ' ')).find("longer"), std::string::npos);
}

TEST(AdminRequest, RefusesAMemberThatTheCallDoesNotKnow) {
  EXPECT_NE(fault("cap", body(R"("cap":1,"capp":2)")).find("\"capp\""), std::string::npos);
  EXPECT_NE(fault("price", body(R"("price_msat":1,"cap":2)")).find("\"cap\""), std::string::npos);
  EXPECT_EQ(fault("price", body(R"("price_msat":1,"keep_quotes":false)")), "");
}

TEST(AdminRequest, ACapOfNullIsNone) {
  const auto none = read_admin_request("cap", "mana", body(R"("cap":null)"));
  ASSERT_TRUE(none);
  EXPECT_FALSE(std::get<SetCap>(none->change).cap);
  EXPECT_EQ(std::get<SetCap>(read_admin_request("cap", "mana", body(R"("cap":0)"))->change).cap, 0U);
}

}  // namespace
}  // namespace manastr::mint::test
