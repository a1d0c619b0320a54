#include "player/wallet.h"

#include <filesystem>

#include "common/cashu/conditions.h"
#include "tests/unit/player/wallet_fixture.h"

namespace manastr::player {
namespace {

TEST_F(WalletTest, MintsAPaidQuoteOnce) {
  auto wallet = open();
  const auto quote = must(wallet->request_mint("mana", 100));
  EXPECT_FALSE(must(wallet->mint_paid(quote.id)).minted);
  EXPECT_EQ(must(wallet->open_mint_quotes()).size(), 1U);
  mint->pay(quote.id);
  EXPECT_TRUE(must(wallet->mint_paid(quote.id)).minted);
  EXPECT_TRUE(must(wallet->mint_paid(quote.id)).minted);
  EXPECT_EQ(must(wallet->balance("mana")).available, 100U);
  EXPECT_EQ(mint->requests["/v1/mint/bolt11"], 1);
  EXPECT_TRUE(must(wallet->open_mint_quotes()).empty());
  EXPECT_FALSE(wallet->mint_paid("mint-999"));
  EXPECT_FALSE(wallet->request_mint("gold", 1));
}

TEST_F(WalletTest, AQuotePaidWhileNobodyLookedIsMintedOnResuming) {
  auto wallet = open();
  must(wallet->request_mint("mana", 7));
  const auto quote = must(wallet->request_mint("mana", 100));
  EXPECT_EQ(must(wallet->resume()).finished, 0U);
  mint->pay(quote.id);
  wallet = open();
  EXPECT_EQ(must(wallet->resume()).finished, 1U);
  EXPECT_EQ(must(wallet->balance("mana")).available, 100U);
  EXPECT_EQ(must(wallet->open_mint_quotes()).size(), 1U);
}

TEST_F(WalletTest, ReopenedItHoldsTheSame) {
  fund(*open(), 77);
  EXPECT_EQ(must(open()->balance("mana")).available, 77U);
}

TEST_F(WalletTest, AFileOfAnotherMintOrSeedIsRefused) {
  open();
  const auto client = must(mintclient::MintClient::make("http://other.test", mint));
  EXPECT_FALSE(Wallet::open(folder.path("wallet.db"), seed_of(1), client, clock));
  const auto same = must(mintclient::MintClient::make(SimulatedMint::kUrl, mint));
  EXPECT_FALSE(Wallet::open(folder.path("wallet.db"), seed_of(2), same, clock));
  EXPECT_TRUE(Wallet::open(folder.path("wallet.db"), seed_of(1), same, clock));
}

TEST_F(WalletTest, LocksAStakeThatCoversItsOwnFee) {
  mint->add_keyset("mana", 400);
  auto wallet = open();
  fund(*wallet, 1000);
  const StakeCost cost = must(wallet->stake_cost("mana", 100));
  const auto stake = must(wallet->lock("match/1", "mana", 100, stake_lock(mint->now)));
  EXPECT_EQ(stake.size(), cost.proofs);
  EXPECT_LE(stake.size(), 12U);
  EXPECT_EQ(cashu::sum_amounts(stake), 100 + cashu::fee_of_ppk_sum(stake.size() * 400).value());
  EXPECT_EQ(cashu::sum_amounts(stake), 100 + cost.own_fee);
  const Balance after = must(wallet->balance("mana"));
  EXPECT_EQ(after.locked, 100 + cost.own_fee);
  EXPECT_EQ(after.available, 1000 - after.locked - cost.swap_fee);
  std::set<std::string> nonces;
  for (const auto& proof : stake) {
    const auto condition = cashu::parse_condition(proof.secret);
    EXPECT_EQ(condition.kind, cashu::ConditionKind::p2pk);
    EXPECT_EQ(condition.data, key_of(1).public_key().hex());
    EXPECT_EQ(condition.tags, stake_lock(mint->now).tags);
    EXPECT_TRUE(condition.sig_all);
    EXPECT_TRUE(proof.dleq);
    nonces.insert(proof.secret);
  }
  EXPECT_EQ(nonces.size(), stake.size());
}

TEST_F(WalletTest, ALockIsMadeOncePerLabel) {
  auto wallet = open();
  fund(*wallet, 500);
  const auto first = must(wallet->lock("m", "mana", 50, stake_lock(mint->now)));
  const auto second = must(wallet->lock("m", "mana", 50, stake_lock(mint->now)));
  ASSERT_EQ(first.size(), second.size());
  EXPECT_EQ(first[0].secret, second[0].secret);
  EXPECT_EQ(must(wallet->balance("mana")).locked, 50U);
  EXPECT_FALSE(wallet->lock("", "mana", 50, stake_lock(mint->now)));
  EXPECT_EQ(wallet->lock("n", "mana", 5000, stake_lock(mint->now)).error().code, cashu::kNotBalanced);
}

TEST_F(WalletTest, TakesAStakeBackAfterTheLocktimeAlone) {
  auto wallet = open();
  fund(*wallet, 500);
  must(wallet->lock("m", "mana", 50, stake_lock(mint->now + Seconds(1000))));
  const auto sign = [](const Hash32& hash) {
    return std::vector<crypto::Signature>{crypto::sign_schnorr(key_of(1), hash, {})};
  };
  const auto early = wallet->take_back("m", sign);
  EXPECT_EQ(early.error().code, cashu::kProofInvalid);
  EXPECT_EQ(must(wallet->balance("mana")).locked, 50U);
  mint->now += Seconds(1001);
  EXPECT_EQ(must(wallet->take_back("m", sign)), 50U);
  EXPECT_EQ(must(wallet->take_back("m", sign)), 50U);
  EXPECT_EQ(must(wallet->balance("mana")).available, 500U);
  EXPECT_EQ(must(wallet->balance("mana")).locked, 0U);
}

TEST_F(WalletTest, AStakeOnItsWayHomeIsNotGone) {
  auto wallet = open();
  fund(*wallet, 500);
  must(wallet->lock("m", "mana", 50, stake_lock(mint->now + Seconds(1000))));
  mint->fault = [](const std::string& path) {
    return path == "/v1/swap" ? Fault::lose_request : Fault::none;
  };
  const auto sign = [](const Hash32& hash) { return std::vector{crypto::sign_schnorr(key_of(1), hash, {})}; };
  EXPECT_EQ(wallet->take_back("m", sign).error().kind, ErrorKind::unavailable);
  EXPECT_FALSE(must(wallet->check_locked("m")));
}

TEST_F(WalletTest, NoticesAStakeThatASettlementHasSpent) {
  auto wallet = open();
  fund(*wallet, 64);
  auto stake = must(wallet->lock("m", "mana", 32, stake_lock(mint->now + Seconds(1000))));
  EXPECT_FALSE(must(wallet->check_locked("m")));
  // The parties 2 and 3 settle: to them, any outputs will do.
  auto other = open("other.db", 9);
  const auto outputs = must(other->prepare("prize", "mana", 32));
  const Hash32 message = crypto::sha256(as_bytes(cashu::sig_all_message(stake, outputs)));
  stake[0].witness = cashu::p2pk_witness(
      {crypto::sign_schnorr(key_of(2), message, {}), crypto::sign_schnorr(key_of(3), message, {})});
  const auto client = must(mintclient::MintClient::make(SimulatedMint::kUrl, mint));
  const auto signatures = must(client->swap(stake, outputs));
  const auto sign = [](const Hash32& hash) { return std::vector{crypto::sign_schnorr(key_of(1), hash, {})}; };
  mint->now += Seconds(2000);
  EXPECT_EQ(wallet->take_back("m", sign).error().code, cashu::kProofsSpent);  // heard from the mint
  EXPECT_EQ(wallet->take_back("m", sign).error().code, cashu::kProofsSpent);  // known
  EXPECT_TRUE(must(wallet->check_locked("m")));
  EXPECT_EQ(must(wallet->balance("mana")).locked, 0U);
  EXPECT_EQ(must(wallet->locked("m")).size(), stake.size());
  EXPECT_EQ(must(other->take("prize", signatures)), 32U);
  EXPECT_EQ(all_of(*wallet) + all_of(*other), mint->outstanding());
}

TEST_F(WalletTest, TakesAPrizeFromSignaturesOrFromTheMint) {
  mint->add_keyset("loot");
  auto wallet = open();
  const auto outputs = must(wallet->prepare("prize/1", "loot", 21));
  EXPECT_EQ(must(wallet->prepare("prize/1", "loot", 21)), outputs);
  EXPECT_FALSE(wallet->prepare("prize/1", "loot", 22));
  EXPECT_EQ(must(wallet->fetch("prize/1")), std::nullopt);
  const auto signatures = mint->issue(outputs);
  auto forged = signatures;
  forged[0].dleq->e[0] ^= 1;
  EXPECT_FALSE(wallet->take("prize/1", forged));
  forged = signatures;
  forged.pop_back();
  EXPECT_FALSE(wallet->take("prize/1", forged));
  EXPECT_EQ(must(wallet->take("prize/1", signatures)), 21U);
  EXPECT_EQ(must(wallet->take("prize/1", signatures)), 21U);
  EXPECT_EQ(must(wallet->prepare("prize/1", "loot", 21)), outputs);
  mint->issue(must(wallet->prepare("prize/2", "loot", 10)));
  EXPECT_EQ(must(wallet->fetch("prize/2")), 10U);
  mint->issue(must(wallet->prepare("prize/3", "loot", 5)));
  for (int i = 0; i < 150; ++i) must(wallet->prepare("never/" + std::to_string(i), "loot", 3));
  EXPECT_EQ(must(wallet->resume()).finished, 1U);
  EXPECT_LE(mint->requests["/v1/restore"], 7);  // two by hand, then many outputs at a time
  EXPECT_EQ(must(wallet->balance("loot")).available, 36U);
  EXPECT_EQ(all_of(*wallet), mint->outstanding());
}

TEST_F(WalletTest, ForgottenOutputsThatAreSignedAfterAllAreRestored) {
  auto wallet = open();
  const auto outputs = must(wallet->prepare("p", "mana", 8));
  must(wallet->forget("p"));
  mint->issue(outputs);
  EXPECT_EQ(must(wallet->resume()).finished, 0U);
  EXPECT_EQ(must(wallet->restore()).proofs, 1U);
  EXPECT_EQ(must(wallet->balance("mana")).available, 8U);
}

TEST_F(WalletTest, MeltsWithChange) {
  mint->lightning_fee = 1;
  auto wallet = open();
  fund(*wallet, 200);
  const auto quote = must(wallet->request_melt("lnbc100", "mana"));
  const MeltResult result = must(wallet->melt(quote));
  EXPECT_EQ(result.state, mintclient::QuoteState::paid);
  EXPECT_EQ(result.fee_paid, 1U);
  EXPECT_EQ(result.preimage, std::string(64, 'a'));
  EXPECT_EQ(must(wallet->balance("mana")).available, 99U);
  EXPECT_EQ(must(wallet->melt(quote)).fee_paid, 1U);  // once
  EXPECT_EQ(must(wallet->balance("mana")).available, 99U);
  EXPECT_EQ(all_of(*wallet), mint->outstanding());
}

TEST_F(WalletTest, AFailedMeltGivesTheMoneyBack) {
  mint->lightning = SimulatedMint::Lightning::fails;
  auto wallet = open();
  fund(*wallet, 200);
  const auto result = wallet->melt(must(wallet->request_melt("lnbc100", "mana")));
  EXPECT_EQ(result.error().code, cashu::kLightningFailed);
  EXPECT_EQ(must(wallet->balance("mana")).available, 200U);
}

TEST_F(WalletTest, APendingMeltEndsLater) {
  for (const bool pays : {true, false}) {
    mint->lightning = SimulatedMint::Lightning::hangs;
    auto wallet = open(pays ? "a.db" : "b.db", pays ? 1 : 2);
    fund(*wallet, 200);
    const auto quote = must(wallet->request_melt("lnbc100", "mana"));
    EXPECT_EQ(must(wallet->melt(quote)).state, mintclient::QuoteState::pending);
    EXPECT_EQ(must(wallet->resume()).open.size(), 1U);
    EXPECT_LT(must(wallet->balance("mana")).available, 100U);
    mint->settle_lightning(pays);
    const Resumed resumed = must(wallet->resume());
    EXPECT_EQ(resumed.finished, pays ? 1U : 0U);
    EXPECT_EQ(resumed.returned, pays ? 0U : 1U);
    EXPECT_EQ(must(wallet->balance("mana")).available, pays ? 100U : 200U);
  }
}

TEST_F(WalletTest, SendsAndReceivesTokens) {
  mint->add_keyset("mana", 100);
  auto alice = open("alice.db", 1);
  auto bob = open("bob.db", 2);
  fund(*alice, 100);
  const cashu::Token token = must(alice->send("mana", 37));
  EXPECT_EQ(cashu::sum_amounts(token.proofs), 37U);
  EXPECT_EQ(must(alice->sent()).size(), 1U);
  const auto carried = must(cashu::parse_token(cashu::dump_token_v4(token), {}));
  const Amount received = must(bob->receive(carried));
  EXPECT_EQ(received, must(bob->balance("mana")).available);
  EXPECT_EQ(received, 36U);
  EXPECT_EQ(must(alice->balance("mana")).available, 62U);
  EXPECT_EQ(bob->receive(carried).error().code, cashu::kProofsSpent);
  EXPECT_EQ(alice->receive(carried).error().code, cashu::kProofsSpent);
  must(alice->restore());
  EXPECT_TRUE(must(alice->sent()).empty());
  EXPECT_EQ(all_of(*alice) + all_of(*bob), mint->outstanding());
}

TEST_F(WalletTest, ASentTokenCanBeTakenBack) {
  auto wallet = open();
  fund(*wallet, 100);
  const cashu::Token token = must(wallet->send("mana", 40));
  EXPECT_EQ(must(wallet->receive(token)), 40U);
  EXPECT_EQ(must(wallet->balance("mana")).available, 100U);
}

TEST_F(WalletTest, FollowsARotationOfKeysets) {
  auto wallet = open();
  fund(*wallet, 100);
  mint->add_keyset("mana");
  EXPECT_EQ(cashu::sum_amounts(must(wallet->send("mana", 10)).proofs), 10U);
  EXPECT_EQ(must(wallet->balance("mana")).available, 90U);
}

TEST_F(WalletTest, RestoresFromTheSeedAlone) {
  mint->add_keyset("loot", 100);
  auto wallet = open();
  fund(*wallet, 1000);
  mint->add_keyset("mana", 100);
  fund(*wallet, 300);
  must(wallet->send("mana", 999));
  must(wallet->take("x", mint->issue(must(wallet->prepare("x", "loot", 55)))));
  const Amount mana = must(wallet->balance("mana")).available;
  auto fresh = open("fresh.db");
  const Restored restored = must(fresh->restore());
  EXPECT_EQ(must(fresh->balance("loot")).available, 55U);
  // The token that was sent and never redeemed is the seed's as well.
  EXPECT_EQ(must(fresh->balance("mana")).available, mana + 999);
  EXPECT_EQ(restored.amounts.size(), 2U);
  EXPECT_EQ(must(fresh->restore()).proofs, 0U);
  must(fresh->send("mana", 500));  // new outputs, new counters
}

TEST_F(WalletTest, AnOldCopyOfTheFileLosesNothing) {
  auto wallet = open();
  fund(*wallet, 1000);
  wallet.reset();
  std::filesystem::copy_file(folder.path("wallet.db"), folder.path("old.db"));
  wallet = open();
  must(wallet->melt(must(wallet->request_melt("lnbc100", "mana"))));
  wallet.reset();
  auto old = open("old.db");
  // Its counters are behind, so the mint has signed its next outputs before; and its proofs are spent.
  fund(*old, 64);
  must(old->send("mana", 50));
  must(old->restore());
  EXPECT_EQ(all_of(*old) + 50, mint->outstanding());
}

TEST_F(WalletTest, AMintThatSignsWithoutAProofIsNotBelieved) {
  auto wallet = open();
  const auto quote = must(wallet->request_mint("mana", 8));
  mint->pay(quote.id);
  mint->tamper = [](const std::string& path, std::string& body) {
    if (path == "/v1/mint/bolt11" || path == "/v1/restore")
      body.replace(body.find("\"e\":\"") + 5, 4, "0000");
  };
  EXPECT_EQ(wallet->mint_paid(quote.id).error().kind, ErrorKind::unavailable);
  EXPECT_EQ(must(wallet->balance("mana")).available, 0U);
  mint->tamper = nullptr;
  EXPECT_EQ(must(wallet->resume()).finished, 1U);
  EXPECT_EQ(must(wallet->balance("mana")).available, 8U);
}

TEST_F(WalletTest, ASilentMintLeavesOperationsOpenAfterOneQuestion) {
  auto wallet = open();
  fund(*wallet, 100);
  mint->fault = [](const std::string& path) {
    return path == "/v1/swap" ? Fault::lose_request : Fault::none;
  };
  EXPECT_EQ(wallet->send("mana", 10).error().kind, ErrorKind::unavailable);
  EXPECT_EQ(must(wallet->balance("mana")).under_way, 32U);
  EXPECT_EQ(wallet->send("mana", 80).error().code, cashu::kNotBalanced);
  EXPECT_EQ(must(wallet->balance("mana")).under_way + must(wallet->balance("mana")).available, 100U);
  mint->fault = [](const std::string&) { return Fault::lose_request; };
  mint->requests.clear();
  EXPECT_EQ(must(wallet->resume()).open.size(), 1U);
  EXPECT_EQ(mint->requests.size(), 1U);
  mint->fault = [](const std::string&) { return Fault::none; };
  EXPECT_EQ(must(wallet->resume()).finished, 1U);
  EXPECT_EQ(must(wallet->sent()).size(), 1U);
}

TEST_F(WalletTest, AFeeThatRisesUnderTheSameIdIsNotFollowed) {
  auto wallet = open();
  must(wallet->refresh_keysets());
  mint->tamper = [](const std::string& path, std::string& body) {
    if (path != "/v1/keysets") return;
    const std::string fee = "\"input_fee_ppk\":0";
    body.replace(body.find(fee), fee.size(), "\"input_fee_ppk\":9000");
  };
  EXPECT_EQ(wallet->refresh_keysets().error().kind, ErrorKind::refused);
}

}  // namespace
}  // namespace manastr::player
