// Every code of error_codes.md that this mint can be asked into, each by a request that is wrong in that one
// thing; and of two faults the one that is looked for first.
// Rooms: common/mintclient common/cashu lightning
// Databases: both
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>

#include "common/cashu/conditions.h"
#include "common/cashu/quote_signature.h"
#include "common/json/reader.h"
#include "lightning/bolt11.h"
#include "mint_house.h"

namespace manastr::test {
namespace {

using Amounts = std::vector<cashu::Amount>;
using Proofs = std::vector<cashu::Proof>;
using mintclient::HttpReply;

constexpr const char* kUnits =
    "payment_timeout_seconds = 1\nmelt_quote_expiry_seconds = 3600\n"
    "[limits]\nmax_inputs = 4\nmax_outputs = 4\nmax_batch_quotes = 2\n[keysets]\nid_version = 1\n"
    "[currencies.sat]\nmax_amount = 1000\nfee_reserve = 1.0\n"
    "[currencies.mana]\ninput_fee_ppk = 1000\n"
    "[currencies.old]\n"
    "[currencies.loot]\nissued_by = [\"engine\"]\nmeltable = false\n";

std::string script(const std::string& state) {
  return fmt::format(
      R"({{"pay_invoice_state":"{0}","check_payment_state":"{0}","pay_err":false,"check_err":false}})",
      state);
}

class MintCodes : public testing::Test {
 protected:
  HttpReply swap(const Proofs& inputs, const std::vector<Draft>& outputs) {
    return mint_.post("/v1/swap", swap_body(inputs, outputs));
  }
  HttpReply mint(const std::string& quote, const std::vector<Draft>& outputs,
                 const std::string& signature = "") {
    return mint_.post("/v1/mint/bolt11", mint_body(quote, outputs, signature));
  }
  HttpReply melt(const std::string& quote, const Proofs& inputs, const std::vector<Draft>& blanks = {}) {
    return mint_.post("/v1/melt/bolt11", melt_body(quote, inputs, blanks));
  }
  HttpReply batch(const std::string& quotes, const std::vector<Draft>& outputs) {
    return mint_.post("/v1/mint/bolt11/batch",
                      R"({"quotes":[)" + quotes + R"(],"outputs":)" + outputs_json(outputs) + "}");
  }
  HttpReply ask_mint(const std::string& unit, const std::string& amount) {
    return mint_.post("/v1/mint/quote/bolt11", R"({"unit":")" + unit + R"(","amount":)" + amount + "}");
  }
  HttpReply ask_melt(const std::string& invoice, const std::string& unit = "sat",
                     const std::string& more = "") {
    return mint_.post("/v1/melt/quote/bolt11",
                      R"({"unit":")" + unit + R"(","request":")" + invoice + "\"" + more + "}");
  }
  std::string melt_quote(const std::string& description = "", std::uint64_t sat = 2) {
    return member(ask_melt(MintHouse::foreign_invoice(sat, description)).body, "quote");
  }
  static std::string invoice_of(std::optional<lightning::Msat> amount, Seconds age = Seconds{0}) {
    lightning::Bolt11 invoice;
    invoice.amount = amount;
    invoice.timestamp = system_clock().now_seconds() - age;
    invoice.payment_hash = system_random().bytes<32>();
    invoice.payment_secret = system_random().bytes<32>();
    invoice.features = {0x41, 0x00};
    return *lightning::encode_bolt11(invoice, crypto::SecretKey::generate(system_random()));
  }
  Proofs buy(const Amounts& amounts, const std::string& unit = "sat") { return mint_.buy(unit, amounts); }
  std::vector<Draft> drafts(const Amounts& amounts, const std::string& unit = "sat") {
    return mint_.drafts(unit, amounts);
  }
  Proofs spent(const Amounts& amounts) {
    const Proofs out = buy(amounts);
    EXPECT_EQ(swap(out, drafts(amounts)).status, 200);
    return out;
  }
  /// Locked by a payment that never ends, with `blanks`.
  Proofs locked(const std::vector<Draft>& blanks = {}) {
    const Proofs out = buy({4});
    EXPECT_EQ(member(melt(melt_quote(script("UNKNOWN")), out, blanks).body, "state"), "PENDING");
    return out;
  }
  static Proofs forged(Proofs proofs) {
    proofs[0].c = crypto::SecretKey::generate(system_random()).public_key().bytes();
    return proofs;
  }
  /// Locked to a key, without its signature.
  Proofs unsigned_p2pk(cashu::Amount amount) {
    const std::string secret =
        fmt::format(R"(["P2PK",{{"nonce":"{}","data":"{}"}}])", to_hex(system_random().bytes<16>()),
                    crypto::SecretKey::generate(system_random()).public_key().hex());
    return mint_.buy("sat", std::vector<Draft>{mint_.draft("sat", amount, secret)});
  }
  /// Outputs of a keyset that no mint has.
  std::vector<Draft> unknown_keyset(const Amounts& amounts) {
    auto out = drafts(amounts);
    out[0].message.id = *cashu::KeysetId::from_hex("00ffffffffffffff");
    return out;
  }
  static Proofs join(Proofs a, const Proofs& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
  }

  struct Row {
    int code;
    const char* what;
    HttpReply reply;
  };
  static void expect(const std::vector<Row>& rows) {
    for (const Row& row : rows) {
      EXPECT_EQ(MintHouse::code_of(row.reply), row.code) << row.what << ": " << row.reply.body;
      EXPECT_EQ(row.reply.status, 400) << row.what;
      EXPECT_FALSE(member(row.reply.body, "detail").empty()) << row.what;
    }
  }

  MintHouse mint_{{.toml = kUnits, .auth = "", .environment = {}}};
};

TEST_F(MintCodes, EachForItsFault) {
  const Proofs of_old = buy({4}, "old");
  const auto old_outputs = drafts({4}, "old");
  const std::string old_quote = mint_.paid_quote("old", 4);
  mint_.daemon().process().kill();
  mint_.expire_keyset(of_old[0].id.hex());
  mint_.restart();
  // And inactive ones: ids of version 2 from now on.
  const auto inactive = drafts({2}, "mana");
  const Proofs mana = buy({8}, "mana");
  mint_.configure(
      "payment_timeout_seconds = 1\n[limits]\nmax_inputs = 4\nmax_outputs = 4\n"
      "max_batch_quotes = 2\n[keysets]\nid_version = 1\n"
      "[currencies.sat]\nmax_amount = 1000\nfee_reserve = 1.0\n"
      "[currencies.mana]\ninput_fee_ppk = 0\n[currencies.old]\n"
      "[currencies.loot]\nissued_by = [\"engine\"]\nmeltable = false\n");
  mint_.restart();
  mint_.forget_keysets();

  const auto good = drafts({4, 2});
  const Proofs inputs = buy({4, 2});
  const auto blanks = drafts({1});
  const Proofs pending = locked(blanks);
  const Proofs gone = spent({4, 2});
  const auto used = drafts({4});
  ASSERT_EQ(swap(buy({4}), used).status, 200);
  const std::string paid = mint_.paid_quote("sat", 4);
  const std::string issued = mint_.paid_quote("sat", 4);
  ASSERT_EQ(mint(issued, drafts({4})).status, 200);
  const crypto::SecretKey key = crypto::SecretKey::generate(system_random());
  const std::string locked_quote =
      member(mint_
                 .post("/v1/mint/quote/bolt11",
                       R"({"unit":"sat","amount":4,"pubkey":")" + key.public_key().hex() + "\"}")
                 .body,
             "quote");
  ASSERT_TRUE(eventually(
      [&] { return member(mint_.get("/v1/mint/quote/bolt11/" + locked_quote).body, "state") == "PAID"; }));
  const std::string settled = MintHouse::foreign_invoice(2);
  const std::string second = member(ask_melt(settled).body, "quote");
  const std::string first = member(ask_melt(settled).body, "quote");
  ASSERT_EQ(member(melt(first, buy({4})).body, "state"), "PAID");
  const std::string hanging = MintHouse::foreign_invoice(2, script("PENDING"));
  const std::string waits = member(ask_melt(hanging).body, "quote");
  const std::string follows = member(ask_melt(hanging).body, "quote");
  ASSERT_EQ(member(melt(waits, buy({4})).body, "state"), "PENDING");

  std::vector<Row> rows{
      {10001, "a proof that was never signed", swap(forged(inputs), good)},
      {10001, "a lock without its signature", swap(unsigned_p2pk(4), drafts({4}))},
      {10001, "a proof that was never signed, melted", melt(melt_quote(), forged(buy({4})))},
      {11001, "spent", swap(gone, good)},
      {11001, "spent, melted", melt(melt_quote(), Proofs{gone[0]})},
      {11002, "locked by a payment", swap(pending, drafts({4}))},
      {11002, "locked by a payment, melted again", melt(melt_quote(), pending)},
      {11003, "signed before", swap(Proofs{inputs[0]}, used)},
      {11003, "signed before, minted", mint(paid, used)},
      {11003, "signed before, as change", melt(melt_quote(), Proofs{inputs[0]}, used)},
      {11004, "reserved for change", swap(buy({1}), blanks)},
      {11004, "reserved for change, minted", mint(mint_.paid_quote("sat", 1), blanks)},
      {11005, "outputs of less", swap(inputs, drafts({4, 1}))},
      {11005, "outputs of more", swap(inputs, drafts({4, 4}))},
      {11005, "no fee left over", swap(mana, drafts({8}, "mana"))},
      {11005, "more than was paid", mint(paid, drafts({8}))},
      {11005, "no reserve", melt(melt_quote(), buy({2}))},
      {11005, "a batch of less than was paid", batch("\"" + paid + "\"", drafts({2}))},
      {11006, "a quote of nothing", ask_mint("sat", "0")},
      {11006, "a quote above the limit", ask_mint("sat", "1001")},
      {11006, "a melt above the limit", ask_melt(invoice_of(1'001'000))},
      {11006, "an output of nothing", swap(Proofs{inputs[0]}, drafts({4, 0}))},
      {11007, "one proof twice", swap(Proofs{inputs[0], inputs[0]}, drafts({8}))},
      {11008, "one output twice", swap(inputs, {good[0], good[0]})},
      {11008, "one output twice, minted", mint(paid, {good[0], good[0]})},
      {11008, "one output twice, as change", melt(melt_quote(), Proofs{inputs[0]}, {good[0], good[0]})},
      {11009, "inputs of two units", swap(join({inputs[0]}, buy({4}, "mana")), drafts({8}))},
      {11009, "outputs of two units", swap(inputs, {drafts({4})[0], drafts({2}, "mana")[0]})},
      {11009, "quotes of two units",
       batch("\"" + paid + "\",\"" + mint_.paid_quote("mana", 4) + "\"", drafts({8}))},
      {11010, "outputs of another unit", swap(inputs, drafts({4, 2}, "mana"))},
      {11010, "outputs of another unit than the quote", mint(paid, drafts({4}, "mana"))},
      {11010, "inputs of another unit than the quote", melt(melt_quote(), buy({64}, "mana"))},
      {11010, "change of another unit", melt(melt_quote(), Proofs{inputs[0]}, drafts({1}, "mana"))},
      {11011, "no amount anywhere", ask_melt(invoice_of(std::nullopt))},
      {11011, "a part of no amount",
       ask_melt(invoice_of(std::nullopt), "sat", R"(,"options":{"mpp":{"amount":1000}})")},
      {11012, "another amount than the invoice's",
       ask_melt(invoice_of(2'000), "sat", R"(,"options":{"amountless":{"amount_msat":1000}})")},
      {11012, "a part above the whole",
       ask_melt(invoice_of(2'000), "sat", R"(,"options":{"mpp":{"amount":2001}})")},
      {11013, "no such unit to mint", ask_mint("gold", "1")},
      {11013, "no such unit to melt", ask_melt(invoice_of(2'000), "gold")},
      {11013, "a unit that is not melted", ask_melt(invoice_of(2'000), "loot")},
      {11014, "too many inputs", swap(join(join(buy({1, 1}), buy({1, 1})), buy({1})), drafts({1, 4}))},
      {11015, "too many outputs", swap(inputs, drafts({1, 1, 1, 1, 2}))},
      {11015, "too many outputs, minted", mint(paid, drafts({1, 1, 1, 1, 1}))},
      {11016, "one quote twice", batch("\"" + paid + "\",\"" + paid + "\"", drafts({8}))},
      {11017, "too many quotes", batch(R"("a","b","c")", drafts({8}))},
      {12001, "no such keyset", swap(inputs, unknown_keyset({4, 2}))},
      {12001, "no such keyset, asked for", mint_.get("/v1/keys/00ffffffffffffff")},
      {12001, "no such keyset, minted", mint(paid, unknown_keyset({4}))},
      {12002, "outputs of a rotated keyset", swap(buy({2}, "mana"), inactive)},
      {12002, "outputs of a rotated keyset, minted", mint(mint_.paid_quote("mana", 2), inactive)},
      {12003, "inputs of an expired keyset", swap(of_old, old_outputs)},
      {12003, "outputs of an expired keyset", mint(old_quote, old_outputs)},
      {20002, "issued before", mint(issued, drafts({4}))},
      {20002, "issued before, in a batch", batch("\"" + issued + "\"", drafts({4}))},
      {20003, "a unit that Lightning doesn't issue", ask_mint("loot", "1")},
      {20004, "a payment that failed", melt(melt_quote(script("FAILED")), buy({4}))},
      {20005, "an invoice under way", melt(follows, buy({4}))},
      {20005, "a quote under way, with other inputs", melt(waits, buy({4}))},
      {20006, "an invoice paid before", melt(second, buy({4}))},
      {20006, "a quote paid before, with other inputs", melt(first, buy({4}))},
      {20007, "an invoice that has expired", ask_melt(invoice_of(2'000, Seconds{86'400}))},
      {20008, "no signature", mint(locked_quote, drafts({4}))},
      {20008, "not over these outputs",
       mint(locked_quote, drafts({4}), cashu::sign_quote(key, locked_quote, {}))},
      {20008, "no signature, in a batch", batch("\"" + locked_quote + "\"", drafts({4}))},
  };
  mint_.configure("auto_pay = false\nmelt_quote_expiry_seconds = 1\n[currencies.sat]\n");
  mint_.restart();
  rows.push_back({20001, "not paid", mint(member(ask_mint("sat", "4").body, "quote"), drafts({4}))});
  const std::string brief = melt_quote();
  const std::int64_t expiry = std::stoll(member(mint_.get("/v1/melt/quote/bolt11/" + brief).body, "expiry"));
  ASSERT_TRUE(eventually([&] { return count(system_clock().now_seconds()) >= expiry; }));
  rows.push_back({20007, "a melt quote that has expired", melt(brief, Proofs{inputs[0]})});
  expect(rows);

  // error_codes.md, without those of methods and authentication that this mint has not (20009, 3xxxx).
  for (const int code : {10001, 11001, 11002, 11003, 11004, 11005, 11006, 11007, 11008, 11009,
                         11010, 11011, 11012, 11013, 11014, 11015, 11016, 11017, 12001, 12002,
                         12003, 20001, 20002, 20003, 20004, 20005, 20006, 20007, 20008}) {
    EXPECT_TRUE(std::ranges::any_of(rows, [&](const Row& row) { return row.code == code; })) << code;
  }
  EXPECT_EQ(mint_.unspent(inputs), 6U) << "none of it changed anything";
}

/// Shape, amounts and duplicates, keysets and units, balance; then what the ledger knows; then conditions
/// and signatures.
TEST_F(MintCodes, OfTwoFaultsTheFirst) {
  const Proofs gone = spent({4, 2});
  const Proofs fresh = buy({4, 2});
  const auto used = drafts({4, 2});
  ASSERT_EQ(swap(buy({4, 2}), used).status, 200);
  const Proofs pending = locked();
  const std::string quote = melt_quote();
  const std::string issued = mint_.paid_quote("sat", 4);
  ASSERT_EQ(mint(issued, drafts({4})).status, 200);
  expect({
      {10000, "shape before all", mint_.post("/v1/swap", R"({"inputs":)" + inputs_json(gone) + "}")},
      {11014, "number before duplicates", swap(Proofs(5, gone[0]), drafts({4}))},
      {11007, "duplicates before balance", swap(Proofs{fresh[0], fresh[0]}, drafts({1}))},
      {11007, "duplicates before spent", swap(Proofs{gone[0], gone[0]}, drafts({8}))},
      {12001, "keyset before balance", swap(fresh, unknown_keyset({1}))},
      {11010, "unit before balance", swap(fresh, drafts({1}, "mana"))},
      {11005, "balance before spent", swap(gone, drafts({4}))},
      {11005, "balance before pending", swap(pending, drafts({1}))},
      {11005, "balance before signed outputs", swap(fresh, {used[0]})},
      {11005, "balance before a forged proof", swap(forged(fresh), drafts({4}))},
      {11001, "spent before signed outputs", swap(gone, used)},
      {11001, "spent before a forged proof", swap(join({gone[0]}, forged({fresh[1]})), drafts({4, 2}))},
      {11001, "spent before a lock's witness", swap(join({gone[0]}, unsigned_p2pk(2)), drafts({4, 2}))},
      {11002, "pending before a lock's witness", swap(join(pending, unsigned_p2pk(2)), drafts({4, 2}))},
      {11003, "signed outputs before a forged proof", swap(forged(fresh), used)},
      {20000, "the quote before the inputs", melt("nothing", gone)},
      {11010, "unit before balance, melted", melt(quote, buy({2}, "mana"))},
      {11005, "balance before spent, melted", melt(quote, Proofs{gone[1]})},
      {11001, "spent before a forged proof, melted", melt(quote, join({gone[0]}, forged({fresh[1]})))},
      {11008, "duplicates before the quote's state", mint(issued, {used[0], used[0]})},
      {20002, "the quote's state before balance", mint(issued, drafts({8}))},
      {20002, "the quote's state before signed outputs", mint(issued, {used[0]})},
  });
  EXPECT_EQ(mint_.unspent(fresh), 6U);
}

}  // namespace
}  // namespace manastr::test
