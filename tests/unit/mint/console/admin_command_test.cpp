#include "mint/console/admin_command.h"

#include <gtest/gtest.h>

#include "common/json/reader.h"

namespace manastr::mint::test {
namespace {

Result<AdminWords> read(std::vector<std::string_view> words) {
  words.insert(words.begin(), {"--key", "k"});
  return read_admin_words(words, system_random());
}

TEST(AdminCommand, MakesTheCallThatItsWordsName) {
  const auto create = read({"--url", "http://m", "create", "unit=gold", "price_msat=500",
                            "issued_by=lightning,engine", "meltable=false", "cap=null"});
  ASSERT_TRUE(create) << create.error().message;
  EXPECT_EQ(create->method, "POST");
  EXPECT_EQ(create->path, "/admin/v1/units");
  EXPECT_EQ(create->operation.size(), 64U);
  const auto body = json::parse(create->body);
  ASSERT_TRUE(body);
  EXPECT_EQ(*body->find("unit"), json::Value("gold"));
  EXPECT_EQ(*body->find("price_msat"), json::Value(500));
  EXPECT_EQ(*body->find("meltable"), json::Value(false));
  EXPECT_TRUE(body->find("cap")->is_null());
  EXPECT_EQ(body->find("issued_by")->if_array()->size(), 2U);
  EXPECT_EQ(*body->find("operation"), json::Value(create->operation));

  EXPECT_EQ(read({"cap", "unit=7", "cap=1"})->path, "/admin/v1/units/7/cap");
  EXPECT_EQ(read({"retire", "unit=mana", "operation=00"})->body, R"({"operation":"00"})");
  EXPECT_EQ(read({"audit", "before=7", "limit=2"})->path, "/admin/v1/audit?before=7&limit=2");
  EXPECT_EQ(read({"units"})->body, "");
  EXPECT_TRUE(read({"--help"})->help);
}

TEST(AdminCommand, SaysWhatIsWrongWithItsWords) {
  const auto fault = [](std::vector<std::string_view> words) {
    return read(std::move(words)).error().message;
  };
  EXPECT_NE(fault({}).find("an action"), std::string::npos);
  EXPECT_NE(fault({"explode", "unit=mana"}).find("explode"), std::string::npos);
  EXPECT_NE(fault({"cap", "cap=1"}).find("unit=U"), std::string::npos);
  EXPECT_NE(fault({"cap", "unit=../x", "cap=1"}).find("unit=U"), std::string::npos);
  EXPECT_NE(fault({"cap", "unit"}).find("name=value"), std::string::npos);
  EXPECT_NE(fault({"create", "unit=a", "unit=b"}).find("twice"), std::string::npos);
  EXPECT_NE(fault({"--secret", "x"}).find("--secret"), std::string::npos);
  EXPECT_NE(
      read_admin_words(std::vector<std::string_view>{"units"}, system_random()).error().message.find("--key"),
      std::string::npos);
}

TEST(AdminCommand, PrintsAnswersForPeople) {
  EXPECT_EQ(
      plain_text(R"({"unit":{"unit":"gold","cap":null,"issued_by":["a","b"],"keysets":[{"id":"00"}]}})"),
      "unit:\n  unit: gold\n  cap: -\n  issued_by: [\"a\",\"b\"]\n  keysets:\n    -\n      id: 00\n");
}

}  // namespace
}  // namespace manastr::mint::test
