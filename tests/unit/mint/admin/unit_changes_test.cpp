#include "mint/admin/unit_changes.h"

#include <gtest/gtest.h>

namespace manastr::mint::test {
namespace {

constexpr UnixSeconds kNow = UnixSeconds{Seconds{1'800'000'000}};

CurrencyConfiguration unit(const std::string& name, std::uint64_t price) {
  CurrencyConfiguration out;
  out.name = out.unit = name;
  out.price_msat = price;
  return out;
}

UnitRecord made(const std::string& name) {
  UnitRecord out{.unit = name, .terms = unit(name, 500)};
  out.terms->of_file = false;
  return out;
}

class UnitChanges : public testing::Test {
 protected:
  Result<UnitChange> change(const std::string& name, auto what) const {
    return change_unit({.unit = name, .change = std::move(what)}, units_, rules_, kNow);
  }
  std::string fault(const std::string& name, auto what) const {
    const auto out = change(name, std::move(what));
    return out ? "" : out.error().message;
  }
  UnitRules rules_{.of_file = {unit("mana", 200)}};
  std::vector<UnitRecord> units_{made("gold")};
};

TEST_F(UnitChanges, OfAUnitOfTheFileNameTheKeyToSet) {
  EXPECT_NE(fault("mana", SetPrice{300}).find("price_msat in [currencies.mana]"), std::string::npos);
  EXPECT_NE(fault("mana", SetLimits{.max_amount = 5}).find("max_amount in [currencies.mana]"),
            std::string::npos);
  EXPECT_NE(fault("mana", RotateKeys{7}).find("input_fee_ppk"), std::string::npos);
  EXPECT_EQ(fault("mana", RotateKeys{}), "") << "rotation is the ledger's for both kinds";
  const auto capped = change("mana", SetCap{100});
  ASSERT_TRUE(capped);
  EXPECT_EQ(capped->record.cap, 100U);
  EXPECT_FALSE(capped->record.terms);
}

TEST_F(UnitChanges, MakeAUnitOnceAndUnderNoNameThatIsTaken) {
  const auto silver = change("silver", CreateUnit{unit("silver", 7), 10, std::nullopt});
  ASSERT_TRUE(silver) << silver.error().message;
  EXPECT_EQ(silver->record.cap, 10U);
  EXPECT_EQ(silver->price->msat, 7U);
  ASSERT_TRUE(silver->keys);
  EXPECT_NE(fault("gold", CreateUnit{unit("gold", 7), {}, {}}), "");
  EXPECT_NE(fault("mana", CreateUnit{unit("mana", 7), {}, {}}).find("mint.toml"), std::string::npos);
  EXPECT_NE(fault("auth", CreateUnit{unit("auth", 7), {}, {}}), "");
  EXPECT_NE(fault("sat", CreateUnit{unit("sat", 7), {}, {}}).find("1000"), std::string::npos);
  EXPECT_NE(fault("late", CreateUnit{unit("late", 7), {}, kNow}).find("final_expiry"), std::string::npos);
}

TEST_F(UnitChanges, KeepWhatIsNotNamed) {
  const auto limits = change("gold", SetLimits{.max_amount = 5, .meltable = false});
  ASSERT_TRUE(limits);
  EXPECT_EQ(limits->record.terms->max_amount, 5U);
  EXPECT_FALSE(limits->record.terms->meltable);
  EXPECT_EQ(limits->record.terms->price_msat, 500U);
  EXPECT_FALSE(limits->keys);
  EXPECT_NE(fault("gold", SetLimits{.min_amount = 2'000'000}).find("min_amount"), std::string::npos);
  const auto dearer = change("gold", SetPrice{600});
  EXPECT_EQ(dearer->record.terms->price_msat, 600U);
  EXPECT_EQ(dearer->price->msat, 600U);
}

TEST_F(UnitChanges, ExpireByAFreshKeysetAndRetireOnce) {
  const auto expiring = change("gold", ExpireUnit{kNow + Seconds{1}});
  ASSERT_TRUE(expiring);
  EXPECT_EQ(expiring->keys->final_expiry, kNow + Seconds{1});
  EXPECT_EQ(expiring->record.final_expiry, kNow + Seconds{1});
  EXPECT_NE(fault("gold", ExpireUnit{kNow}), "");
  const auto retired = change("gold", RetireUnit{});
  ASSERT_TRUE(retired);
  units_ = {retired->record};
  EXPECT_NE(fault("gold", RetireUnit{}).find("already"), std::string::npos);
  EXPECT_NE(fault("gold", SetLimits{.issued_by = std::vector{Issuer::engine}}).find("retired"),
            std::string::npos);
  EXPECT_NE(fault("lead", RetireUnit{}).find("no unit lead"), std::string::npos);
}

TEST(UnitsInForce, AreThoseOfTheFileAndOfTheLedger) {
  UnitRecord retired{.unit = "mana", .cap = 9, .retired_at = kNow};
  const auto units =
      units_in_force({unit("mana", 200)}, {made("gold"), retired, UnitRecord{.unit = "gone", .cap = 1}});
  ASSERT_TRUE(units) << units.error().message;
  ASSERT_EQ(units->size(), 2U);
  EXPECT_EQ(units->at(0).cap, 9U);
  EXPECT_TRUE(units->at(0).retired);
  EXPECT_TRUE(units->at(0).issued_by.empty());
  EXPECT_TRUE(units->at(0).of_file);
  EXPECT_EQ(units->at(1).unit, "gold");
  EXPECT_FALSE(units->at(1).of_file);
  const auto both = units_in_force({unit("gold", 200)}, {made("gold")});
  ASSERT_FALSE(both);
  EXPECT_NE(both.error().message.find("[currencies.gold]"), std::string::npos);
}

TEST(UnitsInForce, TermsGoThroughTheirTextUnchanged) {
  CurrencyConfiguration terms = *made("gold").terms;
  terms.precision = 18;
  terms.fee_reserve_ppm = 1'000'000;
  terms.min_amount = 2;
  terms.max_amount = std::uint64_t{1} << 62;
  terms.issued_by = {Issuer::lightning, Issuer::engine};
  terms.meltable = false;
  terms.input_fee_ppk = 3;
  const auto back = terms_from_text("gold", terms_to_text(terms));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, terms);
  EXPECT_FALSE(terms_from_text("gold", "{}"));
}

}  // namespace
}  // namespace manastr::mint::test
