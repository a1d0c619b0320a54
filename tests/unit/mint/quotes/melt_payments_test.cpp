#include "mint/quotes/melt_payments.h"

#include <gtest/gtest.h>

#include <deque>
#include <future>

#include "common/base/random.h"
#include "mint/ledger/sqlite_ledger.h"
#include "tests/support/temporary_folder.h"

namespace manastr::mint {
namespace {

using lightning::Payment;
using lightning::PaymentState;

Payment in(PaymentState state) { return {state, std::nullopt, 0, ""}; }
Hash32 fresh_hash() { return system_random().bytes<32>(); }

/// A node that answers as it is told: pay() once, lookups one after the other, the last for ever.
class ToldNode final : public lightning::Node {
 public:
  Result<lightning::NewInvoice> create_invoice(Msat, std::string_view, Seconds) override {
    return invalid("not here");
  }
  Result<lightning::InvoiceStatus> lookup_invoice(const Hash32&) override { return invalid("not here"); }
  void on_invoice_paid(std::function<void(const Hash32&, Msat)>) override {}
  Msat fee_reserve(Msat) const override { return 0; }
  Result<Payment> pay(std::string_view, std::optional<Msat> amount, Msat) override {
    const std::lock_guard lock(mutex_);
    ++sent_;
    amount_ = amount;
    return pay_answer;
  }
  Payment lookup_payment(const Hash32&) override {
    const std::lock_guard lock(mutex_);
    ++asked_;
    const Payment out = lookups.front();
    if (lookups.size() > 1) lookups.pop_front();
    return out;
  }
  bool pays_parts() const override { return true; }
  Status health() override { return {}; }
  std::string_view name() const override { return "told"; }

  void now_says(PaymentState state) {
    const std::lock_guard lock(mutex_);
    lookups = {in(state)};
  }
  int sent() const { return count(sent_); }
  int asked() const { return count(asked_); }
  std::optional<Msat> amount() const {
    const std::lock_guard lock(mutex_);
    return amount_;
  }

  Result<Payment> pay_answer = in(PaymentState::paid);
  std::deque<Payment> lookups{in(PaymentState::unknown)};

 private:
  int count(const int& of) const {
    const std::lock_guard lock(mutex_);
    return of;
  }
  mutable std::mutex mutex_;
  int sent_ = 0;
  int asked_ = 0;
  std::optional<Msat> amount_;
};

class MeltPaymentsTest : public testing::Test {
 protected:
  MeltPaymentsTest() {
    auto assembled = assemble({}, 0);
    EXPECT_TRUE(assembled) << assembled.error().message;
    keysets_.emplace(assembled->ring);
    SqliteLedgerOptions options;
    options.file = folder_.path("ledger.sqlite");
    options.filter_log2_bits = 12;
    ledger_ = *open_sqlite_ledger(std::move(options));
    EXPECT_TRUE(ledger_->store_keysets(assembled->records));
    EXPECT_TRUE(ledger_->set_prices({{"sat", 1'000}}));
    MintQuote paid;
    paid.id = "paid";
    paid.node_key = fresh_hash();
    paid.request = "lnbcrt";
    paid.unit = "sat";
    paid.amount = 64;
    write(NewMintQuote{paid});
    write(PaymentReceived{paid.id, paid.node_key, 64'000, {}});
    Issue issue;
    issue.b_blinded = point(3);
    issue.c_blinded = point(4);
    issue.keyset = assembled->records.front().number;
    issue.amount = 64;
    write(MintWrite{fresh_hash(), {{"paid", 64}}, {issue}, {}});
    proof_ = {point(5), issue.keyset, 64, ""};
  }

  /// With the sat's keyset_index.
  static Result<KeysetRing::Assembled> assemble(std::vector<KeysetRecord> stored, std::uint32_t index) {
    Configuration configuration;
    CurrencyConfiguration sat;
    sat.name = sat.unit = "sat";
    sat.price_msat = 1'000;
    sat.keyset_index = index;
    configuration.currencies = {sat};
    return KeysetRing::assemble(
        *crypto::mnemonic_seed(
            "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"),
        std::move(stored), configuration);
  }
  static PointBytes point(Byte number) {
    PointBytes out{};
    out[0] = 2;
    out[1] = number;
    return out;
  }
  void write(Write what) {
    const auto written = ledger_->write_now(std::move(what));
    ASSERT_TRUE(written) << written.error().message;
  }
  /// Journaled, with the proof locked.
  MeltQuote begun(Msat part = 0, std::vector<BlankOutput> blanks = {}) {
    MeltQuote quote;
    quote.id = "melt";
    quote.node_key = fresh_hash();
    quote.request = "lnbcrt";
    quote.unit = "sat";
    quote.amount = 64;
    quote.invoice_msat = part == 0 ? 64'000 : part;
    quote.names_amount = part == 0;
    quote.price_msat = 1'000;
    write(NewMeltQuote{quote});
    write(BeginMelt{fresh_hash(), quote.id, {proof_}, std::move(blanks), 0});
    return *ledger_->melt_quote(quote.id)->operator->();
  }
  ProofState::State proof_state() { return (*ledger_->proof_states(std::span(&proof_.y, 1)))[0].state; }
  std::unique_ptr<MeltPayments> payments(Millis answer_within = Millis{60'000}) {
    return std::make_unique<MeltPayments>(
        *keysets_, *ledger_, node_,
        MeltPaymentsOptions{.threads = 2, .queue = 10, .answer_within = answer_within});
  }
  static Result<MeltQuote> paid_by(MeltPayments& payments, MeltQuote quote) {
    std::promise<Result<MeltQuote>> promise;
    auto future = promise.get_future();
    payments.pay(std::move(quote),
                 [&promise](Result<MeltQuote> done) { promise.set_value(std::move(done)); });
    return future.get();
  }
  static void eventually(const std::function<bool()>& holds) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!holds() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
    EXPECT_TRUE(holds());
  }

  const test::TemporaryFolder folder_;
  std::optional<Keysets> keysets_;
  std::unique_ptr<Ledger> ledger_;
  ToldNode node_;
  Spend proof_;
};

TEST_F(MeltPaymentsTest, APaidOneIsSpent) {
  const auto all = payments();
  const auto done = paid_by(*all, begun());
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->state, MeltQuote::State::paid);
  EXPECT_EQ(proof_state(), ProofState::State::spent);
  EXPECT_EQ(node_.amount(), std::nullopt);
  EXPECT_EQ(all->pending(), 0U);
}

TEST_F(MeltPaymentsTest, APartNamesItsAmount) {
  const auto all = payments();
  EXPECT_TRUE(paid_by(*all, begun(40'000)));
  EXPECT_EQ(node_.amount(), 40'000U);
}

TEST_F(MeltPaymentsTest, ChangeIsSignedByTheKeysetThatEachOutputNames) {
  const auto assembled = assemble(*ledger_->keysets(), 1);
  ASSERT_TRUE(assembled) << assembled.error().message;
  ASSERT_TRUE(ledger_->store_keysets(assembled->records));
  keysets_->publish(assembled->ring);
  const SigningKeyset& old = *assembled->ring->by_number(1);
  const SigningKeyset& fresh = *assembled->ring->by_number(2);
  const auto& points = old.denominations();  // any valid ones
  const auto all = payments();
  // 64 in, 61 out: 1 and 2 come back.
  const auto done = paid_by(*all, begun(61'000, {{points[7].key.bytes(), 1}, {points[8].key.bytes(), 2}}));
  ASSERT_TRUE(done) << done.error().message;
  ASSERT_EQ(done->change.size(), 2U);
  const SigningKeyset* const keysets[] = {&old, &fresh};
  for (std::size_t i = 0; i < 2; ++i) {
    const StoredSignature& made = done->change[i];
    EXPECT_EQ(made.keyset, i + 1);
    EXPECT_TRUE(crypto::verify_dleq(keysets[i]->denomination(made.amount)->key, points[7 + i].key,
                                    *crypto::PublicKey::parse(made.c_blinded), made.dleq));
  }
}

TEST_F(MeltPaymentsTest, AFailureCountsOnceTheLookupSaysSoToo) {
  node_.pay_answer = in(PaymentState::failed);
  node_.now_says(PaymentState::failed);
  const auto all = payments();
  const auto done = paid_by(*all, begun());
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, 20004);
  EXPECT_EQ(proof_state(), ProofState::State::unspent);
}

TEST_F(MeltPaymentsTest, OneThatFailedAndThenSucceededIsPaid) {
  node_.pay_answer = in(PaymentState::failed);
  node_.lookups = {in(PaymentState::unknown), in(PaymentState::pending), in(PaymentState::paid)};
  const auto all = payments();
  const auto done = paid_by(*all, begun());
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->state, MeltQuote::State::paid);
  EXPECT_EQ(proof_state(), ProofState::State::spent);
  EXPECT_EQ(node_.sent(), 1);
}

TEST_F(MeltPaymentsTest, WhatWasNotSentIsFreeAtOnce) {
  node_.pay_answer = invalid("the invoice has expired");
  const auto all = payments();
  const auto done = paid_by(*all, begun());
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, 20004);
  EXPECT_EQ(proof_state(), ProofState::State::unspent);
  EXPECT_EQ(node_.asked(), 0);
}

TEST_F(MeltPaymentsTest, OneUnderWayIsAnsweredAsPendingInTimeAndEndsLater) {
  node_.pay_answer = in(PaymentState::pending);
  node_.now_says(PaymentState::pending);
  const auto all = payments(Millis{1});
  const auto done = paid_by(*all, begun());
  ASSERT_TRUE(done);
  EXPECT_EQ(done->state, MeltQuote::State::pending);
  EXPECT_EQ(proof_state(), ProofState::State::pending);
  EXPECT_EQ(all->pending(), 1U);
  node_.now_says(PaymentState::paid);
  eventually([&] { return proof_state() == ProofState::State::spent; });
  eventually([&] { return all->pending() == 0; });
}

TEST_F(MeltPaymentsTest, WhoseTimeIsUpHearsOfAnEndThatHasJustCome) {
  node_.pay_answer = in(PaymentState::pending);
  node_.lookups = {in(PaymentState::pending), in(PaymentState::paid)};
  const auto all = payments(Millis{0});
  const auto done = paid_by(*all, begun());
  ASSERT_TRUE(done);
  EXPECT_EQ(done->state, MeltQuote::State::paid);
}

TEST_F(MeltPaymentsTest, WhoWaitsIsAnsweredWhenTheMintStops) {
  node_.pay_answer = in(PaymentState::unknown);
  const auto all = payments();
  std::promise<Result<MeltQuote>> promise;
  auto future = promise.get_future();
  all->pay(begun(), [&](Result<MeltQuote> done) { promise.set_value(std::move(done)); });
  eventually([&] { return all->pending() == 1 && node_.asked() > 0; });
  all->stop_waiting();
  const auto done = future.get();
  ASSERT_TRUE(done);
  EXPECT_EQ(done->state, MeltQuote::State::pending);
}

TEST_F(MeltPaymentsTest, OneThatWasJournaledAfterAllIsFollowedUp) {
  node_.now_says(PaymentState::failed);  // it was never sent
  const auto all = payments();
  ASSERT_TRUE(all->recover());
  MeltQuote quote = begun();
  quote.attempt = 9;
  all->find_out(quote);  // that try is not the one under way
  MeltQuote journaled = quote;
  journaled.attempt = 0;
  all->find_out(journaled);
  eventually([&] { return proof_state() == ProofState::State::unspent; });
  EXPECT_EQ(node_.sent(), 0);
}

TEST_F(MeltPaymentsTest, TheNextStartTakesUpWhatWasPending) {
  begun();
  node_.lookups = {in(PaymentState::unknown), in(PaymentState::paid)};
  const auto all = payments();
  ASSERT_TRUE(all->recover());
  eventually([&] { return proof_state() == ProofState::State::spent; });
  EXPECT_EQ(node_.sent(), 0) << "it is asked for, never sent again";
}

/// Read later, they would be one with those of this process that the node has not heard of yet, and says of
/// that they failed: inputs would be freed, and the invoice paid all the same.
TEST_F(MeltPaymentsTest, WhatWasPendingIsReadBeforeTheFirstRequest) {
  begun();
  for (int i = 0; i < 20; ++i) {
    const auto all = payments();
    ASSERT_TRUE(all->recover());
    EXPECT_EQ(all->pending(), 1U);
  }
}

TEST_F(MeltPaymentsTest, TheNextStartFreesWhatWasNeverSent) {
  begun();
  node_.now_says(PaymentState::failed);
  const auto all = payments();
  ASSERT_TRUE(all->recover());
  eventually([&] { return proof_state() == ProofState::State::unspent; });
}

TEST_F(MeltPaymentsTest, AQuestionBringsTheNextLookupForward) {
  node_.pay_answer = in(PaymentState::pending);
  node_.now_says(PaymentState::pending);
  const auto all = payments(Millis{1});
  ASSERT_TRUE(paid_by(*all, begun()));
  eventually([&] { return node_.asked() >= 5; });  // by now the next one is 800 ms away
  all->ask_soon("another");
  all->ask_soon("melt");
  node_.now_says(PaymentState::failed);
  eventually([&] { return proof_state() == ProofState::State::unspent; });
}

}  // namespace
}  // namespace manastr::mint
