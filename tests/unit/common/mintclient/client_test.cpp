#include "common/mintclient/client.h"

#include <gtest/gtest.h>

#include "tests/support/simulated_mint.h"

namespace manastr::mintclient {
namespace {

using test::SimulatedMint;

/// Answers everything with one reply, and keeps the last request.
class CannedTransport : public Transport {
 public:
  Result<HttpReply> reply;
  HttpRequest last;
  void send(HttpRequest request, OnReply on_reply) override {
    last = std::move(request);
    on_reply(reply);
  }
};

struct Canned {
  std::shared_ptr<CannedTransport> transport = std::make_shared<CannedTransport>();
  std::shared_ptr<MintClient> client = MintClient::make("https://mint.example/path/", transport).value();
  void body(std::string text, int status = 200) { transport->reply = HttpReply{status, std::move(text)}; }
};

crypto::SecretKey key_of(Byte n) {
  ByteArray<32> scalar{};
  scalar[31] = n;
  return crypto::SecretKey::parse(scalar).value();
}
const cashu::KeysetId kId = *cashu::KeysetId::from_hex("009a1f293253e41e");
using Outputs = std::vector<cashu::BlindedMessage>;
Outputs outputs_of(std::initializer_list<cashu::Amount> amounts) {
  Outputs out;
  for (const auto amount : amounts) {
    out.push_back({amount, kId, key_of(static_cast<Byte>(out.size() + 1)).public_key()});
  }
  return out;
}
std::string signatures_for(const Outputs& outputs, std::string_view name = "signatures") {
  std::vector<cashu::BlindSignature> made;
  for (const auto& output : outputs)
    made.push_back({output.amount, output.id, output.b_blinded, std::nullopt});
  json::Value out;
  out.set(std::string(name), cashu::to_json(made));
  return out.dump();
}

TEST(MintUrl, IsHttpWithAHostAndNothingBehindThePath) {
  const auto make = [](std::string_view url) { return MintClient::make(url, nullptr); };
  EXPECT_EQ(make("https://m.example/x//").value()->mint_url(), "https://m.example/x");
  EXPECT_EQ(make("http://127.0.0.1:3338").value()->url("/v1/info"), "http://127.0.0.1:3338/v1/info");
  for (const char* url : {"", "ftp://m", "file:///etc/passwd", "https://", "m.example", "https://u:p@m",
                          "https://m?x=1", "https://m#f", "https://m /"}) {
    EXPECT_FALSE(make(url)) << url;
  }
}

TEST(Errors, ANutErrorIsRefusedWithItsCode) {
  Canned mint;
  mint.body(R"({"detail":"already\nspent","code":11001})", 400);
  const auto error = mint.client->swap({}, {}).error();
  EXPECT_EQ(error.kind, ErrorKind::refused);
  EXPECT_EQ(error.code, 11001);
  EXPECT_EQ(error.message, "the mint refused: already spent");
}

TEST(Errors, WhatIsUnknownIsUnavailable) {
  Canned mint;
  for (const int status : {429, 500, 502, 503, 504}) {
    mint.body(R"({"detail":"x","code":11001})", status);
    EXPECT_EQ(mint.client->info().error().kind, ErrorKind::unavailable) << status;
  }
  mint.transport->reply = unavailable("reset");
  EXPECT_EQ(mint.client->info().error().kind, ErrorKind::unavailable);
  mint.body("<html>");
  EXPECT_EQ(mint.client->info().error().kind, ErrorKind::unavailable);
}

TEST(Errors, OtherStatusesAndRedirectsAreRefused) {
  Canned mint;
  for (const int status : {301, 302, 400, 401, 403, 404, 422}) {
    mint.body("nothing", status);
    EXPECT_EQ(mint.client->info().error().kind, ErrorKind::refused) << status;
    EXPECT_EQ(mint.client->info().error().code, 0);
  }
}

TEST(Swap, WantsOneSignatureForEachOutputInOrder) {
  Canned mint;
  const auto outputs = outputs_of({1, 2, 4});
  mint.body(signatures_for(outputs));
  EXPECT_EQ(mint.client->swap({}, outputs).value().size(), 3U);
  EXPECT_EQ(mint.transport->last.url, "https://mint.example/path/v1/swap");
  for (const auto& wrong : {outputs_of({1, 2}), outputs_of({1, 2, 4, 8}), outputs_of({2, 1, 4})}) {
    mint.body(signatures_for(wrong));
    EXPECT_EQ(mint.client->swap({}, outputs).error().kind, ErrorKind::unavailable);
  }
  auto other = outputs;
  other[1].id = *cashu::KeysetId::from_hex("00456a94ab4e1c46");
  mint.body(signatures_for(other));
  EXPECT_FALSE(mint.client->swap({}, outputs));
}

TEST(Swap, SendsNoDleqOfItsInputs) {
  Canned mint;
  mint.body(R"({"signatures":[]})");
  cashu::Proof proof;
  proof.amount = 1;
  proof.id = kId;
  proof.secret = "a secret";
  proof.c = key_of(1).public_key().bytes();
  proof.dleq = cashu::ProofDleq{};
  ASSERT_TRUE(mint.client->swap({proof}, {}));
  EXPECT_EQ(mint.transport->last.body.find("dleq"), std::string::npos);
  EXPECT_NE(mint.transport->last.body.find(proof.secret), std::string::npos);
}

TEST(Quotes, StateFollowsTheAmountsWhereItIsMissing) {
  Canned mint;
  const auto state = [&](const std::string& members) {
    mint.body(R"({"quote":"q","request":"lnbc1","unit":"sat","amount":8)" + members + "}");
    return mint.client->mint_quote_state("q");
  };
  EXPECT_EQ(state(R"(,"state":"PAID")")->state, QuoteState::paid);
  EXPECT_EQ(state(R"(,"state":"PAID")")->amount_paid, 8U);
  EXPECT_EQ(state(R"(,"state":"ISSUED")")->amount_issued, 8U);
  EXPECT_EQ(state(R"(,"amount_paid":0,"amount_issued":0)")->state, QuoteState::unpaid);
  EXPECT_EQ(state(R"(,"amount_paid":8,"amount_issued":3)")->state, QuoteState::paid);
  EXPECT_EQ(state(R"(,"amount_paid":8,"amount_issued":8)")->state, QuoteState::issued);
  EXPECT_FALSE(state(R"(,"state":"PAID","pubkey":"")")->pubkey) << "as nutshell says that there is none";
  EXPECT_FALSE(state(""));
  EXPECT_FALSE(state(R"(,"state":"paid")"));
  EXPECT_FALSE(state(R"(,"state":"PAID","expiry":99999999999999999)"));
  mint.body(R"({"quote":"other","request":"lnbc1","state":"PAID"})");
  EXPECT_FALSE(mint.client->mint_quote_state("q"));
  mint.body(R"({"quote":"../q","request":"lnbc1","state":"PAID"})");
  EXPECT_FALSE(mint.client->mint_quote_state("../q"));
}

TEST(Quotes, AMintQuoteIsWhatWasAskedFor) {
  Canned mint;
  const MintQuoteRequest request{.unit = "mana", .amount = 8, .pubkey = key_of(1).public_key()};
  const auto ask = [&](const std::string& unit, const std::string& amount, const std::string& pubkey) {
    mint.body(R"({"quote":"q","request":"lnbc1","state":"UNPAID","unit":")" + unit + R"(","amount":)" +
              amount + R"(,"pubkey":")" + pubkey + "\"}");
    return mint.client->mint_quote(request).has_value();
  };
  EXPECT_TRUE(ask("mana", "8", key_of(1).public_key().hex()));
  EXPECT_FALSE(ask("sat", "8", key_of(1).public_key().hex()));
  EXPECT_FALSE(ask("mana", "9", key_of(1).public_key().hex()));
  EXPECT_FALSE(ask("mana", "8", key_of(2).public_key().hex()));
}

TEST(Melt, ChangeFitsTheBlankOutputs) {
  Canned mint;
  const auto blanks = outputs_of({1, 1, 1});
  const auto change = [&](const Outputs& made) {
    mint.body(R"({"quote":"q","amount":5,"fee_reserve":2,"state":"PAID",)" +
              signatures_for(made, "change").substr(1));
    return mint.client->melt("q", {}, blanks);
  };
  EXPECT_EQ(change(outputs_of({8, 2})).value().change.size(), 2U);
  EXPECT_FALSE(change(outputs_of({8, 4, 2, 1})));
  mint.body(R"({"quote":"q","amount":5,"state":"PENDING","change":null})");
  EXPECT_EQ(mint.client->melt("q", {}, blanks)->state, QuoteState::pending);
  EXPECT_GT(mint.transport->last.timeout, Millis(60'000));
}

TEST(CheckState, KeepsTheOrder) {
  Canned mint;
  const std::vector<crypto::PublicKey> ys = {key_of(1).public_key(), key_of(2).public_key()};
  const auto states = [&](Byte first, Byte second, const std::string& state) {
    mint.body(R"({"states":[{"Y":")" + key_of(first).public_key().hex() + R"(","state":")" + state +
              R"("},{"Y":")" + key_of(second).public_key().hex() +
              R"(","state":"PENDING","witness":"{}"}]})");
    return mint.client->checkstate(ys);
  };
  const auto good = states(1, 2, "SPENT").value();
  EXPECT_EQ(good[0].state, ProofState::spent);
  EXPECT_EQ(good[1].state, ProofState::pending);
  EXPECT_EQ(good[1].witness, "{}");
  EXPECT_FALSE(states(2, 1, "SPENT"));
  EXPECT_FALSE(states(1, 2, "LOST"));
}

TEST(Restore, GivesOnlyWhatWasAskedForInOrder) {
  Canned mint;
  const auto asked = outputs_of({1, 2, 4});
  const auto restored = [&](const Outputs& outputs) {
    json::Value body = json::parse(signatures_for(outputs)).value();
    body.set("outputs", cashu::to_json(outputs));
    mint.body(body.dump());
    return mint.client->restore(asked);
  };
  EXPECT_EQ(restored({asked[0], asked[2]}).value().signatures.size(), 2U);
  EXPECT_TRUE(restored({})->outputs.empty());
  EXPECT_FALSE(restored({asked[2], asked[0]}));
  EXPECT_FALSE(restored({asked[0], asked[0]}));
  EXPECT_FALSE(restored({{1, kId, key_of(9).public_key()}}));
}

TEST(Info, ListsWhatIsSupported) {
  Canned mint;
  mint.body(R"({"name":"a\u0007b","version":"x/1","pubkey":"zz","nuts":{"4":{"methods":[{"method":"bolt11",
    "unit":"mana","min_amount":1,"max_amount":null},{"unit":"x"}],"disabled":false},"5":{"methods":[{"method":"bolt11",
    "unit":"sat"}],"disabled":true},"7":{"supported":true},"9":{"supported":false},"x":1,"12":{"supported":true}},
    "max_array_length":10})");
  const MintInfo info = mint.client->info().value();
  EXPECT_EQ(info.name, "a b");
  EXPECT_TRUE(info.nuts.contains(7) && info.nuts.contains(12) && !info.nuts.contains(9));
  ASSERT_EQ(info.mint_methods.size(), 1U);
  EXPECT_EQ(info.mint_methods[0].min_amount, 1U);
  EXPECT_TRUE(info.melt_methods.empty());
  EXPECT_EQ(info.max_array_length, 10U);
  EXPECT_FALSE(info.pubkey);
}

TEST(Keysets, AreReadAndTheirIdsDerivedAgain) {
  auto mint = std::make_shared<SimulatedMint>();
  const auto id = mint->add_keyset("mana", 100);
  const auto client = MintClient::make(SimulatedMint::kUrl, mint).value();
  ASSERT_EQ(client->keysets().value().size(), 1U);
  EXPECT_EQ(client->keys(id).value().input_fee_ppk, 100U);
  mint->tamper = [](const std::string&, std::string& body) {
    body.replace(body.find("\"input_fee_ppk\":100"), 19, "\"input_fee_ppk\":0");
  };
  EXPECT_FALSE(client->keys(id));
}

TEST(Keysets, OfUnknownVersionsArePassedOver) {
  Canned mint;
  mint.body(
      R"({"keysets":[{"id":"I2yN+iRYfkzT","unit":"sat","active":false},{"id":"009a1f293253e41e","unit":"sat"}]})");
  EXPECT_EQ(mint.client->keysets().value().size(), 1U);
}

TEST(Raw, CarriesTheAuthorization) {
  Canned mint;
  mint.body("{}");
  EXPECT_EQ(mint.client->post("/game-engine/settle", "{\"a\":1}", "Nostr abc").value(), "{}");
  EXPECT_EQ(mint.transport->last.authorization, "Nostr abc");
  EXPECT_EQ(mint.transport->last.method, "POST");
  EXPECT_EQ(mint.client->get("/game-engine/verdicts/x", "").value(), "{}");
  EXPECT_EQ(mint.transport->last.body, "");
}

}  // namespace
}  // namespace manastr::mintclient
