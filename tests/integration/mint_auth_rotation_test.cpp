// The keysets of blind tokens (NUT-22) change while the mint runs, as those of money do.
// Rooms: common/mintclient common/cashu lightning mint/authentication
// Databases: both
#include "common/nostr/nip98.h"
#include "mint_auth.h"
#include "tests/support/eventually.h"

namespace manastr::test {
namespace {

class MintAuthRotates : public MintAuth {
 protected:
  MintHouse& mint_with(const std::string& more) {
    return mint_.emplace(MintHouse::Options{.toml = toml(more), .auth = "", .environment = {}});
  }
  std::string admins() const {
    return "[[admins]]\nname = \"olga\"\nnostr_pubkey = \"" + key_.x_only().hex() +
           "\"\nroles = [\"operator\", \"treasurer\"]\n";
  }
  std::string header(const std::string& method, const std::string& path, const std::string& body) {
    return nostr::authorization_header(key_, mint().url() + path, method, body, system_clock().now_seconds(),
                                       system_random());
  }
  mintclient::HttpReply call(const std::string& what, const std::string& more = "",
                             const std::string& operation = to_hex(system_random().bytes<32>())) {
    const std::string path = "/admin/v1/units/auth/" + what;
    const std::string body = "{\"operation\":\"" + operation + "\"" + more + "}";
    return mint().post(path, body, header("POST", path, body));
  }
  int mint_code(const std::vector<Draft>& outputs) {
    return code(post(kMintTokens, "{\"outputs\":" + outputs_json(outputs) + "}", clear()));
  }
  int use_code(const std::string& token) { return code(post("/v1/checkstate", R"({"Ys":[]})", token)); }
  /// Of /v1/auth/blind/keysets, oldest first.
  std::vector<cashu::KeysetInfo> listed() {
    const auto body = json::parse(mint().get("/v1/auth/blind/keysets").body);
    std::vector<cashu::KeysetInfo> out;
    for (const json::Value& each : *body->find("keysets")->if_array())
      out.push_back(cashu::keyset_info_from_json(each).value());
    return out;
  }
  const crypto::SecretKey key_ = crypto::SecretKey::generate(system_random());
};

TEST_F(MintAuthRotates, BySchedule) {
  // Of version 1, whose id doesn't bind the expiry that is put forward below.
  mint_with("rotate_every_days = 30\noverlap_hours = 2\nfinal_expiry_days = 90\n[keysets]\nid_version = 1\n");
  const cashu::KeysetId first = token_keyset().id;
  EXPECT_TRUE(listed()[0].final_expiry);
  const std::vector<std::string> old = tokens(3);
  const std::vector<Draft> prepared = token_drafts(1);
  const std::vector<Draft> late = token_drafts(1);
  mint().daemon().process().kill();
  mint().tamper("UPDATE @keysets SET created_at = 1700000000 WHERE unit = 'auth'");
  mint().restart();
  ASSERT_TRUE(eventually([&] { return token_keyset().id != first; }));
  ASSERT_EQ(listed().size(), 2U);
  EXPECT_EQ(listed()[0].id, first);
  EXPECT_FALSE(listed()[0].active);
  EXPECT_TRUE(listed()[1].active);
  EXPECT_TRUE(listed()[1].final_expiry);
  EXPECT_EQ(mint_code(prepared), 0) << "what was prepared for the former one is signed";
  EXPECT_EQ(use_code(old[0]), 0) << "its tokens are taken";
  EXPECT_EQ(use_code(old[0]), cashu::kBlindAuthFailed) << "once";
  EXPECT_EQ(use_code(token()), 0);

  mint().daemon().process().kill();
  mint().tamper("UPDATE @keysets SET overlap_until = 1700000000 WHERE state = 1");
  mint().restart();
  EXPECT_EQ(mint_code(late), cashu::kKeysetInactive);
  EXPECT_EQ(use_code(old[1]), 0);

  mint().daemon().process().kill();
  mint().expire_keyset(first.hex());
  mint().restart();
  EXPECT_EQ(mint_code(late), cashu::kKeysetExpired);
  EXPECT_EQ(use_code(old[2]), cashu::kBlindAuthFailed);
  EXPECT_EQ(use_code(token()), 0);
  EXPECT_EQ(mint().faults(), "");
}

TEST_F(MintAuthRotates, WhenItsOperatorSaysSo) {
  mint_with(admins());
  const cashu::KeysetId first = token_keyset().id;
  const std::string old = token();
  const std::vector<Draft> prepared = token_drafts(1);
  const std::string operation = to_hex(system_random().bytes<32>());
  const auto rotated = call("rotate", "", operation);
  ASSERT_EQ(rotated.status, 200) << rotated.body;
  const cashu::KeysetId second = token_keyset().id;
  EXPECT_NE(second, first);
  EXPECT_NE(rotated.body.find(second.hex()), std::string::npos);
  EXPECT_EQ(call("rotate", "", operation).body, rotated.body) << "done once";
  EXPECT_EQ(listed().size(), 2U);
  EXPECT_EQ(mint_code(prepared), 0) << "in the overlap";
  EXPECT_EQ(use_code(old), 0);
  for (const char* what : {"cap", "retire"})
    EXPECT_EQ(call(what, std::string(what) == "cap" ? ",\"cap\":5" : "").status, 400) << "it is no money";
  EXPECT_EQ(call("rotate", ",\"input_fee_ppk\":1").status, 400);
  EXPECT_EQ(listed().size(), 2U);
  const auto log = mint().get("/admin/v1/audit", header("GET", "/admin/v1/audit", ""));
  EXPECT_NE(log.body.find(R"("action":"rotate","arguments":{"unit":"auth")"), std::string::npos) << log.body;
  EXPECT_EQ(mint().get("/v1/keysets").body.find(second.hex()), std::string::npos);
  EXPECT_EQ(mint().get("/v1/supply").body.find("\"auth\""), std::string::npos);

  mint().restart();
  EXPECT_EQ(token_keyset().id, second) << "it is in the ledger";
  EXPECT_EQ(use_code(old), cashu::kBlindAuthFailed) << "spent";
}

TEST_F(MintAuthRotates, AHigherIndexEndsTheTokensThatAreOut) {
  mint_with("");
  const std::string old = token();
  const cashu::KeysetId before = token_keyset().id;
  mint().configure(toml("keyset_index = 1\n"));
  mint().restart();
  EXPECT_NE(token_keyset().id, before);
  EXPECT_EQ(use_code(old), cashu::kBlindAuthFailed);
  EXPECT_EQ(use_code(token()), 0);
  ASSERT_EQ(listed().size(), 2U);
  EXPECT_FALSE(listed()[0].active);
}

TEST_F(MintAuthRotates, WhereThereIsNoAuthThereIsNothingToRotate) {
  mint_.emplace(MintHouse::Options{.toml = admins(), .auth = "", .environment = {}});
  EXPECT_EQ(MintHouse::code_of(call("rotate")), cashu::kUnitUnsupported);
}

}  // namespace
}  // namespace manastr::test
