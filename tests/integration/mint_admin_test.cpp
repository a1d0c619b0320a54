// Operators: who may do what, what is logged of it, and units that come and go while the mint runs.
// Databases: both
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "common/json/reader.h"
#include "common/nostr/nip98.h"
#include "mint_house.h"
#include "tests/support/eventually.h"

namespace manastr::test {
namespace {

using mintclient::HttpReply;

crypto::SecretKey fresh_key() { return crypto::SecretKey::generate(system_random()); }

std::string admin_toml(const std::string& name, const crypto::SecretKey& key, const std::string& roles) {
  return "[[admins]]\nname = \"" + name + "\"\nnostr_pubkey = \"" + key.x_only().hex() + "\"\nroles = [" +
         roles + "]\n";
}

const json::Value* at(const json::Value& value, std::initializer_list<std::string_view> path) {
  const json::Value* out = &value;
  for (const std::string_view name : path) {
    if (out != nullptr) out = out->find(name);
  }
  return out;
}

class MintAdmin : public testing::Test {
 protected:
  std::string header(const crypto::SecretKey& key, const std::string& method, const std::string& path,
                     const std::string& body) {
    return nostr::authorization_header(key, mint_.url() + path, method, body, system_clock().now_seconds(),
                                       system_random());
  }
  HttpReply post(const crypto::SecretKey& key, const std::string& path, const std::string& body) {
    return mint_.post("/admin/v1/" + path, body, header(key, "POST", "/admin/v1/" + path, body));
  }
  HttpReply get(const crypto::SecretKey& key, const std::string& path) {
    return mint_.get("/admin/v1/" + path, header(key, "GET", "/admin/v1/" + path, ""));
  }
  static std::string body(const std::string& more = "", const std::string& operation = to_hex(fresh())) {
    return "{\"operation\":\"" + operation + "\"" + (more.empty() ? "" : "," + more) + "}";
  }
  static Hash32 fresh() { return system_random().bytes<32>(); }
  /// The log, the newest first.
  json::Value log(const std::string& query = "") {
    const HttpReply reply = get(viewer_, "audit" + query);
    EXPECT_EQ(reply.status, 200) << reply.body;
    return *json::parse(reply.body);
  }
  std::string admins() {
    return admin_toml("viktor", viewer_, "\"viewer\"") + admin_toml("olga", operator_, "\"operator\"") +
           admin_toml("theo", treasurer_, "\"treasurer\", \"operator\"");
  }
  /// What /v1/mint/quote answers for so much of the unit.
  HttpReply quote(const std::string& unit, cashu::Amount amount) {
    return mint_.post("/v1/mint/quote/bolt11",
                      R"({"unit":")" + unit + R"(","amount":)" + std::to_string(amount) + "}");
  }

  const crypto::SecretKey viewer_ = fresh_key();
  const crypto::SecretKey operator_ = fresh_key();
  const crypto::SecretKey treasurer_ = fresh_key();
  MintHouse mint_{{.toml = admins(), .auth = "", .environment = {}}};
};

const std::string kGold = R"("unit":"gold","price_msat":1000,"max_amount":500)";

/// `active` of each keyset of a unit, as the operator sees it.
std::string actives(const HttpReply& units, std::string_view unit) {
  std::string out;
  const auto body = json::parse(units.body);
  if (!body || body->find("units") == nullptr) return "no list: " + units.body;
  for (const json::Value& each : *body->find("units")->if_array()) {
    if (*each.find("unit")->if_string() != unit) continue;
    for (const json::Value& keyset : *each.find("keysets")->if_array())
      out += *keyset.find("active")->if_bool() ? "+" : "-";
  }
  return out;
}

TEST_F(MintAdmin, AUnitOfRunTimeHasItsFiguresAndAKeysetThatExpiredIsNotActive) {
  const auto has = [&](const std::string& line) {
    return mint_.get("/metrics").body.find("\n" + line + "\n") != std::string::npos;
  };
  EXPECT_TRUE(has(R"(mint_outstanding{unit="mana"} 0)"));
  EXPECT_FALSE(has(R"(mint_outstanding{unit="gold"} 0)"));
  ASSERT_EQ(post(treasurer_, "units", body(kGold)).status, 200);
  EXPECT_TRUE(eventually([&] { return has(R"(mint_outstanding{unit="gold"} 0)"); }));
  EXPECT_TRUE(has(R"(mint_expired{unit="gold"} 0)"));
  mint_.buy("gold", std::vector<cashu::Amount>{4});
  EXPECT_TRUE(eventually([&] { return has(R"(mint_outstanding{unit="gold"} 4)"); }));

  EXPECT_EQ(actives(get(viewer_, "units"), "gold"), "+");
  const std::int64_t expiry = count(system_clock().now_seconds()) + 3;
  ASSERT_EQ(post(operator_, "units/gold/expire", body("\"final_expiry\":" + std::to_string(expiry))).status,
            200);
  EXPECT_TRUE(eventually([&] { return actives(get(viewer_, "units"), "gold") == "--"; }));
  EXPECT_GE(count(system_clock().now_seconds()), expiry);
}

TEST_F(MintAdmin, RolesAreHeldToAndEveryCallIsLogged) {
  EXPECT_EQ(mint_.post("/admin/v1/units", body(kGold)).status, 401);
  EXPECT_EQ(post(fresh_key(), "units", body(kGold)).status, 403) << "nobody's key";
  EXPECT_EQ(post(viewer_, "units", body(kGold)).status, 403);
  EXPECT_EQ(post(operator_, "units", body(kGold)).status, 403);
  const std::string create = body(kGold);
  const std::string authorization = header(treasurer_, "POST", "/admin/v1/units", create);
  const HttpReply made = mint_.post("/admin/v1/units", create, authorization);
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(mint_.post("/admin/v1/units", create, authorization).status, 401) << "an event is used once";
  EXPECT_EQ(mint_.post("/admin/v1/units", create + " ", header(treasurer_, "POST", "/admin/v1/units", create))
                .status,
            401)
      << "another body";
  EXPECT_EQ(post(treasurer_, "units", create).body, made.body) << "a retry, under a fresh authorization";
  EXPECT_EQ(post(treasurer_, "units", body(kGold)).status, 400) << "there is one";
  EXPECT_EQ(post(treasurer_, "units/mana/price", body("\"price_msat\":300")).status, 400) << "mint.toml's";
  EXPECT_EQ(post(operator_, "units/gold/cap", body("\"cap\":5")).status, 403);
  EXPECT_EQ(post(operator_, "units/gold/limits", body("\"max_amont\":5")).status, 400);
  EXPECT_EQ(post(operator_, "units/gold/limits", body("\"max_amount\":400")).status, 200);
  EXPECT_EQ(post(viewer_, "units/gold/retire", body()).status, 403);

  mint_.restart();
  EXPECT_EQ(mint_.post("/admin/v1/units", create, authorization).status, 401) << "also across a restart";
  EXPECT_EQ(post(treasurer_, "units", create).body, made.body);
  const json::Value all = log("?limit=1000");
  std::vector<std::string> lines;
  std::int64_t expected = 0;
  for (const json::Value& line : *all.find("calls")->if_array()) {
    const std::int64_t number = line.find("number")->if_int64().value();
    if (expected != 0) {
      EXPECT_EQ(number, expected - 1) << "no gap";
    }
    expected = number;
    lines.push_back(*line.find("admin")->if_string() + " " + *line.find("action")->if_string() + " " +
                    line.find("status")->dump());
  }
  EXPECT_EQ(expected, 1);
  std::ranges::reverse(lines);
  EXPECT_EQ(lines,
            (std::vector<std::string>{"viktor create 403", "olga create 403", "theo create 200",
                                      "theo create 401", "theo create 200", "theo create 400",
                                      "theo price 400", "olga cap 403", "olga limits 400", "olga limits 200",
                                      "viktor retire 403", "theo create 401", "theo create 200"}));
  const json::Value page = log("?limit=1&before=4");
  EXPECT_EQ(page.find("calls")->if_array()->front().find("number")->if_int64(), 3);
  EXPECT_EQ(*at(page.find("calls")->if_array()->front(), {"arguments", "body", "unit"}), json::Value("gold"));
  EXPECT_EQ(get(viewer_, "audit?limit=0").status, 400);
}

TEST_F(MintAdmin, AUnitComesAndGoesWhileTheMintRuns) {
  ASSERT_EQ(quote("gold", 1).status, 400);
  const HttpReply made = post(treasurer_, "units", body(kGold + ",\"cap\":100"));
  ASSERT_EQ(made.status, 200) << made.body;
  mint_.forget_keysets();
  EXPECT_NE(mint_.get("/v1/info").body.find("\"gold\""), std::string::npos);
  const auto held = mint_.buy("gold", std::vector<cashu::Amount>{64, 32});
  EXPECT_EQ(MintHouse::code_of(quote("gold", 5)), 11006) << "the cap";
  mint_.restart();
  const auto swapped = mint_.drafts("gold", {32, 64});
  const HttpReply swap = mint_.post("/v1/swap", swap_body(held, swapped));
  ASSERT_EQ(swap.status, 200) << swap.body << " after a restart";
  const auto now_held = mint_.unblind(swap.body, swapped, "gold");

  // Fresh keys that expire; what the old ones signed is taken for them.
  const std::int64_t expiry = count(system_clock().now_seconds()) + 86'400;
  ASSERT_EQ(post(operator_, "units/gold/expire", body("\"final_expiry\":" + std::to_string(expiry))).status,
            200);
  mint_.forget_keysets();
  EXPECT_EQ(mint_.keyset("gold").final_expiry, unix_seconds(expiry));
  EXPECT_NE(mint_.get("/v1/info").body.find("worth nothing after"), std::string::npos);
  const auto fresh = mint_.drafts("gold", {64});
  const HttpReply moved = mint_.post("/v1/swap", swap_body({now_held[1]}, fresh));
  ASSERT_EQ(moved.status, 200) << moved.body;
  const auto expiring = mint_.unblind(moved.body, fresh, "gold");

  // Retired: nothing more is issued but what was paid for; swaps and melts go on.
  const std::string paid = mint_.paid_quote("gold", 2);
  const HttpReply retired = post(operator_, "units/gold/retire", body());
  ASSERT_EQ(retired.status, 200) << retired.body;
  EXPECT_EQ(MintHouse::code_of(quote("gold", 1)), 20003);
  EXPECT_EQ(mint_.post("/v1/mint/bolt11", mint_body(paid, mint_.drafts("gold", {2}))).status, 200);
  mint_.restart();
  EXPECT_EQ(MintHouse::code_of(quote("gold", 1)), 20003);
  EXPECT_EQ(mint_.post("/v1/swap", swap_body({now_held[0]}, mint_.drafts("gold", {32}))).status, 200);
  const HttpReply melt_quote = mint_.post(
      "/v1/melt/quote/bolt11", R"({"unit":"gold","request":")" + MintHouse::foreign_invoice(60) + "\"}");
  ASSERT_EQ(melt_quote.status, 200) << melt_quote.body;
  const HttpReply melted =
      mint_.post("/v1/melt/bolt11", melt_body(member(melt_quote.body, "quote"), expiring));
  EXPECT_EQ(melted.status, 200) << melted.body;

  const json::Value units = *json::parse(get(viewer_, "units").body);
  const json::Value* gold = nullptr;
  for (const json::Value& each : *units.find("units")->if_array()) {
    if (*each.find("unit") == json::Value("gold")) gold = &each;
  }
  ASSERT_NE(gold, nullptr);
  EXPECT_EQ(*gold->find("master"), json::Value("ledger"));
  EXPECT_EQ(gold->find("outstanding")->if_int64(), 96 + 2 - 64);
  EXPECT_FALSE(gold->find("retired_at")->is_null());
  EXPECT_EQ(gold->find("keysets")->if_array()->size(), 2U);
}

TEST_F(MintAdmin, RotationAndCapsAreForTheFilesUnitsToo) {
  const auto held = mint_.buy("mana", std::vector<cashu::Amount>{8});
  const cashu::KeysetId before = mint_.keyset("mana").id;
  ASSERT_EQ(post(operator_, "units/mana/rotate", body()).status, 200);
  mint_.forget_keysets();
  EXPECT_NE(mint_.keyset("mana").id, before);
  EXPECT_EQ(mint_.post("/v1/swap", swap_body(held, mint_.drafts("mana", {8}))).status, 200);
  ASSERT_EQ(post(treasurer_, "units/mana/cap", body("\"cap\":9")).status, 200);
  EXPECT_EQ(MintHouse::code_of(quote("mana", 2)), 11006);
  mint_.restart();
  mint_.forget_keysets();
  EXPECT_NE(mint_.keyset("mana").id, before) << "a start does not go back to the old keys";
  EXPECT_EQ(MintHouse::code_of(quote("mana", 2)), 11006);
  ASSERT_EQ(post(treasurer_, "units/mana/cap", body("\"cap\":null")).status, 200);
  EXPECT_EQ(quote("mana", 2).status, 200);

  // A name in both is an error at start that says what to do.
  ASSERT_EQ(post(treasurer_, "units", body(kGold)).status, 200);
  mint_.configure(admins() + "[currencies.gold]\n");
  mint_.daemon().process().kill();
  Process again("manastr-mint",
                {.arguments = {"--config", mint_.folder() + "/mint.toml", "--data", mint_.folder() + "/data"},
                 .environment = mint_.environment(),
                 .output = mint_.folder() + "/out"});
  EXPECT_EQ(again.wait(), 1);
  std::ifstream out(mint_.folder() + "/out");
  const std::string text{std::istreambuf_iterator<char>(out), {}};
  EXPECT_NE(text.find("[currencies.gold]"), std::string::npos) << text;
}

TEST_F(MintAdmin, APriceIsChangedWhereItCanBePaid) {
  ASSERT_EQ(post(treasurer_, "units", body(kGold)).status, 200);
  mint_.forget_keysets();
  const auto held = mint_.buy("gold", std::vector<cashu::Amount>{8});
  const HttpReply melt_quote = mint_.post(
      "/v1/melt/quote/bolt11", R"({"unit":"gold","request":")" + MintHouse::foreign_invoice(8) + "\"}");
  ASSERT_EQ(melt_quote.status, 200) << melt_quote.body;
  const HttpReply dearer = post(treasurer_, "units/gold/price", body("\"price_msat\":2000"));
  EXPECT_EQ(dearer.status, 400);
  EXPECT_NE(dearer.body.find("owe"), std::string::npos) << dearer.body;
  EXPECT_EQ(post(treasurer_, "units/gold/price", body("\"price_msat\":500")).status, 200);
  const HttpReply melted = mint_.post("/v1/melt/bolt11", melt_body(member(melt_quote.body, "quote"), held));
  EXPECT_EQ(melted.status, 200) << melted.body << " at the price that the quote promised";
  EXPECT_EQ(mint_.get("/health").body.find("owes"), std::string::npos);
  EXPECT_NE(mint_.get("/v1/info").body.find("\"price_msat\":500"), std::string::npos);
  mint_.restart();
  EXPECT_NE(mint_.get("/v1/info").body.find("\"price_msat\":500"), std::string::npos);
}

TEST_F(MintAdmin, WhatIsCommittedIsAnsweredAlikeAfterACrash) {
  for (const char* point : {"mint.before-commit", "mint.after-commit"}) {
    SCOPED_TRACE(point);
    const std::string unit = std::string("unit-") + (point[5] == 'b' ? "before" : "after");
    const std::string create = body("\"unit\":\"" + unit + "\",\"price_msat\":1000");
    mint_.restart({{"MANASTR_FAILPOINT", point}});
    EXPECT_EQ(post(treasurer_, "units", create).status, 0) << "the mint died";
    mint_.restart();
    const HttpReply again = post(treasurer_, "units", create);
    ASSERT_EQ(again.status, 200) << again.body;
    const json::Value lines = log("?limit=2");
    EXPECT_EQ(*lines.find("calls")->if_array()->front().find("outcome"),
              json::Value(point[5] == 'b' ? "done" : "repeated"));
    mint_.forget_keysets();
    EXPECT_EQ(mint_.keyset(unit).unit, unit);
  }
}

TEST_F(MintAdmin, IsNotThereWhileNobodyIsAnAdmin) {
  mint_.configure("[admin]\nadmins_file = \"admins.toml\"\n");
  std::ofstream(mint_.folder() + "/admins.toml") << "";
  mint_.restart();
  EXPECT_EQ(get(viewer_, "units").status, 404);
  std::ofstream(mint_.folder() + "/admins.toml", std::ios::trunc) << admins();
  EXPECT_TRUE(eventually([&] { return get(viewer_, "units").status == 200; })) << "the file is followed";
  std::ofstream(mint_.folder() + "/admins.toml", std::ios::trunc) << "";
  EXPECT_TRUE(eventually([&] { return get(viewer_, "units").status == 404; }));
}

TEST_F(MintAdmin, PeopleCallByTheCommand) {
  const std::string key_file = mint_.folder() + "/theo.key";
  std::ofstream(key_file) << to_hex(treasurer_.reveal()) << "\n";
  const std::string out_file = mint_.folder() + "/said";
  const auto run = [&](std::vector<std::string> words) {
    std::vector<std::string> arguments{
        "admin", "--config", mint_.folder() + "/mint.toml", "--data", mint_.folder() + "/data",
        "--key", key_file};
    arguments.insert(arguments.end(), words.begin(), words.end());
    std::remove(out_file.c_str());
    Process command("manastr-mint", {.arguments = arguments, .environment = {}, .output = out_file});
    const auto code = command.wait();
    std::ifstream file(out_file);
    return std::pair{code, std::string(std::istreambuf_iterator<char>(file), {})};
  };
  ::chmod(key_file.c_str(), 0644);
  EXPECT_EQ(run({"units"}).first, 1) << "others may read the key";
  ::chmod(key_file.c_str(), 0600);
  const auto created = run({"create", "unit=gold", "price_msat=1000", "cap=50"});
  EXPECT_EQ(created.first, 0) << created.second;
  EXPECT_NE(created.second.find("cap: 50"), std::string::npos) << created.second;
  const auto refused = run({"create", "unit=gold", "price_msat=1000"});
  EXPECT_EQ(refused.first, 1);
  EXPECT_NE(refused.second.find("there is a unit gold already"), std::string::npos) << refused.second;
  EXPECT_NE(run({"audit", "limit=5"}).second.find("outcome: done"), std::string::npos);
}

}  // namespace
}  // namespace manastr::test
