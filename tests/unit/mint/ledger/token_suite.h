// What every ledger promises of blind authentication tokens (NUT-22): each is spent with one request, or not
// at all, and none of it touches money. Beside ledger_suite.h.
#pragma once
#include "tests/unit/mint/ledger/ledger_suite.h"

namespace manastr::mint::test {

inline TokenSpend token_for(std::optional<Hash32> request = std::nullopt) {
  return {fresh_point(), 1, request};
}

TEST_P(LedgerTest, ATokenIsSpentWithItsRequestOrNotAtAll) {
  const Spend proof = minted(8);
  const TokenSpend token = token_for(fresh_hash());
  EXPECT_EQ(kind(SwapWrite{fresh_hash(), {proof}, {issue(9)}, token}), ErrorKind::broken);
  EXPECT_FALSE(*ledger_->spent_token(token.y)) << "a refused request spends no token";
  EXPECT_EQ(code(SwapWrite{*token.request, {proof}, {issue(8)}, token}), 0);
  ASSERT_TRUE(*ledger_->spent_token(token.y));
  EXPECT_EQ((*ledger_->spent_token(token.y))->request, token.request);
  const Spend other = minted(8);
  TokenSpend elsewhere = token;
  elsewhere.request = fresh_hash();
  EXPECT_EQ(code(SwapWrite{fresh_hash(), {other}, {issue(8)}, elsewhere}), cashu::kBlindAuthFailed);
  EXPECT_EQ(state(other), ProofState::State::unspent) << "and without a token nothing is done";
  EXPECT_EQ(code(UseToken{elsewhere}), cashu::kBlindAuthFailed);
  EXPECT_EQ(code(UseToken{token}), 0) << "for the request that it was spent for it is good again";
  open();
  EXPECT_EQ(code(UseToken{elsewhere}), cashu::kBlindAuthFailed);
  EXPECT_EQ(outstanding(0), 16);
}

TEST_P(LedgerTest, ATokenOfARequestThatIsNotKeptIsGoodOnce) {
  const TokenSpend token = token_for();
  EXPECT_EQ(code(UseToken{token}), 0);
  EXPECT_EQ((*ledger_->spent_token(token.y))->request, std::nullopt);
  EXPECT_EQ(code(UseToken{token}), cashu::kBlindAuthFailed);
  TokenSpend kept = token;
  kept.request = fresh_hash();
  EXPECT_EQ(code(UseToken{kept}), cashu::kBlindAuthFailed);
  EXPECT_EQ(code(MintWrite{fresh_hash(), {{paid(4).id, 4}}, {issue(4)}, {}, token}), cashu::kBlindAuthFailed);
}

TEST_P(LedgerTest, OfRequestsWithOneTokenOneIsDone) {
  constexpr int kRequests = 20;
  std::vector<Spend> proofs;
  for (int i = 0; i < kRequests; ++i) proofs.push_back(minted(1));
  const TokenSpend token = token_for();
  std::atomic<int> done = 0;
  std::atomic<int> granted = 0;
  std::promise<void> all;
  for (const Spend& proof : proofs) {
    TokenSpend own = token;
    own.request = fresh_hash();
    const auto count = [&](const Result<Written>& result) {
      EXPECT_TRUE(result || result.error().code == cashu::kBlindAuthFailed);
      if (result) ++granted;
      if (++done == kRequests) all.set_value();
    };
    ASSERT_TRUE(ledger_->write(SwapWrite{fresh_hash(), {proof}, {issue(1)}, own}, count));
  }
  all.get_future().wait();
  EXPECT_EQ(granted, 1);
}

TEST_P(LedgerTest, ATokenIsSpentWithItsQuoteOrNotAtAll) {
  const auto mint_quote = [](std::string id) {
    MintQuote out{.id = std::move(id), .node_key = fresh_hash(), .unit = "mana", .amount = 8};
    out.invoice_msat = 8 * 200;
    return out;
  };
  const auto melt_quote = [](std::string id) {
    return MeltQuote{.id = std::move(id), .node_key = fresh_hash(), .unit = "mana", .price_msat = 200};
  };
  const TokenSpend first = token_for();
  MintQuote cheap = mint_quote("cheap");
  cheap.invoice_msat = 1;
  EXPECT_EQ(kind(NewMintQuote{cheap, first}), ErrorKind::unavailable);
  EXPECT_FALSE(*ledger_->spent_token(first.y)) << "a refused quote spends no token";
  EXPECT_EQ(code(NewMintQuote{mint_quote("mint"), first}), 0);
  EXPECT_TRUE(*ledger_->spent_token(first.y));
  EXPECT_EQ(code(NewMintQuote{mint_quote("another"), first}), cashu::kBlindAuthFailed);
  EXPECT_FALSE(*ledger_->mint_quote("another")) << "and without a token there is none";
  EXPECT_EQ(code(NewMeltQuote{melt_quote("melt"), first}), cashu::kBlindAuthFailed);
  EXPECT_FALSE(*ledger_->melt_quote("melt"));
  const TokenSpend second = token_for();
  EXPECT_EQ(code(NewMeltQuote{melt_quote("melt"), second}), 0);
  EXPECT_TRUE(*ledger_->spent_token(second.y));
  EXPECT_EQ(code(NewMeltQuote{melt_quote("one more"), second}), cashu::kBlindAuthFailed);
  EXPECT_TRUE(*ledger_->mint_quote("mint"));
  EXPECT_TRUE(*ledger_->melt_quote("melt"));
}

TEST_P(LedgerTest, TokensOfAPrunedKeysetAreForgottenAndNeverTakenAgain) {
  const std::vector<KeysetRecord> before = ledger_->keysets().value();
  std::vector<KeysetRecord> records = before;
  for (const std::uint32_t number : {3U, 4U}) {
    records.push_back({.number = number,
                       .id = *cashu::KeysetId::from_hex("000000000000000" + std::to_string(number)),
                       .unit = std::string(kAuthUnit),
                       .position = number - 2,
                       .denominations = 1,
                       .state = number == 3 ? KeysetState::verifying : KeysetState::signing});
  }
  records[2].final_expiry = unix_seconds(1'700'000'000);
  ASSERT_TRUE(ledger_->change_keysets(before, records).value());
  constexpr unsigned kEach = 300;
  std::vector<TokenSpend> old, kept;
  std::vector<Issue> issues;
  for (unsigned i = 0; i < kEach; ++i) {
    old.push_back({fresh_point(), 3, std::nullopt});
    kept.push_back({fresh_point(), 4, std::nullopt});
    issues.push_back(issue(1, i % 2 == 0 ? 3 : 4));
    ASSERT_EQ(code(UseToken{old.back()}), 0);
    ASSERT_EQ(code(UseToken{kept.back()}), 0);
  }
  ASSERT_EQ(code(IssueTokens{fresh_hash(), issues, fresh_hash(), 500'000, 0}), 0);
  const Totals totals = ledger_->totals();

  std::vector<KeysetRecord> pruned = records;
  pruned[2].state = KeysetState::pruned;
  ASSERT_TRUE(ledger_->change_keysets(records, pruned).value());
  place_->let_pruning_begin(*ledger_, 3);
  EXPECT_FALSE(ledger_->has_pending(3).value());
  for (unsigned batches = 0;; ++batches) {
    ASSERT_LT(batches, 100U);
    const auto state = ledger_->prune(3);
    ASSERT_TRUE(state) << state.error().message;
    if (*state == KeysetStore::Pruned::done) break;
    if (batches == 1) open();  // the search begins anew
  }
  for (unsigned i = 0; i < kEach; ++i) {
    EXPECT_FALSE(*ledger_->spent_token(old[i].y));
    EXPECT_TRUE(*ledger_->spent_token(kept[i].y));
    EXPECT_EQ((*ledger_->token_signatures(std::span(&issues[i].b_blinded, 1)))[0].has_value(), i % 2 != 0);
  }
  EXPECT_EQ(code(UseToken{old[0]}), cashu::kBlindAuthFailed) << "whatever the request was told before";
  EXPECT_EQ(code(UseToken{kept[0]}), cashu::kBlindAuthFailed);
  EXPECT_EQ(code(UseToken{{fresh_point(), 4, std::nullopt}}), 0);
  EXPECT_EQ(ledger_->totals().liabilities_msat(), totals.liabilities_msat());
  EXPECT_EQ(ledger_->prune(3).value(), KeysetStore::Pruned::done);
  EXPECT_TRUE(ledger_->health());
}

TEST_P(LedgerTest, ATokenOfAMeltIsFreeAgainIfThatFails) {
  const Spend proof = minted(5);
  const auto begin = [&](const TokenSpend& token) {
    const std::string quote = begin_melt({}, {}, 1'000);
    EXPECT_EQ(code(ReleaseMelt{quote}), 0);
    EXPECT_EQ(code(BeginMelt{*token.request, quote, {proof}, {}, 0, token}), 0);
    return quote;
  };
  const TokenSpend token = token_for(fresh_hash());
  const std::string failing = begin(token);
  EXPECT_TRUE(*ledger_->spent_token(token.y)) << "held, so that no other request takes it";
  EXPECT_EQ(code(UseToken{{token.y, 1, std::nullopt}}), cashu::kBlindAuthFailed);
  EXPECT_EQ(code(ReleaseMelt{failing}), 0);
  EXPECT_FALSE(*ledger_->spent_token(token.y));

  const TokenSpend told = token_for(fresh_hash());
  const std::string pending = begin(told);
  EXPECT_EQ(code(UseToken{told}), 0) << "its request was answered with PENDING, a success";
  EXPECT_EQ(code(ReleaseMelt{pending}), 0);
  EXPECT_TRUE(*ledger_->spent_token(told.y));

  const TokenSpend paying = token_for(fresh_hash());
  const std::string paid_melt = begin(paying);
  EXPECT_EQ(code(FinishMelt{paid_melt, fresh_hash(), 1'000, {}}), 0);
  EXPECT_EQ(code(ReleaseMelt{paid_melt}), 0);
  EXPECT_TRUE(*ledger_->spent_token(paying.y));
}

TEST_P(LedgerTest, TokensAreIssuedOnceAndAreNoMoney) {
  const Totals before = ledger_->totals();
  const Issue first = issue(1, 7);
  const Issue second = issue(1, 7);
  const Hash32 operation = fresh_hash();
  EXPECT_EQ(code(IssueTokens{operation, {first, second}, fresh_hash(), 500'000, 0}), 0);
  const std::vector<PointBytes> points{first.b_blinded, fresh_point(), second.b_blinded};
  const auto found = ledger_->token_signatures(points);
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_TRUE((*found)[0] && (*found)[2]);
  EXPECT_FALSE((*found)[1]);
  EXPECT_EQ((*found)[0]->operation, operation);
  EXPECT_EQ((*found)[0]->keyset, 7U);
  EXPECT_EQ((*found)[0]->c_blinded, first.c_blinded);
  EXPECT_EQ((*found)[2]->dleq, second.dleq);
  const Issue third = issue(1, 7);
  EXPECT_EQ(code(IssueTokens{fresh_hash(), {third, second}, fresh_hash(), 500'000, 0}), 11003);
  EXPECT_FALSE((*ledger_->token_signatures(std::span(&third.b_blinded, 1)))[0]) << "all or none";
  EXPECT_FALSE((*ledger_->signatures(std::span(&first.b_blinded, 1)))[0]) << "no money was signed";
  EXPECT_EQ(ledger_->totals().units.size(), before.units.size());
  EXPECT_EQ(ledger_->totals().liabilities_msat(), before.liabilities_msat());
  open();
  EXPECT_EQ((*ledger_->token_signatures(points))[0]->dleq, first.dleq);
}

TEST_P(LedgerTest, ASubjectGetsSoManyTokensInAnHour) {
  const Hash32 subject = fresh_hash();
  const auto ask = [&](std::int64_t hour, std::size_t tokens, const Hash32& whose) {
    std::vector<Issue> issues;
    for (std::size_t i = 0; i < tokens; ++i) issues.push_back(issue(1, 7));
    return code(IssueTokens{fresh_hash(), issues, whose, hour, 10});
  };
  EXPECT_EQ(ask(100, 6, subject), 0);
  EXPECT_EQ(ask(100, 5, subject), cashu::kBlindTokensTooOften);
  EXPECT_EQ(ask(100, 4, subject), 0);
  EXPECT_EQ(ask(100, 1, subject), cashu::kBlindTokensTooOften);
  EXPECT_EQ(ask(100, 10, fresh_hash()), 0) << "of another";
  EXPECT_EQ(ask(101, 10, subject), 0) << "in the next hour";
  open();
  EXPECT_EQ(ask(101, 1, subject), cashu::kBlindTokensTooOften) << "also after a restart";
  EXPECT_EQ(ask(100, 1, subject), cashu::kBlindTokensTooOften) << "nor by a clock that is behind";
  const Hash32 early = fresh_hash();
  EXPECT_EQ(ask(1'000'000, 10, early), 0) << "by a clock that is far ahead";
  EXPECT_EQ(ask(101, 6, early), 0) << "once it is right again that locks nobody out";
  EXPECT_EQ(ask(101, 5, early), cashu::kBlindTokensTooOften) << "and the hour counts as ever";
  EXPECT_EQ(ask(102, 10, early), 0);
}

}  // namespace manastr::mint::test
