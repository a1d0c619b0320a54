// Several mints on one database: everything happens once, whoever is asked, and each notices what the others
// did.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <map>
#include <mutex>
#include <numeric>
#include <thread>

#include "tests/unit/mint/ledger/fresh.h"
#include "tests/unit/mint/ledger/postgres/postgres_options.h"
#include "tests/unit/mint/ledger/scripted_life.h"

namespace manastr::mint::test {
namespace {

bool eventually(const std::function<bool()>& condition) {
  for (int i = 0; i < 2'000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(Millis{5});
  }
  return false;
}

class Replicas : public testing::Test {
 protected:
  Replicas() {
    EXPECT_TRUE(prepare(*a_));
    EXPECT_TRUE(prepare(*b_));
  }
  std::unique_ptr<Ledger> open(const std::string& replica) {
    auto opened = open_postgres_ledger(options_for(url_, replica));
    EXPECT_TRUE(opened) << opened.error().message;
    return *std::move(opened);
  }
  /// A quote that is paid, through a.
  void paid(const std::string& id, cashu::Amount amount) {
    MintQuote quote{.id = id, .node_key = fresh_hash(), .request = "lnbc", .unit = "mana"};
    quote.amount = amount;
    quote.invoice_msat = amount * kManaMsat;
    ASSERT_TRUE(a_->write_now(NewMintQuote{quote}));
    ASSERT_TRUE(b_->write_now(PaymentReceived{quote.id, quote.node_key, quote.invoice_msat, {}}));
  }
  void minted(unsigned proofs) {
    paid("all", proofs);
    std::vector<Issue> issues;
    for (unsigned n = 0; n < proofs; ++n) issues.push_back(output(20'000 + n, 1));
    ASSERT_TRUE(a_->write_now(MintWrite{fresh_hash(), {{"all", proofs}}, issues, {}}));
  }
  /// Does each write at both at once, many under way; how often each was said to be done.
  std::vector<int> at_both(const std::vector<Write>& writes, const std::vector<Write>& other) {
    std::vector<std::atomic<int>> done(writes.size());
    std::atomic<std::size_t> left = 2 * writes.size();
    std::promise<void> all;
    const auto send = [&](Ledger& ledger, const std::vector<Write>& list) {
      for (std::size_t i = 0; i < list.size(); ++i) {
        EXPECT_TRUE(ledger.write(list[i], [&, i](const Result<Written>& said) {
          if (said) ++done[i];
          if (--left == 0) all.set_value();
        }));
      }
    };
    std::thread at_a([&] { send(*a_, writes); });
    std::thread at_b([&] { send(*b_, other); });
    at_a.join();
    at_b.join();
    all.get_future().wait();
    return {done.begin(), done.end()};
  }

  PostgresCluster& cluster_ = PostgresCluster::instance();
  const std::string url_ = cluster_.make_database();
  std::unique_ptr<Ledger> a_ = open("a");
  std::unique_ptr<Ledger> b_ = open("b");
};

TEST_F(Replicas, SpendEachProofAndSignEachOutputOnce) {
  constexpr unsigned kProofs = 1'500;
  minted(2 * kProofs);
  std::vector<Write> first, second;
  for (unsigned n = 0; n < kProofs; ++n) {
    // The same proof onto other outputs, or other proofs onto the same output.
    const bool same_proof = n % 2 == 0;
    first.push_back(SwapWrite{fresh_hash(), {proof(n, 1)}, {output(n, 1)}});
    second.push_back(SwapWrite{
        fresh_hash(), {proof(same_proof ? n : kProofs + n, 1)}, {output(same_proof ? kProofs + n : n, 1)}});
  }
  std::ranges::reverse(second);
  std::vector<int> done = at_both(first, second);
  // at_both counts second's by its own order.
  unsigned sum = 0;
  for (const int each : done) sum += static_cast<unsigned>(each);
  EXPECT_EQ(sum, kProofs) << "one of each pair";
  EXPECT_TRUE(eventually([&] { return a_->totals().units[0].redeemed == kProofs; }));
  EXPECT_TRUE(eventually([&] { return b_->totals().units[0].redeemed == kProofs; }));
  EXPECT_EQ(a_->totals().units[0].outstanding(), 2 * kProofs);
  EXPECT_TRUE(a_->health() && b_->health());
}

TEST_F(Replicas, AnswerTheSameRequestAlike) {
  constexpr unsigned kProofs = 300;
  minted(kProofs);
  std::vector<Write> swaps;
  for (unsigned n = 0; n < kProofs; ++n)
    swaps.push_back(SwapWrite{hash_of(n), {proof(n, 1)}, {output(n, 1)}});
  for (const int each : at_both(swaps, swaps)) EXPECT_EQ(each, 2);
  EXPECT_TRUE(eventually([&] { return a_->totals().units[0].redeemed == kProofs; })) << "though done once";
  const match::MatchId match = fresh_hash();
  std::vector<Write> burns;
  for (unsigned n = 0; n < 20; ++n) {
    burns.push_back(BurnWrite{hash_of(n), hash_of(n), match, {{point('c', n), kMana, 1, ""}}, 1, kManaMsat});
  }
  for (const int each : at_both(burns, burns)) EXPECT_EQ(each, 2);
  EXPECT_TRUE(eventually([&] { return a_->totals().credit_msat == 20 * kManaMsat; }));
}

TEST_F(Replicas, TakeEachBlindTokenOnce) {
  constexpr unsigned kRequests = 300;
  minted(2 * kRequests);
  std::vector<Write> first, second, same;
  for (unsigned n = 0; n < kRequests; ++n) {
    const auto swap = [&](unsigned number, unsigned token) {
      return SwapWrite{hash_of(number),
                       {proof(number, 1)},
                       {output(number, 1)},
                       TokenSpend{point('k', token), 1, hash_of(number)}};
    };
    first.push_back(swap(n, n));
    second.push_back(swap(kRequests + n, n));
  }
  std::ranges::reverse(second);
  unsigned sum = 0;
  for (const int each : at_both(first, second)) sum += static_cast<unsigned>(each);
  EXPECT_EQ(sum, kRequests) << "one of each pair";
  for (unsigned n = 0; n < kRequests; ++n) same.push_back(UseToken{{point('l', n), 1, hash_of(n)}});
  for (const int each : at_both(same, same)) EXPECT_EQ(each, 2) << "for the same request";
  for (Write& each : same) each = UseToken{{point('m', static_cast<unsigned>(&each - same.data())), 1, {}}};
  for (const int each : at_both(same, same)) EXPECT_EQ(each, 1);
}

TEST_F(Replicas, IssueBlindTokensAlike) {
  std::vector<Write> asked;
  for (unsigned n = 0; n < 100; ++n)
    asked.push_back(
        IssueTokens{hash_of(n), {output(2 * n, 1), output(2 * n + 1, 1)}, hash_of(7), 500'000, 200});
  for (const int each : at_both(asked, asked)) EXPECT_EQ(each, 2);
  const auto more = a_->write_now(IssueTokens{hash_of(200), {output(500, 1)}, hash_of(7), 500'000, 200});
  ASSERT_FALSE(more) << "each was counted once, and the subject has all of its 200";
  EXPECT_EQ(more.error().code, cashu::kBlindTokensTooOften);
}

TEST_F(Replicas, IssueEachQuoteOnce) {
  constexpr unsigned kQuotes = 200;
  std::vector<Write> first, second;
  for (unsigned n = 0; n < kQuotes; ++n) {
    const std::string id = "quote " + std::to_string(n);
    paid(id, 1);
    first.push_back(MintWrite{fresh_hash(), {{id, 1}}, {output(n, 1)}, {}});
    second.push_back(MintWrite{fresh_hash(), {{id, 1}}, {output(kQuotes + n, 1)}, {}});
  }
  for (const int each : at_both(first, second)) EXPECT_EQ(each, 1);
  EXPECT_TRUE(eventually([&] { return b_->totals().units[0].outstanding() == kQuotes; }));
}

TEST_F(Replicas, APaymentIsOfOneMintUntilItsLeaseEnds) {
  minted(2);
  const Hash32 invoice = fresh_hash();
  MeltQuote quote{.id = "m1", .node_key = invoice, .request = "lnbc", .unit = "mana"};
  quote.amount = 1;
  quote.invoice_msat = kManaMsat;
  quote.price_msat = kManaMsat;
  ASSERT_TRUE(a_->write_now(NewMeltQuote{quote}));
  MeltQuote other = quote;
  other.id = "m2";
  ASSERT_TRUE(b_->write_now(NewMeltQuote{other}));
  ASSERT_TRUE(a_->write_now(BeginMelt{fresh_hash(), "m1", {proof(1, 1)}, {}, 0}));
  const auto refused = b_->write_now(BeginMelt{fresh_hash(), "m2", {proof(2, 1)}, {}, 0});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, cashu::kQuotePending);
  EXPECT_TRUE(a_->may_pay(quote));
  EXPECT_FALSE(b_->may_pay(quote));
  EXPECT_TRUE(b_->adopt_melts()->empty());
  EXPECT_TRUE(b_->pending_melts()->empty()) << "a start of b is no reason to take it over";

  cluster_.execute(url_, "UPDATE mint.payments SET lease = now() - interval '1 second'");
  EXPECT_TRUE(a_->adopt_melts()->empty()) << "what a holds it may be about to send";
  cluster_.execute(url_, "UPDATE mint.payments SET lease = now() + interval '60 seconds'");

  a_.reset();
  EXPECT_TRUE(b_->adopt_melts()->empty()) << "the lease has not run out";
  cluster_.execute(url_, "UPDATE mint.payments SET lease = now() - interval '1 second'");
  const auto adopted = b_->adopt_melts();
  ASSERT_TRUE(adopted && adopted->size() == 1);
  EXPECT_EQ(adopted->front().id, "m1");
  a_ = open("a");
  EXPECT_TRUE(a_->pending_melts()->empty());
  EXPECT_FALSE(a_->may_pay(quote));
  ASSERT_TRUE(b_->write_now(FinishMelt{"m1", fresh_hash(), kManaMsat, {}}));
  const auto paid_already = a_->write_now(BeginMelt{fresh_hash(), "m2", {proof(2, 1)}, {}, 0});
  ASSERT_FALSE(paid_already);
  EXPECT_EQ(paid_already.error().code, cashu::kInvoiceAlreadyPaid);
}

TEST_F(Replicas, NoticeAProcessUnderTheSameName) {
  const auto again = open("a");
  EXPECT_TRUE(eventually([&] { return !a_->health(); }));
  EXPECT_TRUE(again->health());
  EXPECT_FALSE(a_->write_now(UseAuthorization{fresh_hash(), unix_seconds(1), unix_seconds(2)}));
}

TEST_F(Replicas, AProcessWhoseNameWasTakenCommitsNothingAnyMore) {
  minted(3);
  auto options = options_for(url_, "c");
  options.audit_every = Millis{3'600'000};  // it hears of it by the commit alone
  auto first = open_postgres_ledger(options);
  ASSERT_TRUE(first) << first.error().message;
  ASSERT_TRUE(prepare(**first));
  ASSERT_TRUE((*first)->write_now(SwapWrite{fresh_hash(), {proof(0, 1)}, {output(0, 1)}}));
  const auto second = open("c");
  const auto swap = (*first)->write_now(SwapWrite{fresh_hash(), {proof(1, 1)}, {output(1, 1)}});
  EXPECT_FALSE(swap) << "in one go with its COMMIT";
  EXPECT_FALSE((*first)->write_now(FinishMelt{"m", std::nullopt, 1, {}})) << "not even what ends something";
  ASSERT_FALSE((*first)->health());
  EXPECT_NE((*first)->health().error().message.find("another process"), std::string::npos);
  EXPECT_EQ((*second->proof_states(std::vector{point('p', 1)}))[0].state, ProofState::State::unspent);
  EXPECT_TRUE(second->write_now(SwapWrite{fresh_hash(), {proof(1, 1)}, {output(1, 1)}}));
}

struct Hearing final : ChangeListener {
  bool wanted() const override { return true; }
  void changed(Changes changes) override {
    const std::lock_guard lock(mutex);
    for (const PointBytes& y : changes.proofs) proofs.push_back(y);
    for (const std::string& id : changes.mint_quotes) quotes.push_back(id);
  }
  void look_again() override { ++looks; }
  bool heard(const PointBytes& y) const {
    const std::lock_guard lock(mutex);
    return std::ranges::find(proofs, y) != proofs.end();
  }
  std::size_t count() const {
    const std::lock_guard lock(mutex);
    return proofs.size();
  }
  mutable std::mutex mutex;
  std::vector<PointBytes> proofs;
  std::vector<std::string> quotes;
  std::atomic<int> looks = 0;
};

TEST_F(Replicas, HearOfWhatTheOtherCommits) {
  constexpr unsigned kProofs = 700;
  minted(kProofs);
  Hearing hearing;
  b_->listen(&hearing);
  b_->wanted();
  // What is committed before a knows is not told but looked for.
  unsigned next = 0;
  const auto hears_of_more = [&] {
    const auto before = hearing.count();
    return eventually([&] {
      const Spend fresh{point('h', next++), kMana, 0, ""};
      return a_->write_now(SwapWrite{fresh_hash(), {fresh}, {}}) && hearing.count() > before;
    });
  };
  EXPECT_TRUE(hears_of_more());
  EXPECT_TRUE(eventually([&] { return hearing.looks > 0; }));

  std::vector<Spend> spends;  // more than a notification holds
  std::vector<Issue> issues;
  for (unsigned i = 0; i < kProofs; ++i) {
    spends.push_back(proof(i, 1));
    issues.push_back(output(i, 1));
  }
  ASSERT_TRUE(a_->write_now(SwapWrite{fresh_hash(), spends, issues}));
  EXPECT_TRUE(eventually(
      [&] { return std::ranges::all_of(spends, [&](const Spend& each) { return hearing.heard(each.y); }); }));
  paid("told", 1);  // b hears what it commits itself, too: the invoice; a makes the quote
  ASSERT_TRUE(a_->write_now(MintWrite{fresh_hash(), {{"told", 1}}, {output(9'000, 1)}, {}}));
  EXPECT_TRUE(eventually([&] {
    const std::lock_guard lock(hearing.mutex);
    return std::ranges::find(hearing.quotes, "told") != hearing.quotes.end();
  }));

  const int looks = hearing.looks;
  cluster_.cut_connections(url_);
  EXPECT_TRUE(eventually([&] { return hearing.looks > looks; })) << "what was told meanwhile is lost";
  EXPECT_TRUE(hears_of_more()) << "and all goes on";
  b_->listen(nullptr);
}

struct Limited final : SharedLimits {
  std::vector<LimitUse> take_uses(std::size_t) override {
    const std::lock_guard lock(mutex);
    return std::exchange(used, {});
  }
  void charge(const LimitUse& use) override {
    const std::lock_guard lock(mutex);
    charged[use.limit + " " + use.key] += use.cost;
  }
  std::mutex mutex;
  std::vector<LimitUse> used;
  std::map<std::string, double> charged;
};

TEST_F(Replicas, TellEachOtherWhatLimitsWereUsed) {
  Limited at_a, at_b;
  at_a.used = {{"address", "2001:db8::1", 5}, {"engine", "ab", 2}};
  for (int i = 0; i < 500; ++i) at_a.used.push_back({"address", "10.0.0." + std::to_string(i), 1});
  b_->share(&at_b);
  a_->share(&at_a);
  EXPECT_TRUE(eventually([&] {
    const std::lock_guard lock(at_b.mutex);
    return at_b.charged.size() == 502;
  }));
  a_->share(nullptr);
  b_->share(nullptr);
  EXPECT_EQ(at_b.charged["address 2001:db8::1"], 5);
  EXPECT_EQ(at_b.charged["engine ab"], 2);
  EXPECT_TRUE(at_a.charged.empty()) << "nobody is charged what he has let through himself";
}

TEST_F(Replicas, StopWhenTheBooksDontAddUp) {
  minted(5);
  cluster_.execute(url_,
                   "INSERT INTO mint.commits(id, replica, accounts, amounts) "
                   "VALUES('\\x00', 'c', '{redeemed/1}', '{6}')");
  EXPECT_TRUE(eventually([&] { return !a_->health() && !b_->health(); }));
  EXPECT_NE(a_->health().error().message.find("keyset 1"), std::string::npos) << a_->health().error().message;
  EXPECT_FALSE(a_->write_now(SwapWrite{fresh_hash(), {proof(1, 1)}, {output(1, 1)}}));
}

TEST_F(Replicas, APriceSetByOneHoldsForAll) {
  const auto quote = [](const std::string& id) {
    MintQuote out{.id = id, .node_key = fresh_hash(), .request = "lnbc", .unit = "mana"};
    out.amount = 1;
    out.invoice_msat = kManaMsat;
    return out;
  };
  const MintQuote before = quote("before");
  ASSERT_TRUE(b_->write_now(NewMintQuote{before}));
  ASSERT_TRUE(a_->set_prices({{"mana", 2 * kManaMsat}}));
  EXPECT_EQ(b_->write_now(NewMintQuote{quote("behind")}).error().kind, ErrorKind::unavailable)
      << "at a price that is gone";
  ASSERT_TRUE(b_->write_now(PaymentReceived{before.id, before.node_key, before.invoice_msat, {}}));
  EXPECT_EQ(a_->mint_quote("before")->value().amount_paid, 0U);
  EXPECT_TRUE(a_->health());
}

TEST_F(Replicas, ACapHoldsForAllTogether) {
  constexpr unsigned kEach = 60;
  constexpr unsigned kCap = 50;
  for (unsigned n = 0; n < 2 * kEach; ++n) paid("q" + std::to_string(n), 1);
  AdminCall call;
  call.at = system_clock().now();
  call.event = fresh_hash();
  call.event_until = system_clock().now_seconds() + Seconds{120};
  call.action = "cap";
  const auto set = a_->administrate(call, [](const AdminView&) -> Result<AdminEffect> {
    return AdminEffect{UnitRecord{.unit = "mana", .cap = kCap}, {}, {}, ""};
  });
  ASSERT_TRUE(set && set->status == 200);
  const auto mint = [](unsigned n) -> Write {
    return MintWrite{fresh_hash(), {{"q" + std::to_string(n), 1}}, {output(30'000 + n, 1)}, {}};
  };
  std::vector<Write> at_a;
  std::vector<Write> at_b;
  for (unsigned n = 0; n < kEach; ++n) at_a.push_back(mint(n));
  for (unsigned n = kEach; n < 2 * kEach; ++n) at_b.push_back(mint(n));
  const std::vector<int> done = at_both(at_a, at_b);
  EXPECT_EQ(std::accumulate(done.begin(), done.end(), 0), static_cast<int>(kCap));
  EXPECT_EQ(b_->administrate(call, nullptr)->status, 401) << "the event is used up for all";
}

TEST_F(Replicas, OfOtherKeysAreRefused) {
  std::vector<KeysetRecord> others = a_->keysets().value();
  others[0].id = *cashu::KeysetId::from_hex("00aaaaaaaaaaaaaa");
  const Status refused = b_->store_keysets(others);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("mnemonic"), std::string::npos);
}

TEST(PostgresRoles, ARunningMintCanOnlyDoWhatItMust) {
  PostgresCluster& cluster = PostgresCluster::instance();
  const std::string owner = cluster.make_database();
  cluster.execute(owner, "CREATE ROLE runtime LOGIN");
  std::string runtime = owner;
  runtime.replace(runtime.find("manastr@"), 8, "runtime@");
  EXPECT_FALSE(open_postgres_ledger(options_for(runtime))) << "it can't make the tables";
  ASSERT_TRUE(migrate_postgres_ledger(crypto::SecretText(owner), "runtime"));
  ASSERT_TRUE(migrate_postgres_ledger(crypto::SecretText(owner), "runtime")) << "again: nothing";
  {
    const auto ledger = open_postgres_ledger(options_for(runtime));
    ASSERT_TRUE(ledger) << ledger.error().message;
    ASSERT_TRUE(prepare(**ledger));
    for (const Act& act : life()) {
      const auto said = (*ledger)->write_now(act.write);
      ASSERT_TRUE(said || said.error().code == std::max(act.answer, 0)) << said.error().message;
    }
    EXPECT_TRUE((*ledger)->pending_melts()->empty());
    // What was spent of a keyset whose time is over may be forgotten, and of no other.
    const std::vector<KeysetRecord> before = (*ledger)->keysets().value();
    std::vector<KeysetRecord> after = before;
    after.push_back({.number = kSat + 1,
                     .id = *cashu::KeysetId::from_hex("00aaaaaaaaaaaaaa"),
                     .unit = "sat",
                     .state = KeysetState::pruned,
                     .final_expiry = unix_seconds(1'700'000'000)});
    ASSERT_TRUE((*ledger)->change_keysets(before, after).value());
    EXPECT_FALSE((*ledger)->prune(kMana)) << "it is not marked";
    EXPECT_EQ((*ledger)->prune(kSat + 1).value(), KeysetStore::Pruned::later);
    cluster.execute(owner, "UPDATE mint.pruned SET since = since - interval '1 hour'");
    EXPECT_EQ((*ledger)->prune(kSat + 1).value(), KeysetStore::Pruned::more);
    EXPECT_EQ((*ledger)->prune(kSat + 1).value(), KeysetStore::Pruned::done);
    EXPECT_TRUE((*ledger)->health());
  }
  const auto connection = cluster.connect(runtime);
  for (const char* forbidden :
       {"DELETE FROM mint.proofs", "UPDATE mint.proofs SET amount = 0", "DELETE FROM mint.commits",
        "UPDATE mint.commits SET amounts = '{}'", "TRUNCATE mint.signatures", "DROP TABLE mint.proofs",
        "UPDATE mint.totals SET amount = 0", "CREATE TABLE mint.mine(a int)",
        "UPDATE mint.mint_quotes SET amount = 9", "UPDATE mint.pruned SET redeemed = 0",
        "UPDATE mint.keysets SET final_expiry = 1"}) {
    const auto said = connection->execute(forbidden);
    ASSERT_FALSE(said) << forbidden;
    EXPECT_EQ(said.error().failure, postgres::Failure::denied) << forbidden;
  }
  cluster.execute(owner, "UPDATE mint.schema_version SET version = 99");
  const auto newer = open_postgres_ledger(options_for(runtime));
  ASSERT_FALSE(newer);
  EXPECT_NE(newer.error().message.find("newer version"), std::string::npos);
  cluster.execute(owner, "DROP OWNED BY runtime; DROP ROLE runtime");
}

}  // namespace
}  // namespace manastr::mint::test
