// What every implementation of the ledger promises. Included by the test of each, which instantiates it.
#pragma once
#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "common/gameapi/requests.h"
#include "mint/ledger/ledger.h"
#include "tests/support/eventually.h"
#include "tests/unit/mint/ledger/fresh.h"

namespace manastr::mint::test {

/// A database of a test's own, opened as often as it likes.
class LedgerPlace {
 public:
  virtual ~LedgerPlace() = default;
  virtual Result<std::unique_ptr<Ledger>> open() = 0;
  /// First column of each row of a query, of a ledger that may be open; `prefix` stands before the names of
  /// tables.
  virtual std::vector<std::string> column(const std::string& what, const std::string& table,
                                          const std::string& rest) = 0;
  /// Where the first batch must wait until old statements are over: they are. `ledger` is this place's.
  virtual void let_pruning_begin(Ledger& ledger, std::uint32_t keyset) { (void)ledger, (void)keyset; }
};
using MakePlace = std::unique_ptr<LedgerPlace> (*)();

/// A ledger of two units, mana (keyset 1) and loot (keyset 2), at 200 msat each.
class LedgerTest : public testing::TestWithParam<MakePlace> {
 protected:
  LedgerTest() : place_(GetParam()()) {
    open();
    std::vector<KeysetRecord> records(2);
    for (std::uint32_t i = 0; i < 2; ++i) {
      records[i].number = i + 1;
      records[i].unit = i == 0 ? "mana" : "loot";
      records[i].id = *cashu::KeysetId::from_hex(i == 0 ? "0000000000000001" : "0000000000000002");
    }
    EXPECT_TRUE(ledger_->store_keysets(records));
    EXPECT_TRUE(ledger_->set_prices({{"mana", 200}, {"loot", 200}}));
  }
  void open() {
    ledger_.reset();
    auto opened = place_->open();
    ASSERT_TRUE(opened) << opened.error().message;
    ledger_ = *std::move(opened);
  }
  int code(Write write) {
    const auto written = ledger_->write_now(std::move(write));
    return written ? 0 : written.error().code;
  }
  ErrorKind kind(Write write) { return ledger_->write_now(std::move(write)).error().kind; }

  /// A quote of `amount` mana, paid.
  MintQuote paid(cashu::Amount amount) {
    MintQuote quote;
    quote.id = to_hex(fresh_hash());
    quote.node_key = fresh_hash();
    quote.request = "lnbcrt";
    quote.unit = "mana";
    quote.amount = amount;
    quote.invoice_msat = amount * 200;
    EXPECT_EQ(code(NewMintQuote{quote}), 0);
    EXPECT_EQ(code(PaymentReceived{quote.id, quote.node_key, quote.invoice_msat, {}}), 0);
    return quote;
  }
  /// The quote of an offer in mana, which says no amount.
  MintQuote offered(const std::string& id) {
    MintQuote quote;
    quote.id = id;
    quote.method = Method::bolt12;
    quote.node_key = fresh_hash();
    quote.request = "lno1";
    quote.unit = "mana";
    quote.expires_at = unix_seconds(2'000'000'000);
    EXPECT_EQ(code(NewMintQuote{quote}), 0);
    return quote;
  }
  /// A quote of just now, to be paid within an hour.
  MintQuote quoted(cashu::Amount amount, Msat msat, const char* unit = "mana") {
    MintQuote quote;
    quote.id = to_hex(fresh_hash());
    quote.node_key = fresh_hash();
    quote.request = "lnbcrt";
    quote.unit = unit;
    quote.amount = amount;
    quote.invoice_msat = msat;
    quote.created_at = quote.updated_at = system_clock().now_seconds() - Seconds{5};
    quote.expires_at = quote.created_at + Seconds{3600};
    EXPECT_EQ(code(NewMintQuote{quote}), 0);
    return quote;
  }
  /// What it is credited.
  cashu::Amount pay(const MintQuote& quote) {
    const UnixSeconds now = system_clock().now_seconds();
    EXPECT_EQ(code(PaymentReceived{quote.id, quote.node_key, quote.invoice_msat, now}), 0);
    return (*ledger_->mint_quote(quote.id))->amount_paid;
  }
  /// `amount` mana out there, as one proof.
  Spend minted(cashu::Amount amount) {
    EXPECT_EQ(code(MintWrite{fresh_hash(), {{paid(amount).id, amount}}, {issue(amount)}, {}}), 0);
    return spend(amount);
  }
  std::string begin_melt(const std::vector<Spend>& spends, const std::vector<BlankOutput>& blanks, Msat msat,
                         const Hash32& payment_hash = fresh_hash()) {
    MeltQuote quote;
    quote.id = to_hex(fresh_hash());
    quote.node_key = payment_hash;
    quote.request = "lnbcrt";
    quote.unit = "mana";
    quote.amount = msat / 200;
    quote.invoice_msat = msat;
    quote.price_msat = 200;
    EXPECT_EQ(code(NewMeltQuote{quote}), 0);
    last_melt_code_ = code(BeginMelt{fresh_hash(), quote.id, spends, blanks, 0});
    return quote.id;
  }
  ProofState::State state(const Spend& proof) {
    return (*ledger_->proof_states(std::span(&proof.y, 1)))[0].state;
  }
  Wide outstanding(std::size_t unit) { return ledger_->totals().units[unit].outstanding(); }

  std::unique_ptr<LedgerPlace> place_;
  std::unique_ptr<Ledger> ledger_;
  int last_melt_code_ = 0;
};

TEST_P(LedgerTest, AProofIsSpentOnceAndAnOutputSignedOnce) {
  const Spend proof = minted(8);
  const Issue output = issue(8);
  const Hash32 operation = fresh_hash();
  EXPECT_FALSE(ledger_->may_know_proof(proof.y));
  EXPECT_EQ(code(SwapWrite{operation, {proof}, {output}}), 0);
  EXPECT_TRUE(ledger_->may_know_proof(proof.y));
  EXPECT_EQ(code(SwapWrite{fresh_hash(), {proof}, {issue(8)}}), 11001);
  const Spend other = minted(8);
  EXPECT_EQ(code(SwapWrite{fresh_hash(), {other}, {output}}), 11003);
  EXPECT_EQ(state(other), ProofState::State::unspent) << "a refused write leaves nothing behind";
  EXPECT_EQ(outstanding(0), 16);
  open();
  EXPECT_EQ(state(proof), ProofState::State::spent);
  EXPECT_TRUE(ledger_->may_know_proof(proof.y));
  EXPECT_EQ((*ledger_->signatures(std::span(&output.b_blinded, 1)))[0]->operation, operation);
  EXPECT_EQ(outstanding(0), 16) << "the totals are there after a restart";
}

TEST_P(LedgerTest, OneRefusalInABatchLeavesTheOthersAlone) {
  constexpr int kWrites = 50;
  const Spend twice = minted(1);
  std::vector<Spend> proofs;
  for (int i = 0; i < kWrites; ++i) proofs.push_back(i % 5 == 0 ? twice : minted(1));
  std::atomic<int> done = 0;
  std::atomic<int> refused = 0;
  std::promise<void> all;
  for (int i = 0; i < kWrites; ++i) {
    const auto count = [&](const Result<Written>& result) {
      if (!result) ++refused;
      if (++done == kWrites) all.set_value();
    };
    ASSERT_TRUE(ledger_->write(SwapWrite{fresh_hash(), {proofs[i]}, {issue(1)}}, count));
  }
  all.get_future().wait();
  EXPECT_EQ(refused, kWrites / 5 - 1) << "one of those that spend the same";
  EXPECT_EQ(outstanding(0), kWrites * 4 / 5 + 1);
}

TEST_P(LedgerTest, SeveralQuotesAreIssuedTogetherOrNotAtAll) {
  const MintQuote first = paid(10);
  const MintQuote second = paid(4);
  EXPECT_EQ(code(MintWrite{fresh_hash(), {{first.id, 10}, {second.id, 5}}, {issue(15)}, {}}), 11005);
  EXPECT_EQ(ledger_->mint_quote(first.id)->value().amount_issued, 0U);
  EXPECT_EQ(code(MintWrite{fresh_hash(), {{first.id, 10}, {second.id, 4}}, {issue(14)}, {}}), 0);
  EXPECT_EQ(ledger_->mint_quote(first.id)->value().state(), MintQuote::State::issued);
  EXPECT_EQ(ledger_->mint_quote(second.id)->value().state(), MintQuote::State::issued);
  EXPECT_EQ(code(MintWrite{fresh_hash(), {{second.id, 4}}, {issue(4)}, {}}), 20002);
  EXPECT_EQ(outstanding(0), 14);
}

/// Hears of changes while it is told to.
struct Listener final : ChangeListener {
  bool wanted() const override { return wants; }
  void changed(Changes changes) override { heard.push_back(std::move(changes)); }
  std::atomic<bool> wants = true;
  std::vector<Changes> heard;
};

TEST_P(LedgerTest, TellsAListenerWhatACommitChangedAndNothingOfRefusals) {
  const Spend proof = minted(8);
  Listener listener;
  ledger_->listen(&listener);
  EXPECT_EQ(code(SwapWrite{fresh_hash(), {proof}, {issue(8)}}), 0);
  ASSERT_EQ(listener.heard.size(), 1U);
  EXPECT_EQ(listener.heard[0].proofs, std::vector{proof.y});
  EXPECT_EQ(code(SwapWrite{fresh_hash(), {proof}, {issue(8)}}), 11001);
  EXPECT_EQ(listener.heard.size(), 1U);
  const MintQuote quote = paid(3);
  ASSERT_EQ(listener.heard.size(), 2U);
  EXPECT_EQ(listener.heard[1].mint_quotes, std::vector{quote.id});
  EXPECT_EQ(code(MintWrite{fresh_hash(), {{quote.id, 3}}, {issue(3)}, {}}), 0);
  EXPECT_EQ(listener.heard.back().mint_quotes, std::vector{quote.id});
  const Spend melted = spend(3);
  const std::string melt = begin_melt({melted}, {}, 600);
  EXPECT_EQ(listener.heard.back().melt_quotes, std::vector{melt});
  EXPECT_EQ(listener.heard.back().proofs, std::vector{melted.y});
  EXPECT_EQ(code(ReleaseMelt{melt}), 0);
  EXPECT_EQ(listener.heard.back().melt_quotes, std::vector{melt});
  listener.wants = false;
  const std::size_t before = listener.heard.size();
  minted(1);
  EXPECT_EQ(listener.heard.size(), before);
  ledger_->listen(nullptr);
}

TEST_P(LedgerTest, AQuoteIsIssuedUpToWhatWasPaid) {
  const MintQuote quote = paid(10);
  EXPECT_EQ(code(MintWrite{fresh_hash(), {{quote.id, 11}}, {issue(11)}, {}}), 11005);
  EXPECT_EQ(code(MintWrite{fresh_hash(), {{quote.id, 6}}, {issue(6)}, {}}), 0);
  EXPECT_EQ(code(MintWrite{fresh_hash(), {{quote.id, 6}}, {issue(6)}, {}}), 11005);
  EXPECT_EQ(code(MintWrite{fresh_hash(), {{quote.id, 4}}, {issue(4)}, {}}), 0);
  EXPECT_EQ(code(MintWrite{fresh_hash(), {{quote.id, 1}}, {issue(1)}, {}}), 20002);
  EXPECT_EQ(code(PaymentReceived{quote.id, quote.node_key, 99'999, {}}), 0);
  EXPECT_EQ(ledger_->totals().received_msat, 2'000) << "a payment that is reported twice counts once";
}

TEST_P(LedgerTest, AnInvoiceIsCreditedUpToItsAmount) {
  MintQuote quote;
  quote.id = "over";
  quote.node_key = fresh_hash();
  quote.request = "lnbcrt";
  quote.unit = "mana";
  quote.amount = 10;
  EXPECT_EQ(code(NewMintQuote{quote}), 0);
  EXPECT_EQ(code(PaymentReceived{quote.id, quote.node_key, 9'999, {}}), 0);
  const MintQuote stored = **ledger_->mint_quote(quote.id);
  EXPECT_EQ(stored.amount_paid, 10U);
  EXPECT_EQ(stored.received_msat, 9'999U);
  EXPECT_EQ(ledger_->totals().received_msat, 9'999);
}

TEST_P(LedgerTest, AnOfferIsPaidManyTimesAndEachPaymentCountsOnce) {
  const MintQuote quote = offered("static");
  const Hash32 first = fresh_hash();
  EXPECT_EQ(code(PaymentReceived{quote.id, first, 1'000, unix_seconds(5)}), 0);
  EXPECT_EQ(code(PaymentReceived{quote.id, fresh_hash(), 1'000, unix_seconds(6)}), 0);
  EXPECT_EQ(code(PaymentReceived{quote.id, first, 1'000, unix_seconds(7)}), 0) << "told of twice";
  EXPECT_EQ(code(PaymentReceived{quote.id, fresh_hash(), 399, unix_seconds(8)}), 0);
  MintQuote stored = **ledger_->mint_quote(quote.id);
  EXPECT_EQ(stored.method, Method::bolt12);
  EXPECT_EQ(stored.amount_paid, 11U) << "5, 5 and 1.995 rounded down";
  EXPECT_EQ(stored.received_msat, 2'399U);
  EXPECT_EQ(count(stored.updated_at), 8);
  EXPECT_EQ(code(MintWrite{fresh_hash(), {{quote.id, 11}}, {issue(11)}, {}}), 0);
  EXPECT_EQ(code(MintWrite{fresh_hash(), {{quote.id, 1}}, {issue(1)}, {}}), 20002);
  EXPECT_EQ(code(PaymentReceived{quote.id, fresh_hash(), 600, unix_seconds(9)}), 0);
  EXPECT_EQ(code(MintWrite{fresh_hash(), {{quote.id, 4}}, {issue(4)}, {}}), 11005);
  EXPECT_EQ(code(MintWrite{fresh_hash(), {{quote.id, 3}}, {issue(3)}, {}}), 0);
  EXPECT_EQ(ledger_->totals().received_msat, 2'999);
  EXPECT_EQ(outstanding(0), 14);
  open();
  EXPECT_EQ(code(PaymentReceived{quote.id, first, 1'000, {}}), 0);
  EXPECT_EQ(ledger_->totals().received_msat, 2'999);
  EXPECT_EQ(code(PaymentReceived{"no such quote", fresh_hash(), 1'000, {}}), 0);
  EXPECT_EQ(ledger_->totals().received_msat, 2'999);
}

TEST_P(LedgerTest, PaymentsOfAnOfferThatComeAtOnceAreAllCredited) {
  const MintQuote quote = offered("busy");
  const Hash32 twice = fresh_hash();
  std::vector<std::future<Result<Written>>> writes;
  for (int i = 0; i < 20; ++i) {
    writes.push_back(std::async(std::launch::async, [&, i] {
      const Hash32 payment = i % 5 == 0 ? twice : fresh_hash();
      return ledger_->write_now(PaymentReceived{quote.id, payment, 1'000, {}});
    }));
  }
  for (auto& each : writes) EXPECT_TRUE(each.get());
  EXPECT_EQ((*ledger_->mint_quote(quote.id))->amount_paid, 17U * 5);
  EXPECT_EQ(ledger_->totals().received_msat, 17'000);
}

TEST_P(LedgerTest, AnOffersQuoteIssuesNoMoreThanWasPaidHoweverManyMintAtOnce) {
  const MintQuote quote = offered("raced");
  EXPECT_EQ(code(PaymentReceived{quote.id, fresh_hash(), 20'000, {}}), 0);
  std::vector<std::future<int>> mints;
  for (int i = 0; i < 20; ++i) {
    mints.push_back(std::async(
        std::launch::async, [&] { return code(MintWrite{fresh_hash(), {{quote.id, 8}}, {issue(8)}, {}}); }));
  }
  int done = 0;
  for (auto& each : mints) {
    const int answer = each.get();
    done += answer == 0;
    EXPECT_TRUE(answer == 0 || answer == 11005) << answer;
  }
  EXPECT_EQ(done, 12);
  EXPECT_EQ((*ledger_->mint_quote(quote.id))->amount_issued, 96U);
  EXPECT_EQ(outstanding(0), 96);
}

TEST_P(LedgerTest, FindsQuotesByWhatTheNodeKnowsThemByAndThoseThatMayBePaid) {
  const MintQuote offer = offered("offer");
  const MintQuote invoice = paid(10);
  EXPECT_EQ((*ledger_->mint_quote_of(offer.node_key))->id, "offer");
  EXPECT_EQ((*ledger_->mint_quote_of(invoice.node_key))->id, invoice.id);
  EXPECT_FALSE(*ledger_->mint_quote_of(fresh_hash()));
  EXPECT_EQ(code(PaymentReceived{offer.id, fresh_hash(), 1'000, {}}), 0);
  const auto payable = ledger_->payable_mint_quotes(offer.expires_at);
  ASSERT_TRUE(payable);
  ASSERT_EQ(payable->size(), 1U) << "paid offers, but no paid invoices";
  EXPECT_EQ(payable->front().id, "offer");
  EXPECT_TRUE(ledger_->payable_mint_quotes(offer.expires_at + Seconds{1})->empty());
}

TEST_P(LedgerTest, AnOfferIsPaidThroughAsManyQuotesAsOneLikes) {
  for (const bool ends : {true, false}) {
    MeltQuote quote;
    quote.id = to_hex(fresh_hash());
    quote.method = Method::bolt12;
    quote.node_key = fresh_hash();
    quote.request = "lno1";
    quote.unit = "mana";
    quote.amount = 5;
    quote.invoice_msat = 1'000;
    quote.price_msat = 200;
    EXPECT_EQ(code(NewMeltQuote{quote}), 0);
    EXPECT_EQ(code(BeginMelt{fresh_hash(), quote.id, {minted(5)}, {}, 0}), 0);
    EXPECT_EQ(code(BeginMelt{fresh_hash(), quote.id, {minted(5)}, {}, 0}), 20005);
    if (ends) {
      EXPECT_EQ(code(FinishMelt{quote.id, fresh_hash(), 1'000, {}}), 0);
    }
  }
  open();
  const auto pending = ledger_->pending_melts();
  ASSERT_TRUE(pending);
  ASSERT_EQ(pending->size(), 1U);
  EXPECT_EQ(pending->front().method, Method::bolt12);
}

TEST_P(LedgerTest, NothingIsIssuedThatWasNotPaidFor) {
  const Spend proof = minted(8);
  EXPECT_EQ(kind(SwapWrite{fresh_hash(), {proof}, {issue(9)}}), ErrorKind::broken);
  EXPECT_EQ(state(proof), ProofState::State::unspent);
  EXPECT_EQ(kind(SwapWrite{fresh_hash(), {}, {issue(1)}}), ErrorKind::broken);
  EXPECT_TRUE(ledger_->health()) << "a refused write is no failed disk";
  EXPECT_EQ(outstanding(0), 8);
}

TEST_P(LedgerTest, AMeltLocksThenSpendsOrReleases) {
  const Spend proof = minted(10);
  const BlankOutput blank{fresh_point(), 1};
  const std::string failing = begin_melt({proof}, {blank}, 1'000);
  ASSERT_EQ(last_melt_code_, 0);
  EXPECT_EQ(state(proof), ProofState::State::pending);
  EXPECT_EQ(code(SwapWrite{fresh_hash(), {proof}, {issue(10)}}), 11002);
  Issue reused = issue(1);
  reused.b_blinded = blank.b_blinded;
  EXPECT_EQ(code(SwapWrite{fresh_hash(), {minted(1)}, {reused}}), 11004);
  open();
  EXPECT_EQ(ledger_->pending_melts()->size(), 1U);
  EXPECT_EQ(code(ReleaseMelt{failing}), 0);
  EXPECT_EQ(state(proof), ProofState::State::unspent);

  const std::string paying = begin_melt({proof}, {blank, {fresh_point(), 1}}, 1'000);
  ASSERT_EQ(last_melt_code_, 0);
  Issue change = issue(4);
  change.b_blinded = blank.b_blinded;
  EXPECT_EQ(code(FinishMelt{paying, fresh_hash(), 1'000, {change}}), 0);
  EXPECT_EQ(code(FinishMelt{paying, fresh_hash(), 1'000, {change}}), 0) << "again: nothing";
  EXPECT_EQ(code(ReleaseMelt{paying}), 0);
  EXPECT_EQ(state(proof), ProofState::State::spent) << "what is paid is not released any more";
  EXPECT_EQ((*ledger_->melt_quote(paying))->change.size(), 1U);
  EXPECT_EQ(ledger_->totals().paid_out_msat, 1'000);
  EXPECT_TRUE(ledger_->totals().solvent());
}

TEST_P(LedgerTest, ALateReleaseOfAnEarlierAttemptLeavesALaterOneAlone) {
  const Spend proof = minted(5);
  const std::string melt = begin_melt({}, {}, 1'000);  // attempt 0
  ASSERT_EQ(code(ReleaseMelt{melt, 0}), 0);
  BeginMelt again{fresh_hash(), melt, {proof}, {}, 0};
  again.attempt = 7;
  ASSERT_EQ(code(again), 0);
  EXPECT_EQ((*ledger_->melt_quote(melt))->attempt, 7U);
  EXPECT_EQ(code(ReleaseMelt{melt, 0}), 0);
  EXPECT_EQ(state(proof), ProofState::State::pending) << "that was the earlier one's";
  EXPECT_EQ((*ledger_->melt_quote(melt))->state, MeltQuote::State::pending);
  open();
  ASSERT_EQ(ledger_->pending_melts()->size(), 1U);
  EXPECT_EQ(ledger_->pending_melts()->front().attempt, 7U);
  EXPECT_EQ(code(ReleaseMelt{melt, 7}), 0);
  EXPECT_EQ(state(proof), ProofState::State::unspent);
}

TEST_P(LedgerTest, AnInvoiceIsUnderWayThroughOneQuoteAtATime) {
  const Hash32 payment_hash = fresh_hash();
  const std::string first = begin_melt({minted(5)}, {}, 1'000, payment_hash);
  const Spend other = minted(5);
  begin_melt({other}, {}, 1'000, payment_hash);
  EXPECT_EQ(last_melt_code_, 20005);
  EXPECT_EQ(code(FinishMelt{first, std::nullopt, 1'000, {}}), 0);
  begin_melt({other}, {}, 1'000, payment_hash);
  EXPECT_EQ(last_melt_code_, 20006);
  EXPECT_EQ(state(other), ProofState::State::unspent);
}

TEST_P(LedgerTest, LootComesOutOfTheMatchesOwnCredit) {
  const match::MatchId match = fresh_hash();
  const auto burned = ledger_->write_now(BurnWrite{fresh_hash(), fresh_hash(), match, {minted(10)}, 10, 200});
  ASSERT_TRUE(burned);
  EXPECT_EQ(burned->credit_msat, 2'000U);
  EXPECT_EQ(code(CreditedIssue{fresh_hash(), fresh_hash(), fresh_hash(), {issue(1, 2)}, 200}),
            gameapi::kNoBurnCredit);
  EXPECT_EQ(code(CreditedIssue{fresh_hash(), fresh_hash(), match, {issue(11, 2)}, 2'200}),
            gameapi::kNoBurnCredit);
  const Hash32 key = fresh_hash();
  EXPECT_EQ(code(CreditedIssue{key, fresh_hash(), match, {issue(7, 2)}, 1'400}), 0);
  EXPECT_EQ(kind(CreditedIssue{key, fresh_hash(), match, {issue(1, 2)}, 200}), ErrorKind::invalid)
      << "the id is used";
  EXPECT_EQ(outstanding(0), 0);
  EXPECT_EQ(outstanding(1), 7);
  EXPECT_EQ(ledger_->totals().credit_msat, 600);
  EXPECT_EQ(ledger_->totals().liabilities_msat(), 2'000);
}

TEST_P(LedgerTest, SettlementsAreAllOrNoneAndKeepOneVerdict) {
  const Spend a = minted(5);
  const Spend b = minted(5);
  SettleWrite write;
  write.match = fresh_hash();
  write.verdict_id = fresh_hash();
  write.claim_id = fresh_hash();
  write.announcement = write.verdict = write.claim = "{}";
  write.groups = {{fresh_hash(), {a}, {issue(5, 2)}}, {fresh_hash(), {b}, {issue(5, 2)}}};
  SettleWrite spoiled = write;
  spoiled.groups[1].spends = {a};
  EXPECT_EQ(code(spoiled), 11001);
  EXPECT_EQ(state(a), ProofState::State::unspent);
  EXPECT_FALSE(*ledger_->verdict(write.match));
  EXPECT_EQ(code(write), 0);
  EXPECT_EQ(code(write), 0) << "a group that was done with these outputs counts as done";
  EXPECT_EQ(outstanding(1), 10);
  EXPECT_EQ((*ledger_->verdict(write.match))->claims.size(), 1U);
  for (int i = 0; i < 3; ++i) {
    write.claim_id = fresh_hash();
    EXPECT_EQ(code(write), 0);
  }
  EXPECT_EQ((*ledger_->verdict(write.match))->claims.size(), 1U)
      << "claims that settle nothing can't bury the evidence";
  EXPECT_EQ((*ledger_->proof_states(std::span(&a.y, 1)))[0].match, write.match);
  write.verdict_id = fresh_hash();
  write.groups.clear();
  EXPECT_EQ(code(write), gameapi::kVerdictInvalid);
}

TEST_P(LedgerTest, AnAuthorizationIsUsedOnceUntilItExpires) {
  const Hash32 event = fresh_hash();
  EXPECT_TRUE(ledger_->write_now(UseAuthorization{event, unix_seconds(100), unix_seconds(220)}));
  // Made 60 s ahead of the mint's clock, an event is still good 120 s later.
  EXPECT_FALSE(ledger_->write_now(UseAuthorization{event, unix_seconds(220), unix_seconds(340)}));
  EXPECT_TRUE(ledger_->write_now(UseAuthorization{event, unix_seconds(221), unix_seconds(341)}))
      << "forgotten by then";
}

TEST_P(LedgerTest, APriceThatTheMintCannotHonourIsRefused) {
  minted(10);
  paid(10);
  EXPECT_FALSE(ledger_->set_prices({{"mana", 201}}));
  EXPECT_TRUE(ledger_->set_prices({{"mana", 199}}));
  EXPECT_TRUE(ledger_->set_prices({{"mana", 200}}));
  EXPECT_FALSE(ledger_->set_prices({{"mana", 400}}));
}

TEST_P(LedgerTest, APaymentAfterAPriceRiseIsCreditedAtTheNewPrice) {
  MintQuote quote;
  quote.id = "late";
  quote.node_key = fresh_hash();
  quote.request = "lnbcrt";
  quote.unit = "mana";
  quote.amount = 10;
  quote.invoice_msat = 2'000;
  EXPECT_EQ(code(NewMintQuote{quote}), 0);
  EXPECT_TRUE(ledger_->set_prices({{"mana", 400}})) << "nobody holds any";
  EXPECT_EQ(code(PaymentReceived{quote.id, quote.node_key, 2'000, {}}), 0);
  EXPECT_EQ((*ledger_->mint_quote("late"))->amount_paid, 5U);
  EXPECT_TRUE(ledger_->totals().solvent());
}

/// A call of an operator; `unit` is set by it, or it is refused with `refusal`.
struct Operators {
  Ledger* ledger;
  AdminCall call(const std::string& action = "cap") const {
    AdminCall out;
    out.at = system_clock().now();
    out.admin = "alice";
    out.pubkey = fresh_hash();
    out.roles = "treasurer";
    out.action = action;
    out.arguments = R"({"unit":"mana"})";
    out.event = fresh_hash();
    out.event_until = system_clock().now_seconds() + Seconds{120};
    return out;
  }
  /// The status of a change of price.
  int price(const char* unit, std::uint64_t msat, bool keep = true, Seconds live = Seconds{600}) const {
    return set({.unit = unit}, PriceChange{unit, msat, live, keep})->status;
  }
  Result<AdminOutcome> set(UnitRecord unit, std::optional<PriceChange> price = std::nullopt) const {
    return ledger->administrate(call(), [&](const AdminView&) -> Result<AdminEffect> {
      return AdminEffect{std::move(unit), {}, std::move(price), "{}"};
    });
  }
};

TEST_P(LedgerTest, ACallOfAnOperatorIsLoggedWithItsEffectOrItsRefusal) {
  const Operators operators{ledger_.get()};
  AdminCall call = operators.call("create");
  call.key = fresh_hash();
  call.operation = fresh_hash();
  UnitRecord gold{.unit = "gold", .terms = CurrencyConfiguration{}};
  gold.terms->name = gold.terms->unit = "gold";
  gold.terms->price_msat = 500;
  gold.terms->issued_by = {Issuer::lightning, Issuer::engine};
  gold.terms->of_file = false;
  gold.final_expiry = unix_seconds(2'000'000'000);
  int asked = 0;
  const AdminPlan plan = [&](const AdminView& view) -> Result<AdminEffect> {
    ++asked;
    EXPECT_TRUE(view.units.empty());
    EXPECT_EQ(view.keysets.size(), 2U);
    return AdminEffect{gold, {}, PriceChange{"gold", 500}, R"({"unit":"gold"})"};
  };
  auto outcome = ledger_->administrate(call, plan);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->status, 200);
  EXPECT_FALSE(outcome->repeated);
  EXPECT_EQ(*ledger_->units(), std::vector{gold});

  EXPECT_EQ(ledger_->administrate(call, plan)->status, 401) << "the event is used up";
  call.event = fresh_hash();
  open();
  outcome = ledger_->administrate(call, plan);
  EXPECT_TRUE(outcome->repeated) << "also after a restart";
  EXPECT_EQ(outcome->text, R"({"unit":"gold"})");
  call.event = fresh_hash();
  call.operation = fresh_hash();
  EXPECT_EQ(ledger_->administrate(call, plan)->status, 400) << "the key stands for another call";
  EXPECT_EQ(asked, 1);

  AdminCall refused_call = operators.call();
  refused_call.admin = "b\303\266b";
  refused_call.pubkey = fresh_hash();
  outcome = ledger_->administrate(refused_call, [](const AdminView&) -> Result<AdminEffect> {
    return refused(40300, "a viewer may not do this");
  });
  EXPECT_EQ(outcome->status, 403);
  EXPECT_FALSE(ledger_->administrate(operators.call(), [](const AdminView&) -> Result<AdminEffect> {
    return broken("the keys don't fit");
  })) << "a fault of the mint is no outcome";
  const auto log = ledger_->audit(0, 100);
  ASSERT_TRUE(log) << log.error().message;
  std::vector<std::uint64_t> numbers;
  std::vector<std::string> outcomes;
  for (const AuditLine& line : *log) {
    numbers.push_back(line.number);
    outcomes.push_back(line.outcome);
  }
  EXPECT_EQ(numbers, (std::vector<std::uint64_t>{5, 4, 3, 2, 1}));
  EXPECT_EQ(outcomes.front(), "a viewer may not do this");
  EXPECT_EQ(outcomes[2], "repeated");
  EXPECT_EQ(outcomes.back(), "done");
  EXPECT_EQ(log->front().call.admin, refused_call.admin);
  EXPECT_EQ(log->front().call.pubkey, refused_call.pubkey);
  EXPECT_EQ(log->front().call.event, refused_call.event);
  EXPECT_EQ(log->front().call.arguments, refused_call.arguments);
  EXPECT_EQ(log->front().status, 403);
  const auto page = ledger_->audit(3, 1);
  ASSERT_EQ(page->size(), 1U);
  EXPECT_EQ(page->front().number, 2U);
}

TEST_P(LedgerTest, NoMoreIsIssuedThanACapAllows) {
  const Operators operators{ledger_.get()};
  const Spend held = minted(10);
  ASSERT_EQ(operators.set({.unit = "mana", .cap = 15})->status, 200);
  const auto mint = [&](const MintQuote& quote, cashu::Amount amount) {
    return code(MintWrite{fresh_hash(), {{quote.id, amount}}, {issue(amount)}, {}});
  };
  const MintQuote quote = paid(10);
  EXPECT_EQ(mint(quote, 6), cashu::kAmountOutsideLimit);
  EXPECT_EQ(mint(quote, 4), 0);
  EXPECT_EQ(code(SwapWrite{fresh_hash(), {held}, {issue(8)}}), 0) << "swaps conserve, less their fee";
  EXPECT_EQ(mint(quote, 2), 0);
  EXPECT_EQ(mint(quote, 2), cashu::kAmountOutsideLimit);
  open();
  EXPECT_EQ(mint(quote, 2), cashu::kAmountOutsideLimit) << "also after a restart";
  EXPECT_EQ(mint(quote, 1), 0);
  EXPECT_EQ(outstanding(0), 15);
  // The other unit has no cap, and what engines issue of one that has is bound by it as well.
  const match::MatchId match = fresh_hash();
  const Spend burned = spend(3);
  EXPECT_EQ(code(BurnWrite{fresh_hash(), fresh_hash(), match, {burned}, 3, 200}), 0);
  EXPECT_EQ(code(CreditedIssue{fresh_hash(), fresh_hash(), match, {issue(1, 2)}, 200}), 0);
  const Operators now{ledger_.get()};
  ASSERT_EQ(now.set({.unit = "loot", .cap = 1})->status, 200);
  EXPECT_EQ(code(CreditedIssue{fresh_hash(), fresh_hash(), match, {issue(1, 2)}, 200}),
            cashu::kAmountOutsideLimit);
  ASSERT_EQ(now.set({.unit = "loot"})->status, 200);
  EXPECT_EQ(code(CreditedIssue{fresh_hash(), fresh_hash(), match, {issue(1, 2)}, 200}), 0);
}

TEST_P(LedgerTest, ASettlementThatPaysInAnotherUnitIsBoundByItsCap) {
  const Operators operators{ledger_.get()};
  const auto settle = [&](const Spend& stake, std::uint32_t keyset) {
    SettleWrite write;
    write.match = fresh_hash();
    write.verdict_id = fresh_hash();
    write.claim_id = fresh_hash();
    write.announcement = write.verdict = write.claim = "{}";
    write.groups = {{fresh_hash(), {stake}, {issue(5, keyset)}}};
    return write;
  };
  const Spend a = minted(5);
  const Spend b = minted(5);
  const Spend c = minted(5);
  ASSERT_EQ(operators.set({.unit = "mana", .cap = 0})->status, 200);
  ASSERT_EQ(operators.set({.unit = "loot", .cap = 7})->status, 200);
  const SettleWrite first = settle(a, 2);
  EXPECT_EQ(code(first), 0);
  EXPECT_EQ(code(settle(b, 2)), cashu::kAmountOutsideLimit);
  EXPECT_EQ(state(b), ProofState::State::unspent);
  EXPECT_EQ(code(settle(c, 1)), 0) << "in the stakes' own unit it conserves";
  ASSERT_EQ(operators.set({.unit = "loot", .cap = 5})->status, 200);
  EXPECT_EQ(code(first), 0) << "what was done before is no issue";
  EXPECT_EQ(outstanding(1), 5);
}

TEST_P(LedgerTest, ManyAtOnceStayBelowACap) {
  const Operators operators{ledger_.get()};
  ASSERT_EQ(operators.set({.unit = "mana", .cap = 20})->status, 200);
  constexpr int kWrites = 40;
  std::vector<MintQuote> quotes;
  for (int i = 0; i < kWrites; ++i) quotes.push_back(paid(1));
  std::atomic<int> done = 0;
  std::atomic<int> refusals = 0;
  std::promise<void> all;
  for (const MintQuote& quote : quotes) {
    const auto count = [&](const Result<Written>& result) {
      if (!result && result.error().code == cashu::kAmountOutsideLimit) ++refusals;
      if (++done == kWrites) all.set_value();
    };
    EXPECT_TRUE(ledger_->write(MintWrite{fresh_hash(), {{quote.id, 1}}, {issue(1)}, {}}, count));
  }
  all.get_future().wait();
  EXPECT_EQ(refusals, kWrites - 20);
  EXPECT_EQ(outstanding(0), 20);
}

TEST_P(LedgerTest, AQuoteKeepsThePriceThatItPromised) {
  const Operators operators{ledger_.get()};
  const auto price = [&](std::uint64_t msat, bool keep) { return operators.price("mana", msat, keep); };
  const MintQuote first = quoted(10, 2'000);
  EXPECT_EQ(price(400, true), 400) << "nobody set 2000 msat aside for what the quote would be worth";
  const MintQuote gift = quoted(10, 20'000);
  EXPECT_EQ(pay(gift), 10U) << "18000 msat more than they are worth";
  EXPECT_EQ(price(400, true), 200);
  EXPECT_EQ(pay(first), 10U) << "what it promised";
  EXPECT_TRUE(ledger_->totals().solvent());
  const MintQuote second = quoted(10, 4'000);
  EXPECT_EQ(ledger_
                ->write_now(NewMintQuote{{.id = "stale",
                                          .node_key = fresh_hash(),
                                          .request = "lnbcrt",
                                          .unit = "mana",
                                          .amount = 10,
                                          .invoice_msat = 2'000}})
                .error()
                .kind,
            ErrorKind::unavailable)
      << "made at the price before";
  EXPECT_EQ(price(1'000, true), 400);
  EXPECT_EQ(price(1'000, false), 200) << "the operator breaks the promise";
  EXPECT_EQ(pay(second), 4U) << "what was paid is worth that much now";
  EXPECT_TRUE(ledger_->totals().solvent());
  open();
  EXPECT_EQ(ledger_->totals().units[0].price_msat, 1000U);
}

TEST_P(LedgerTest, AFallOfThePriceIsNotSpentTwice) {
  const Operators operators{ledger_.get()};
  const Spend held = minted(10);
  minted(10);
  // A melt quote made at 200 can still be paid at 200, for ten minutes.
  EXPECT_EQ(operators.price("mana", 100), 200);
  EXPECT_EQ(operators.price("mana", 200), 200);
  EXPECT_EQ(operators.price("mana", 201), 400);
  EXPECT_EQ(operators.price("mana", 100), 200);
  const std::string melt = begin_melt({held}, {}, 2'000);
  EXPECT_EQ(code(FinishMelt{melt, fresh_hash(), 2'000, {}}), 0);
  EXPECT_TRUE(ledger_->totals().solvent());
  EXPECT_TRUE(ledger_->health()) << "what the quote pays beyond today's price is no loss";
}

TEST_P(LedgerTest, WhatOneRiseSetsAsideAnotherDoesNotSpend) {
  const Operators operators{ledger_.get()};
  EXPECT_EQ(pay(quoted(1, 20'200)), 1U) << "20000 msat more than it is worth";
  const MintQuote mana = quoted(100, 20'000);
  const MintQuote loot = quoted(100, 20'000, "loot");
  EXPECT_EQ(operators.price("mana", 390), 200) << "19000 msat for the open quote, 190 for the mana out there";
  EXPECT_EQ(operators.price("loot", 390), 400) << "of what is left, 19000 msat can't be promised again";
  EXPECT_EQ(operators.price("loot", 204), 200) << "400 msat can";
  EXPECT_EQ(operators.price("mana", 300), 200) << "a fall is no new promise";
  EXPECT_EQ(operators.price("mana", 390), 200);
  EXPECT_EQ(operators.price("loot", 390, false), 200) << "those of loot are broken, those of mana are not";
  EXPECT_EQ(pay(loot), 51U);
  EXPECT_EQ(pay(mana), 100U);
  EXPECT_TRUE(ledger_->totals().solvent());
  open();
  EXPECT_TRUE(ledger_->health());
}

TEST_P(LedgerTest, ARiseThatBreaksPromisesMayBreakThoseOfAnotherUnit) {
  const Operators operators{ledger_.get()};
  EXPECT_EQ(pay(quoted(100, 40'000, "loot")), 100U) << "20000 msat more than they are worth";
  const MintQuote mana = quoted(100, 20'000);
  EXPECT_EQ(operators.price("mana", 300), 200);
  EXPECT_EQ(operators.price("loot", 350), 400) << "10000 msat are set aside for the mana quote";
  EXPECT_TRUE(ledger_->set_prices({{"mana", 300}, {"loot", 350}})) << "a start is not held up by open quotes";
  EXPECT_EQ(pay(mana), 66U) << "what was paid is worth that much";
  EXPECT_TRUE(ledger_->totals().solvent());
}

TEST_P(LedgerTest, APendingPaymentKeepsWhatItsPriceFreed) {
  const Operators operators{ledger_.get()};
  const std::string melt = begin_melt({minted(100)}, {}, 20'000);
  EXPECT_EQ(pay(quoted(100, 20'000, "loot")), 100U);
  EXPECT_EQ(operators.price("mana", 100, true, Seconds{0}), 200) << "no other melt quote is about";
  EXPECT_EQ(operators.price("loot", 300), 400) << "the payment takes the 10000 msat when it succeeds";
  EXPECT_FALSE(ledger_->set_prices({{"loot", 300}}));
  EXPECT_EQ(code(FinishMelt{melt, fresh_hash(), 20'000, {}}), 0);
  EXPECT_TRUE(ledger_->totals().solvent());
  open();
  EXPECT_TRUE(ledger_->health());
}

TEST_P(LedgerTest, APromiseIsKeptThoughWhatWasSetAsideIsGone) {
  const Operators operators{ledger_.get()};
  EXPECT_EQ(pay(quoted(1, 20'200, "loot")), 1U) << "20000 msat more than it is worth";
  const MintQuote loot = quoted(100, 20'000, "loot");
  EXPECT_EQ(operators.price("loot", 300), 200) << "10000 msat for the open quote";
  // Mana that was bought after a fall of its price is melted at the price before.
  EXPECT_EQ(operators.price("mana", 100), 200);
  const MintQuote cheap = quoted(150, 15'000);
  EXPECT_EQ(pay(cheap), 150U);
  EXPECT_EQ(code(MintWrite{fresh_hash(), {{cheap.id, 150}}, {issue(150)}, {}}), 0);
  EXPECT_EQ(code(FinishMelt{begin_melt({spend(150)}, {}, 30'000), fresh_hash(), 30'000, {}}), 0);
  EXPECT_TRUE(ledger_->totals().solvent());
  EXPECT_EQ(pay(loot), 100U) << "in full";
  const Totals totals = ledger_->totals();
  EXPECT_EQ(totals.liabilities_msat() - totals.assets_msat(), 5'100);
  open();
  EXPECT_TRUE(ledger_->health()) << "a loss that is accounted for halts nothing";
  EXPECT_EQ(pay(quoted(1, 300, "loot")), 1U);
}

/// Sums of the entries that are in the database, whose chains are walked; "" in `fault` if all are whole.
inline Accounts journaled(LedgerPlace& place, std::string& fault) {
  Accounts sums;
  std::map<std::string, std::pair<std::uint64_t, Hash32>> heads;
  for (const std::string& text : place.column("entry", "journal", "ORDER BY chain, sequence")) {
    const auto entry = JournalEntry::parse(text);
    if (!entry) {
      fault = entry.error().message + ": " + text;
      return sums;
    }
    auto& [sequence, digest] = heads[entry->chain];
    if (entry->sequence != sequence + 1 || entry->previous != digest)
      fault = "the chain is broken at " + text;
    sequence = entry->sequence;
    digest = journal_digest(text);
    add_changes(sums, entry->changes);
  }
  return sums;
}
inline Accounts accounts_of(const Totals& totals) {
  Accounts out;
  const auto add = [&](std::string_view kind, const std::string& what, Wide amount) {
    if (amount != 0) out.emplace(std::string(kind) + what, amount);
  };
  for (const KeysetTotals& keyset : totals.keysets) {
    add(kIssued, std::to_string(keyset.number), keyset.issued);
    add(kRedeemed, std::to_string(keyset.number), keyset.redeemed);
  }
  for (const UnitTotals& unit : totals.units) {
    add(kPaidFor, unit.unit, unit.paid_for);
    add(kClaimed, unit.unit, unit.claimed);
  }
  add(kReceived, "", totals.received_msat);
  add(kPaidOut, "", totals.paid_out_msat);
  add(kCredit, "", totals.credit_msat);
  return out;
}

TEST_P(LedgerTest, TheJournalHasAllThatWasCommittedWhenItCloses) {
  const crypto::SecretKey key = crypto::SecretKey::generate(system_random());
  ledger_->sign_checkpoints(key);
  EXPECT_EQ(code(SwapWrite{fresh_hash(), {minted(8)}, {issue(4), issue(3)}}), 0);
  const std::string melt = begin_melt({minted(5)}, {}, 1'000);
  EXPECT_EQ(code(FinishMelt{melt, fresh_hash(), 1'000, {}}), 0);
  const Accounts first = accounts_of(ledger_->totals());
  ledger_.reset();
  std::string fault;
  EXPECT_EQ(journaled(*place_, fault), first);
  EXPECT_EQ(fault, "");
  open();
  ledger_->sign_checkpoints(key);
  minted(2);
  EXPECT_EQ(code(BurnWrite{fresh_hash(), fresh_hash(), fresh_hash(), {minted(10)}, 10, 200}), 0);
  const Accounts second = accounts_of(ledger_->totals());
  ledger_.reset();
  EXPECT_EQ(journaled(*place_, fault), second);
  EXPECT_EQ(fault, "");

  const auto texts = place_->column("text", "checkpoints", "ORDER BY number");
  ASSERT_GE(texts.size(), 2U);
  EXPECT_EQ(Checkpoint::parse(texts.front())->previous, Hash32{});
  EXPECT_EQ(Checkpoint::parse(texts.back())->previous, journal_digest(texts[texts.size() - 2]));
  open();
  const auto last = ledger_->standing().checkpoint;
  ASSERT_TRUE(last);
  EXPECT_EQ(last->text, texts.back());
  const auto read = read_checkpoint(*last, key.x_only());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->number, texts.size());
  EXPECT_EQ(read->balances, second);
  ASSERT_EQ(read->heads.size(), 1U);
  EXPECT_EQ(read->heads[0].sequence, ledger_->standing().sequence);
  ASSERT_EQ(read->keysets.size(), 2U);
  EXPECT_EQ(read->keysets[1].unit, "loot");
}

TEST_P(LedgerTest, WithoutAKeyThereAreNoCheckpoints) {
  minted(1);
  open();
  EXPECT_GT(ledger_->standing().sequence, 0U);
  EXPECT_FALSE(ledger_->standing().checkpoint);
}

TEST_P(LedgerTest, ProofsThatNobodyIssuedRaiseTheAlarm) {
  const Spend mine = minted(8);
  const std::string melt = begin_melt({mine}, {}, 1'600);
  const MintQuote waiting = [&] {
    MintQuote quote;
    quote.id = "waiting";
    quote.node_key = fresh_hash();
    quote.request = "lnbcrt";
    quote.unit = "mana";
    quote.amount = 1;
    quote.invoice_msat = 200;
    EXPECT_EQ(code(NewMintQuote{quote}), 0);
    return quote;
  }();
  // Whoever has the keys of mana turns more of it into loot than there is.
  EXPECT_EQ(ledger_->standing().alarm, "");
  (void)ledger_->write_now(SwapWrite{fresh_hash(), {spend(9)}, {issue(9, 2)}});
  EXPECT_TRUE(manastr::test::eventually([&] { return !ledger_->standing().alarm.empty(); }));
  EXPECT_NE(ledger_->standing().alarm.find("of keyset 1 "), std::string::npos) << ledger_->standing().alarm;
  ASSERT_FALSE(ledger_->health());
  EXPECT_EQ(kind(SwapWrite{fresh_hash(), {spend(1)}, {issue(1)}}), ErrorKind::broken);
  EXPECT_EQ(kind(NewMintQuote{MintQuote{.id = "new", .node_key = fresh_hash(), .unit = "mana"}}),
            ErrorKind::broken);
  EXPECT_EQ(code(PaymentReceived{waiting.id, waiting.node_key, 200, {}}), 0) << "ends of payments go on";
  EXPECT_EQ(code(FinishMelt{melt, fresh_hash(), 1'600, {}}), 0);
  EXPECT_EQ(state(mine), ProofState::State::spent);
}

TEST_P(LedgerTest, WhatAnotherMintHadDoneIsTakenOver) {
  const Spend spent = spend(6);
  const Issue signature = issue(10);
  TakeOver write{fresh_hash(), {}, {signature}, 10 * 200, 0, {}};
  EXPECT_EQ(code(write), 0);
  EXPECT_EQ(code(TakeOver{fresh_hash(), {spent}, {}, -500, 700, {}}), 0) << "less received, more paid out";
  const Totals totals = ledger_->totals();
  EXPECT_EQ(totals.received_msat, 1'500);
  EXPECT_EQ(totals.paid_out_msat, 700);
  EXPECT_EQ(totals.liabilities_msat(), 800);
  EXPECT_EQ(code(SwapWrite{fresh_hash(), {spent}, {issue(6)}}), 11001);
  EXPECT_EQ(code(SwapWrite{fresh_hash(), {test::spend(10)}, {signature}}), 11003);
  open();
  EXPECT_EQ(ledger_->totals().assets_msat(), 800);
  EXPECT_EQ((*ledger_->signatures(std::vector{signature.b_blinded}))[0]->c_blinded, signature.c_blinded);
}

TEST_P(LedgerTest, ARestoreHoldsAllKeysetsUntilItIsSettled) {
  EXPECT_TRUE(ledger_->origins()->empty());
  EXPECT_TRUE(ledger_->add_origin({Origin::Kind::imported, unix_seconds(5), "{}", false}));
  EXPECT_FALSE((*ledger_->keysets())[0].held) << "an import holds nothing";
  EXPECT_TRUE(ledger_->add_origin({Origin::Kind::restored, unix_seconds(7), "{\"a\":1}", false}));
  open();
  for (const KeysetRecord& each : *ledger_->keysets()) EXPECT_TRUE(each.held);
  auto origins = ledger_->origins();
  ASSERT_EQ(origins->size(), 2U);
  EXPECT_EQ((*origins)[1].kind, Origin::Kind::restored);
  EXPECT_EQ((*origins)[1].at, unix_seconds(7));
  EXPECT_EQ((*origins)[1].detail, "{\"a\":1}");
  EXPECT_FALSE((*origins)[1].settled);
  EXPECT_TRUE(ledger_->settle_origins(unix_seconds(9)));
  for (const KeysetRecord& each : *ledger_->keysets()) EXPECT_FALSE(each.held);
  for (const Origin& each : *ledger_->origins()) EXPECT_TRUE(each.settled);
}

}  // namespace manastr::mint::test
