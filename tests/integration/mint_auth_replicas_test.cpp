// Blind tokens (NUT-22) at two mints on one PostgreSQL: their keysets rotate for both at once.
// Rooms: common/mintclient common/cashu lightning mint/authentication
#include "common/nostr/nip98.h"
#include "mint_auth.h"
#include "tests/support/eventually.h"
#include "tests/support/postgres_cluster.h"

namespace manastr::test {
namespace {

class MintAuthReplicas : public MintAuth {
 protected:
  MintAuthReplicas() { mint_.emplace(options()); }
  MintHouse::Options options() {
    return {
        .toml = toml("[[admins]]\nname = \"olga\"\nnostr_pubkey = \"" + key_.x_only().hex() +
                     "\"\nroles = [\"operator\"]\n[keysets]\nmnemonic = \"abandon abandon abandon abandon "
                     "abandon abandon abandon abandon abandon abandon abandon about\"\n"),
        .auth = "",
        .environment = {{"DATABASE_URL", database_}}};
  }
  void rotate(MintHouse& at) {
    const std::string path = "/admin/v1/units/auth/rotate";
    const std::string body = "{\"operation\":\"" + to_hex(system_random().bytes<32>()) + "\"}";
    const auto reply = at.post(path, body,
                               nostr::authorization_header(key_, at.url() + path, "POST", body,
                                                           system_clock().now_seconds(), system_random()));
    ASSERT_EQ(reply.status, 200) << reply.body;
  }
  int use_code(MintHouse& at, const std::string& token) {
    return code(http_exchange("POST", at.url() + "/v1/checkstate", {token, "Content-Type: application/json"},
                              R"({"Ys":[]})"));
  }
  const crypto::SecretKey key_ = crypto::SecretKey::generate(system_random());
  const std::string database_ = PostgresCluster::instance().make_database();
};

TEST_F(MintAuthReplicas, ARotationAtOneHoldsForBoth) {
  MintHouse other(options());
  const auto keys = [](MintHouse& at) { return at.get("/v1/auth/blind/keys").body; };
  const auto keysets = [](MintHouse& at) { return at.get("/v1/auth/blind/keysets").body; };
  EXPECT_EQ(keys(mint()), keys(other));
  const std::vector<std::string> old = tokens(2);
  const std::string before = keys(mint());
  rotate(other);
  ASSERT_NE(keys(other), before);
  ASSERT_TRUE(eventually([&] { return keys(mint()) == keys(other); })) << "without a restart";
  EXPECT_EQ(keysets(mint()), keysets(other));
  EXPECT_EQ(use_code(other, old[0]), 0);
  EXPECT_EQ(use_code(mint(), old[0]), cashu::kBlindAuthFailed) << "it was spent at the other";
  EXPECT_EQ(use_code(mint(), old[1]), 0);

  // A token of a keyset that the other has hardly heard of: it looks.
  rotate(mint());
  const std::vector<std::string> fresh = tokens(2);
  EXPECT_EQ(use_code(other, fresh[0]), 0);
  EXPECT_EQ(use_code(mint(), fresh[0]), cashu::kBlindAuthFailed);
  other.restart({{"DATABASE_URL", database_}});
  EXPECT_EQ(keysets(mint()), keysets(other));
  EXPECT_EQ(use_code(other, fresh[1]), 0);
}

}  // namespace
}  // namespace manastr::test
