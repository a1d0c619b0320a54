// Operators of several mints on one PostgreSQL: what one mint is told holds for all, and a cap holds exactly
// under a load at both.
#include <gtest/gtest.h>

#include <thread>

#include "common/json/reader.h"
#include "common/nostr/nip98.h"
#include "mint_house.h"
#include "tests/support/eventually.h"
#include "tests/support/postgres_cluster.h"

namespace manastr::test {
namespace {

using mintclient::HttpReply;

class MintAdminReplicas : public testing::Test {
 protected:
  MintHouse::Options options() {
    return {.toml = "[[admins]]\nname = \"alice\"\nnostr_pubkey = \"" + key_.x_only().hex() +
                    "\"\nroles = [\"operator\", \"treasurer\"]\n"
                    "[keysets]\nmnemonic = \"abandon abandon abandon abandon abandon abandon abandon abandon "
                    "abandon abandon abandon about\"\n",
            .auth = "",
            .environment = {{"DATABASE_URL", database_}}};
  }
  HttpReply post(MintHouse& mint, const std::string& path, const std::string& body) {
    const std::string target = "/admin/v1/" + path;
    return mint.post(target, body,
                     nostr::authorization_header(key_, mint.url() + target, "POST", body,
                                                 system_clock().now_seconds(), system_random()));
  }
  static std::string body(const std::string& more) {
    return "{\"operation\":\"" + to_hex(system_random().bytes<32>()) + "\"" +
           (more.empty() ? "" : "," + more) + "}";
  }
  static int quote_code(MintHouse& mint) {
    return MintHouse::code_of(mint.post("/v1/mint/quote/bolt11", R"({"unit":"gold","amount":1})"));
  }

  const crypto::SecretKey key_ = crypto::SecretKey::generate(system_random());
  const std::string database_ = PostgresCluster::instance().make_database();
  MintHouse a_{options()};
  MintHouse b_{options()};
};

TEST_F(MintAdminReplicas, WhatOneIsToldHoldsForAll) {
  const std::string create = body(R"("unit":"gold","price_msat":1000)");
  const HttpReply made = post(a_, "units", create);
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(post(b_, "units", create).body, made.body) << "done once, whichever mint is asked again";
  EXPECT_TRUE(eventually([&] { return quote_code(b_) == 0; }));
  ASSERT_TRUE(eventually([&] { return b_.get("/v1/keys").body.find("\"gold\"") != std::string::npos; }));

  constexpr std::size_t kEach = 20;
  constexpr std::size_t kCap = 25;
  std::vector<std::string> at_a;
  std::vector<std::string> at_b;
  for (std::size_t i = 0; i < kEach; ++i) {
    at_a.push_back(mint_body(a_.paid_quote("gold", 1), a_.drafts("gold", {1})));
    at_b.push_back(mint_body(b_.paid_quote("gold", 1), b_.drafts("gold", {1})));
  }
  ASSERT_EQ(post(b_, "units/gold/cap", body("\"cap\":" + std::to_string(kCap))).status, 200);
  std::vector<HttpReply> first;
  std::thread other([&] { first = a_.post_at_once("/v1/mint/bolt11", at_a); });
  std::vector<HttpReply> replies = b_.post_at_once("/v1/mint/bolt11", at_b);
  other.join();
  replies.insert(replies.end(), first.begin(), first.end());
  std::size_t issued = 0;
  for (const HttpReply& reply : replies) {
    if (reply.status == 200) {
      ++issued;
    } else {
      EXPECT_EQ(MintHouse::code_of(reply), 11006) << reply.body;
    }
  }
  EXPECT_EQ(issued, kCap);

  ASSERT_EQ(post(a_, "units/gold/retire", body("")).status, 200);
  EXPECT_TRUE(eventually([&] { return quote_code(b_) == 20003; }));
  EXPECT_EQ(a_.get("/health").status, 200);
  EXPECT_EQ(b_.get("/health").status, 200);
}

}  // namespace
}  // namespace manastr::test
