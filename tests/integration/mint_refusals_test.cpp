// Every refusal of the NUT endpoints by its code, and that it changed nothing.
// Rooms: common/mintclient common/cashu
// Databases: both
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>

#include "common/cashu/quote_signature.h"
#include "common/json/reader.h"
#include "mint_house.h"
#include "tests/unit/common/net/raw_client.h"

namespace manastr::test {
namespace {

constexpr const char* kUnits =
    "payment_timeout_seconds = 1\n[limits]\nmax_inputs = 20\nmax_outputs = 20\n"
    "[currencies.sat]\nmax_amount = 1000\nfee_reserve = 1.0\n"
    "[currencies.mana]\ninput_fee_ppk = 1000\n"
    "[currencies.loot]\nissued_by = [\"engine\"]\n";

using Proofs = std::vector<cashu::Proof>;
using Amounts = std::vector<cashu::Amount>;

class MintRefuses : public testing::Test {
 protected:
  int swap(const Proofs& inputs, const std::vector<Draft>& outputs) {
    return MintHouse::code_of(mint_.post("/v1/swap", swap_body(inputs, outputs)));
  }
  int code(const std::string& path, const std::string& body) {
    return MintHouse::code_of(mint_.post(path, body));
  }
  Proofs sats(const Amounts& amounts) { return mint_.buy("sat", amounts); }

  MintHouse mint_{{.toml = kUnits, .auth = "", .environment = {}}};
};

TEST(MintLimits, AreThoseOfTheClientBehindAProxy) {
  MintHouse mint({.toml = "",
                  .auth = "",
                  .environment = {},
                  .server = "requests_per_minute = 1\nburst = 3\ntrusted_proxies = [\"127.0.0.1\"]\n"});
  const auto ask = [&](const std::string& target, const std::string& from, const std::string& more = "") {
    net::RawClient proxy(mint.daemon().port());
    const auto answer = proxy.ask(net::get_request(target, "X-Forwarded-For: " + from + "\r\n" + more));
    return answer ? answer->status : 0;
  };
  const std::string upgrade =
      "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
      "dGhlIHNhbXBsZSBub25jZQ==\r\n";
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask("/v1/keysets", "198.51.100.1"), 200);
  EXPECT_EQ(ask("/v1/keysets", "198.51.100.1"), 429);
  EXPECT_EQ(ask("/v1/keysets", "203.0.113.5, 198.51.100.1:4711"), 429) << "what it says itself is nobody's";
  EXPECT_EQ(ask("/v1/ws", "198.51.100.1", upgrade), 429);
  EXPECT_EQ(ask("/v1/ws", "198.51.100.2", upgrade), 101);
  for (const char* each : {"2001:db8::1", "[2001:db8::2]:80", "2001:db8::ffff:3"})
    EXPECT_EQ(ask("/v1/keysets", each), 200);
  EXPECT_EQ(ask("/v1/keysets", "2001:db8::4"), 429) << "one subscriber";
  EXPECT_EQ(ask("/v1/keysets", "2001:db8:0:1::4"), 200);
  EXPECT_EQ(ask("/health", "198.51.100.1"), 200);
}

TEST_F(MintRefuses, Swaps) {
  const Proofs inputs = sats({8, 4});
  const auto good = mint_.drafts("sat", {8, 4});
  EXPECT_EQ(code("/v1/swap", "{"), 10000);
  EXPECT_EQ(code("/v1/swap", "{}"), 10000);
  EXPECT_EQ(code("/v1/swap", R"({"inputs":[],"outputs":[]})"), 10000);
  EXPECT_EQ(swap(inputs, mint_.drafts("sat", {8, 2})), 11005);
  EXPECT_EQ(swap(inputs, mint_.drafts("sat", {8, 8})), 11005);
  EXPECT_EQ(swap({inputs[0], inputs[0]}, mint_.drafts("sat", {8, 8})), 11007);
  auto other_c = inputs[0];
  other_c.c = inputs[1].c;
  EXPECT_EQ(swap({inputs[0], other_c}, mint_.drafts("sat", {8, 8})), 11007)
      << "the same secret is the same proof";
  EXPECT_EQ(swap(inputs, {good[0], good[0]}), 11008);
  EXPECT_EQ(swap({other_c}, mint_.drafts("sat", {8})), 10001);
  auto raised = inputs[1];
  raised.amount = 8;
  EXPECT_EQ(swap({raised}, mint_.drafts("sat", {8})), 10001) << "an amount that was not signed";
  auto odd = inputs[0];
  odd.amount = 3;
  EXPECT_EQ(swap({odd}, mint_.drafts("sat", {2, 1})), 10001);
  EXPECT_EQ(swap({inputs[0]}, {mint_.draft("sat", 5), mint_.draft("sat", 3)}), 11006)
      << "the keyset has no such key";
  EXPECT_EQ(swap({inputs[0]}, mint_.drafts("mana", {8})), 11010);
  auto unknown = good;
  unknown[0].message.id = *cashu::KeysetId::from_hex("00ffffffffffffff");
  EXPECT_EQ(swap(inputs, unknown), 12001);
  EXPECT_EQ(swap(sats(Amounts(10, 1)), mint_.drafts("sat", Amounts(21, 1))), 11015);
  Proofs many = sats(Amounts(15, 1));
  const Proofs more = sats(Amounts(15, 1));
  many.insert(many.end(), more.begin(), more.end());
  EXPECT_EQ(swap(many, mint_.drafts("sat", {16, 8, 4, 2})), 11014);
  const Proofs mana = mint_.buy("mana", Amounts{8});
  EXPECT_EQ(swap({inputs[0], mana[0]}, mint_.drafts("sat", {16})), 11009);
  EXPECT_EQ(swap(mana, mint_.drafts("mana", {8})), 11005) << "the fee is missing";
  EXPECT_EQ(mint_.unspent(inputs), 12U) << "nothing was spent so far";

  ASSERT_EQ(swap(inputs, good), 0);
  EXPECT_EQ(swap(inputs, mint_.drafts("sat", {8, 4})), 11001);
  EXPECT_EQ(swap(inputs, mint_.drafts("sat", {8})), 11005) << "the balance comes before the spent check";
  EXPECT_EQ(swap(sats({8, 4}), good), 11003);
  EXPECT_EQ(swap(mana, mint_.drafts("mana", {4, 2, 1})), 0) << "8 less the fee of 1";
}

TEST_F(MintRefuses, MintQuotesAndMints) {
  const std::string quotes = "/v1/mint/quote/bolt11";
  EXPECT_EQ(code(quotes, R"({"unit":"gold","amount":1})"), 11013);
  EXPECT_EQ(code(quotes, R"({"unit":"loot","amount":1})"), 20003);
  EXPECT_EQ(code(quotes, R"({"unit":"sat","amount":0})"), 11006);
  EXPECT_EQ(code(quotes, R"({"unit":"sat","amount":1001})"), 11006);
  EXPECT_EQ(code(quotes, R"({"unit":"sat","amount":1.5})"), 10000);
  EXPECT_EQ(code(quotes, R"({"unit":"sat","amount":-1})"), 10000);
  EXPECT_EQ(code(quotes, R"({"unit":"sat","amount":1e2})"), 10000);
  EXPECT_EQ(code(quotes, R"({"unit":"sat","amount":1,"pubkey":"02zz"})"), 10000);
  EXPECT_EQ(MintHouse::code_of(mint_.get(quotes + "/nothing")), 20000);
  EXPECT_EQ(code("/v1/mint/bolt11", mint_body("nothing", mint_.drafts("sat", {1}))), 20000);

  const std::string quote = mint_.paid_quote("sat", 12);
  EXPECT_EQ(code("/v1/mint/bolt11", mint_body(quote, mint_.drafts("sat", {8, 8}))), 11005);
  EXPECT_EQ(code("/v1/mint/bolt11", mint_body(quote, mint_.drafts("mana", {8, 4}))), 11010);
  const auto part = mint_.drafts("sat", {8});
  EXPECT_EQ(code("/v1/mint/bolt11", mint_body(quote, part)), 0) << "a part of what was paid";
  EXPECT_EQ(code("/v1/mint/bolt11", mint_body(quote, mint_.drafts("sat", {8}))), 11005) << "only 4 are left";
  EXPECT_EQ(code("/v1/mint/bolt11", mint_body(quote, mint_.drafts("sat", {4}))), 0);
  EXPECT_EQ(code("/v1/mint/bolt11", mint_body(quote, mint_.drafts("sat", {4}))), 20002);
  EXPECT_EQ(code("/v1/mint/bolt11", mint_body(mint_.paid_quote("sat", 8), part)), 11003);
  EXPECT_EQ(code("/v1/mint/bolt11", mint_body(quote, part)), 0) << "the first request again";
}

TEST_F(MintRefuses, LockedQuotes) {
  const crypto::SecretKey key = crypto::SecretKey::generate(system_random());
  const std::string body =
      fmt::format(R"({{"unit":"sat","amount":4,"pubkey":"{}"}})", key.public_key().hex());
  const std::string quote = member(mint_.post("/v1/mint/quote/bolt11", body).body, "quote");
  ASSERT_TRUE(eventually(
      [&] { return member(mint_.get("/v1/mint/quote/bolt11/" + quote).body, "state") == "PAID"; }));
  const auto outputs = mint_.drafts("sat", {4});
  const std::vector<cashu::BlindedMessage> messages{outputs[0].message};
  EXPECT_EQ(code("/v1/mint/bolt11", mint_body(quote, outputs)), 20008);
  const crypto::SecretKey other = crypto::SecretKey::generate(system_random());
  EXPECT_EQ(code("/v1/mint/bolt11", mint_body(quote, outputs, cashu::sign_quote(other, quote, messages))),
            20008);
  const std::vector<cashu::BlindedMessage> none;
  EXPECT_EQ(code("/v1/mint/bolt11", mint_body(quote, outputs, cashu::sign_quote(key, quote, none))), 20008);
  EXPECT_EQ(code("/v1/mint/bolt11", mint_body(quote, outputs, cashu::sign_quote(key, quote, messages, true))),
            0)
      << "the legacy form";
}

TEST_F(MintRefuses, Melts) {
  const std::string quotes = "/v1/melt/quote/bolt11";
  const std::string invoice = MintHouse::foreign_invoice(10);
  const auto quote_for = [&](const std::string& request, const std::string& unit = "sat") {
    return mint_.post(quotes, R"({"unit":")" + unit + R"(","request":")" + request + "\"}");
  };
  EXPECT_EQ(MintHouse::code_of(quote_for("lnbc1nothing")), 10000);
  EXPECT_EQ(MintHouse::code_of(quote_for(invoice, "gold")), 11013);
  EXPECT_EQ(MintHouse::code_of(quote_for(MintHouse::foreign_invoice(1001))), 11006);
  EXPECT_EQ(MintHouse::code_of(mint_.get(quotes + "/nothing")), 20000);
  const std::string quote = member(quote_for(invoice).body, "quote");
  const Proofs inputs = sats({8, 4, 2});  // 10, 1 in reserve
  EXPECT_EQ(code("/v1/melt/bolt11", melt_body("nothing", inputs)), 20000);
  EXPECT_EQ(code("/v1/melt/bolt11", melt_body(quote, {inputs[0], inputs[2]})), 11005)
      << "the reserve is missing";
  EXPECT_EQ(code("/v1/melt/bolt11", melt_body(quote, mint_.buy("mana", Amounts{64}))), 11010);
  EXPECT_EQ(mint_.unspent(inputs), 14U);

  const auto blanks = mint_.drafts("sat", {1, 1, 1});
  const auto paid = mint_.post("/v1/melt/bolt11", melt_body(quote, inputs, blanks));
  ASSERT_EQ(paid.status, 200) << paid.body;
  EXPECT_EQ(member(paid.body, "state"), "PAID");
  const Proofs change = mint_.unblind(paid.body, blanks, "sat");
  EXPECT_EQ(mint_.unspent(change), 4U) << "14 less the 10 that were paid";
  EXPECT_EQ(mint_.post("/v1/melt/bolt11", melt_body(quote, inputs, blanks)).body, paid.body) << "a retry";
  EXPECT_EQ(code("/v1/melt/bolt11", melt_body(quote, sats({8, 4}))), 20006);
  const std::string again = member(quote_for(invoice).body, "quote");
  EXPECT_EQ(code("/v1/melt/bolt11", melt_body(again, sats({8, 4}))), 20006)
      << "the same invoice by another quote";

  EXPECT_EQ(code("/v1/restore", R"({"outputs":[{}]})"), 10000);
  EXPECT_EQ(code("/v1/checkstate", R"({"Ys":["02"]})"), 10000);
  EXPECT_EQ(code("/v1/checkstate", "{\"Ys\":[" + std::string(20, '1') + "]}"), 10000);
}

TEST_F(MintRefuses, UnknownKeysetsAndPaths) {
  const auto keys = mint_.get("/v1/keys/00ffffffffffffff");
  EXPECT_EQ(keys.status, 400);
  EXPECT_EQ(MintHouse::code_of(keys), 12001);
  EXPECT_EQ(mint_.get("/v1/nothing").status, 404);
}

TEST(MintPays, ItsOwnInvoiceThroughTheNode) {
  MintHouse mint({.toml = "auto_pay = false\n", .auth = "", .environment = {}});
  // The first money comes from a house whose invoices pay themselves.
  mint.configure("");
  mint.restart();
  const Proofs sat = mint.buy("sat", Amounts{16, 4});
  mint.configure("auto_pay = false\n");
  mint.restart();
  const auto quote = mint.post("/v1/mint/quote/bolt11", R"({"unit":"mana","amount":100})");
  const std::string id = member(quote.body, "quote");
  const std::string request = R"({"unit":"sat","request":")" + member(quote.body, "request") + "\"}";
  const std::string melt = member(mint.post("/v1/melt/quote/bolt11", request).body, "quote");
  const auto paid = mint.post("/v1/melt/bolt11", melt_body(melt, sat));
  EXPECT_EQ(member(paid.body, "state"), "PAID") << paid.body;
  EXPECT_TRUE(
      eventually([&] { return member(mint.get("/v1/mint/quote/bolt11/" + id).body, "state") == "PAID"; }));
  const auto outputs = mint.drafts("mana", {64, 32, 4});
  const auto minted = mint.post("/v1/mint/bolt11", mint_body(id, outputs));
  ASSERT_EQ(minted.status, 200) << minted.body;
  EXPECT_EQ(mint.unspent(mint.unblind(minted.body, outputs, "mana")) * 200,
            static_cast<std::uint64_t>(mint.book_msat()));
}

TEST(MintRotates, KeysetsOfVersionOneWorkToo) {
  MintHouse mint({.toml = "[keysets]\nid_version = 1\n", .auth = "", .environment = {}});
  EXPECT_EQ(mint.keyset("sat").id.bytes().size(), 8U);
  const Proofs proofs = mint.buy("sat", Amounts{8});
  EXPECT_EQ(mint.post("/v1/swap", swap_body(proofs, mint.drafts("sat", {4, 4}))).status, 200);
}

TEST(MintStarts, WithOneLineForEachThingInItsWay) {
  MintHouse mint;
  const auto line_of = [&](const std::string& data, const std::string& toml) {
    const std::string config = mint.folder() + "/other.toml";
    std::ofstream(config) << toml;
    const std::string out = mint.folder() + "/out";
    std::ofstream(out, std::ios::trunc);
    Process process("manastr-mint", {{"--config", config, "--data", data}, {}, out});
    EXPECT_EQ(process.wait(), 1);
    return read_file(out);
  };
  const std::string used = std::to_string(mint.daemon().port());
  EXPECT_NE(line_of(mint.folder() + "/second", "[server]\nport = " + used + "\n").find(used),
            std::string::npos)
      << "port in use";
  EXPECT_NE(line_of(mint.folder() + "/data", "").find("already used by process"), std::string::npos);
  EXPECT_NE(
      line_of(mint.folder() + "/second", "[server]\nhost = \"0.0.0.0\"\nport = 0\n").find("allow_play_money"),
      std::string::npos);
  EXPECT_NE(line_of(mint.folder() + "/second", "[lightning]\nbackend = \"lnd\"\n").find("lnd"),
            std::string::npos);
}

TEST(MintStops, WithinFiveSecondsAndExitCodeZero) {
  MintHouse mint;
  mint.buy("sat", Amounts{1});
  mint.daemon().process().signal(SIGTERM);
  EXPECT_EQ(mint.daemon().process().wait(std::chrono::seconds(6)), 0);
}

TEST(MintRotates, AFeeNeverChangesUnderAKeyset) {
  MintHouse mint({.toml = "[currencies.sat]\ninput_fee_ppk = 0\n", .auth = "", .environment = {}});
  const cashu::Keyset old_keyset = mint.keyset("sat");
  const Proofs proofs = mint.buy("sat", Amounts{8, 8});
  const auto prepared = mint.drafts("sat", {8});
  const std::string before = swap_body({proofs[0]}, prepared);
  const auto reply = mint.post("/v1/swap", before);
  ASSERT_EQ(reply.status, 200);

  mint.configure("[currencies.sat]\ninput_fee_ppk = 1000\n");
  mint.restart();
  EXPECT_EQ(MintHouse::code_of(mint.post("/v1/swap", swap_body({proofs[1]}, {mint.draft("sat", 8)}))), 12002);
  EXPECT_EQ(mint.post("/v1/swap", before).body, reply.body) << "a retry from before the rotation";
  mint.forget_keysets();
  EXPECT_NE(mint.keyset("sat").id, old_keyset.id);
  EXPECT_EQ(mint.keyset("sat").input_fee_ppk, 1000U);
  EXPECT_EQ(mint.post("/v1/swap", swap_body({proofs[1]}, mint.drafts("sat", {8}))).status, 200)
      << "the old keyset's fee is 0";
}

TEST(MintRotates, AnotherMnemonicThanTheLedgersIsRefused) {
  MintHouse mint;
  mint.daemon().process().kill();
  const std::string path = mint.folder() + "/data/mnemonic";
  std::ofstream(path)
      << "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about\n";
  Process process("manastr-mint",
                  {{"--config", mint.folder() + "/mint.toml", "--data", mint.folder() + "/data"},
                   mint.environment(),
                   mint.folder() + "/out"});
  EXPECT_EQ(process.wait(), 1);
  EXPECT_NE(read_file(mint.folder() + "/out").find("mnemonic"), std::string::npos);
}

TEST(MintRotates, APriceThatWouldBreakTheMintIsRefused) {
  MintHouse mint({.toml = "[currencies.mana]\nprice_msat = 200\n", .auth = "", .environment = {}});
  mint.buy("mana", Amounts{64});
  mint.daemon().process().kill();
  mint.configure("[currencies.mana]\nprice_msat = 400\n");
  Process process("manastr-mint",
                  {{"--config", mint.folder() + "/mint.toml", "--data", mint.folder() + "/data"},
                   mint.environment(),
                   mint.folder() + "/out"});
  EXPECT_EQ(process.wait(), 1);
  EXPECT_NE(read_file(mint.folder() + "/out").find("price_msat"), std::string::npos);
  mint.configure("[currencies.mana]\nprice_msat = 100\n");
  EXPECT_NO_THROW(mint.restart());
}

}  // namespace
}  // namespace manastr::test
